import { setTimeout as sleep } from 'node:timers/promises';
import { type Network, until } from '../support/network-harness.ts';
import type { Cut } from '../support/network-links.ts';
import type { NetworkNode } from '../support/network-node.ts';

/** Something that befalls a network and leaves it more than two thirds. */
export interface Fault {
  readonly name: string;
  /** Who has to be at the head again afterwards. */
  readonly hit: readonly NetworkNode[];
  /** Over at once: nobody has to end it. */
  readonly isMoment?: boolean;
  begin(): Promise<void> | void;
  end(): Promise<void> | void;
}

/** What came of a fault, in seconds from its end. */
export interface Recovery {
  readonly name: string;
  readonly nextBlockSeconds: number;
  readonly atHeadSeconds: number;
}

export const FAULT_KINDS = [
  'kill both',
  'kill node',
  'kill engine',
  'pause',
  'cut link',
  'pull link',
  'isolate',
  'isolate silently',
  'restart',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** The fault of a kind that befalls `node`; a link that is cut alone is the one to `other`. */
export function createFault(network: Network, kind: FaultKind, node: NetworkNode, other: NetworkNode): Fault {
  const name = `${kind} ${node.slug}`;
  const hit = [node];
  const restart = { name, hit, end: () => node.start() };
  const isolation = (how: Cut): Fault => {
    const others = network.nodes.filter((one) => one !== node);
    return {
      ...{ name, hit },
      begin() {
        for (const one of others) network.cut(node, one, how);
      },
      end() {
        for (const one of others) network.heal(node, one);
      },
    };
  };
  const oneLink = (how: Cut): Fault => ({
    ...{ name: `${name}–${other.slug}`, hit: [node, other] },
    begin: () => network.cut(node, other, how),
    end: () => network.heal(node, other),
  });
  const faults: Record<FaultKind, () => Fault> = {
    'kill both': () => ({ ...restart, begin: () => node.kill('both') }),
    'kill node': () => ({ ...restart, begin: () => node.kill('node') }),
    'kill engine': () => ({ name, hit, isMoment: true, begin: () => node.kill('engine'), end() {} }),
    pause: () => ({ name, hit, begin: () => node.pause(), end: () => node.resume() }),
    'cut link': () => oneLink('reset'),
    'pull link': () => oneLink('silent'),
    isolate: () => isolation('reset'),
    'isolate silently': () => isolation('silent'),
    restart: () => ({ ...restart, begin: () => node.close() }),
  };
  return faults[kind]();
}

/** How long a network of a busy machine may take until a node is at the head again. */
export const RECOVERY_MS = 60_000;

/** Lets a fault last for a while, ends it and measures how the network recovers; that a process starts is part of it. */
export async function suffer(network: Network, fault: Fault, holdMs: number): Promise<Recovery> {
  await fault.begin();
  if (fault.isMoment !== true) await sleep(holdMs);
  const before = network.height();
  const [nextBlockSeconds, atHeadSeconds] = await Promise.all([
    until(`a block after ${fault.name}`, RECOVERY_MS, () => network.height() > before),
    until(`${fault.name}: at the head again`, RECOVERY_MS, () =>
      fault.hit.every((node) => isAtHead(network, node, before)),
    ),
    fault.end(),
  ]);
  return { name: fault.name, nextBlockSeconds, atHeadSeconds };
}

/** A block behind is what messages take. */
export function isAtHead(network: Network, node: NetworkNode, before = 0): boolean {
  return node.height() > before && node.height() >= network.height() - 1;
}
