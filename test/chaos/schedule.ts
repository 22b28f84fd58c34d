import { setTimeout as sleep } from 'node:timers/promises';
import { type Network, until } from '../support/network-harness.ts';
import type { NetworkNode } from '../support/network-node.ts';
import { createFault, FAULT_KINDS, type FaultKind, isAtHead, RECOVERY_MS, type Recovery, suffer } from './faults.ts';

type Say = (line: string) => void;
/** Milliseconds since the epoch. */
export type Span = readonly [begin: number, end: number];

/** In the short form, one after the other. */
const SHORT: readonly FaultKind[] = ['kill engine', 'kill both', 'pause', 'isolate', 'kill node', 'pull link'];
const SHORT_HOLD_MS = 2_000;
const LONG_HOLD_MS = { least: 1_000, most: 15_000 };
const SPLIT_MS = 10_000;

/** Some kinds of fault, each at the next node. */
export async function sufferOnce(network: Network, say: Say): Promise<Recovery[]> {
  const recoveries: Recovery[] = [];
  for (const [at, kind] of SHORT.entries()) {
    const [node, other] = [0, 1].map((next) => network.nodes[(at + next) % network.nodes.length]) as [
      NetworkNode,
      NetworkNode,
    ];
    recoveries.push(tell(await suffer(network, createFault(network, kind, node, other), SHORT_HOLD_MS), say));
  }
  return recoveries;
}

/** For some time faults of all kinds in random order, of random length, at random nodes; then each node is started anew. */
export async function sufferLong(
  network: Network,
  random: () => number,
  forMs: number,
  say: Say,
): Promise<{ readonly recoveries: Recovery[]; readonly splits: readonly Span[] }> {
  const recoveries: Recovery[] = [];
  const splits: Span[] = [];
  const endMs = performance.now() + forMs;
  while (performance.now() < endMs) {
    // Every kind comes before one comes again, and a network in two halves after all of them.
    for (const kind of shuffled(FAULT_KINDS, random)) {
      const [node, other] = shuffled(network.nodes, random) as [NetworkNode, NetworkNode];
      const holdMs = LONG_HOLD_MS.least + random() * (LONG_HOLD_MS.most - LONG_HOLD_MS.least);
      recoveries.push(tell(await suffer(network, createFault(network, kind, node, other), holdMs), say));
    }
    splits.push(await split(network, shuffled(network.nodes, random), say));
  }
  for (const node of network.nodes)
    recoveries.push(tell(await suffer(network, createFault(network, 'restart', node, node), 0), say));
  return { recoveries, splits };
}

/** Two against two: neither half may commit. Resolves to the time in which no block could come. */
async function split(network: Network, nodes: readonly NetworkNode[], say: Say): Promise<Span> {
  const links = nodes.slice(0, 2).flatMap((one) => nodes.slice(2).map((other) => [one, other] as const));
  const beganMs = Date.now();
  for (const [one, other] of links) network.cut(one, other, 'reset');
  // Of a block that was decided already, the votes may still be under way.
  await sleep(1_000);
  const stoodAt = network.height();
  await sleep(SPLIT_MS);
  if (network.height() !== stoodAt) throw new Error('half of a network committed a block');
  const healedMs = Date.now();
  for (const [one, other] of links) network.heal(one, other);
  const seconds = await until('blocks after a split', RECOVERY_MS, () => network.height() > stoodAt);
  await until('all at the head after a split', RECOVERY_MS, () => nodes.every((node) => isAtHead(network, node)));
  say(`split in halves: next block ${seconds.toFixed(1)} s`);
  return [beganMs, healedMs];
}

function tell(recovery: Recovery, say: Say): Recovery {
  const { name, nextBlockSeconds, atHeadSeconds } = recovery;
  say(`${name}: next block ${nextBlockSeconds.toFixed(1)} s, at the head ${atHeadSeconds.toFixed(1)} s`);
  return recovery;
}

function shuffled<T>(items: readonly T[], random: () => number): readonly T[] {
  return items
    .map((item) => ({ item, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}
