import assert from 'node:assert/strict';
import { validatorAddress } from '../../src/chain/validators.ts';
import type { JsonObject } from '../../src/std/canonical-json.ts';
import { type Joiner, type Network, until } from '../support/network-harness.ts';
import type { NetworkNode } from '../support/network-node.ts';
import { askNode, goodJson } from './ask-node.ts';
import { isAtHead } from './faults.ts';
import { vote } from './vote.ts';

const WAIT_MS = 60_000;

/** Seconds that a joining took, and from where the joiner went on. */
export interface Joining {
  readonly node: NetworkNode;
  readonly baseHeight: number;
  readonly toHeadSeconds: number;
}

/**
 * A fifth organisation is admitted and let in by votes, takes a snapshot instead of executing what was before, also
 * after it was killed over that, gets power by a vote and signs.
 */
export async function join(network: Network, voters: readonly NetworkNode[]): Promise<Joining> {
  const joiner = await network.addOrganisation('elm');
  const { node, entry, validator } = joiner;
  await vote(network, voters, { type: 'membership.admit', ...(entry as unknown as JsonObject) });
  await vote(network, voters, { type: 'membership.setValidator', ...validator, power: 0 });
  // Killed at the worst moment: the state is here, and its engine has no block yet.
  const restored = node.says('took the state of a snapshot', WAIT_MS);
  const broken = node.start().catch(() => {});
  await restored;
  await node.kill('both');
  await broken;
  const begunMs = performance.now();
  await node.start();
  await until('the joiner at the head', WAIT_MS, () => isAtHead(network, node));
  const toHeadSeconds = (performance.now() - begunMs) / 1000;
  const baseHeight = Math.min(...node.executed.map(({ height }) => height)) - 1;
  assert.ok(baseHeight > 0, 'the joiner executed all blocks instead of taking a snapshot');
  await vote(network, voters, { type: 'membership.setValidator', ...validator, power: 1 });
  await until('the joiner’s vote in a commit', WAIT_MS, () => signs(voters[0] as NetworkNode, joiner));
  return { node, baseHeight, toHeadSeconds };
}

/** Whether the newest commit that a node shows carries the vote of a validator. */
async function signs(node: NetworkNode, { validator }: Joiner): Promise<boolean> {
  const address = validatorAddress(validator.publicKey).toUpperCase();
  const { commit } = goodJson(await askNode(node, '/ledger/head')) as unknown as {
    commit: { commit?: { signatures: { validator_address: string }[] } };
  };
  return commit.commit?.signatures.some((one) => one.validator_address === address) === true;
}

/** A member's validator is dropped by a vote, the network goes on without it, and its node ends in order. */
export async function leave(network: Network, leaver: NetworkNode, voters: readonly NetworkNode[]): Promise<void> {
  await vote(network, voters, { type: 'membership.dropValidator', account: leaver.signer.account });
  const before = network.height();
  // The set of the block after the next.
  await until('blocks of the smaller set', WAIT_MS, () => network.height() > before + 2);
  await leaver.close();
}
