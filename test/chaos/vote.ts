import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JsonObject } from '../../src/std/canonical-json.ts';
import type { Network } from '../support/network-harness.ts';
import type { NetworkNode } from '../support/network-node.ts';
import { goodJson, refusalCode } from './ask-node.ts';
import { submit } from './load.ts';

/** What an outcome says of a vote. */
interface Ballot {
  readonly executed: boolean;
}

async function outcomeOf(network: Network, node: NetworkNode, message: JsonObject & { readonly type: string }) {
  const { id, answer } = await taken(network, node, message);
  const { outcome } = goodJson(answer) as unknown as { outcome: { code: string; data: Ballot & JsonObject } };
  assert.equal(outcome.code, 'OK', `${message.type} by ${node.slug}: ${JSON.stringify(outcome)}`);
  return { id, data: outcome.data };
}

/** As an administrator would, once more when there is a quorum again: on a busy machine blocks may keep one waiting. */
async function taken(network: Network, node: NetworkNode, message: JsonObject & { readonly type: string }) {
  const untilMs = Date.now() + 30_000;
  for (;;) {
    const sent = await submit(network, node, message);
    if (refusalCode(sent.answer) !== 'LEDGER_NO_QUORUM' || Date.now() > untilMs) return sent;
    await sleep(250);
  }
}

/** One member proposes, each at its own node, and the others approve until it is executed. */
export async function vote(
  network: Network,
  voters: readonly NetworkNode[],
  message: JsonObject & { readonly type: string },
): Promise<void> {
  const [proposer, ...others] = voters as [NetworkNode, ...NetworkNode[]];
  const { id, data } = await outcomeOf(network, proposer, message);
  let isExecuted = data.executed;
  for (const node of others) {
    if (isExecuted) break;
    isExecuted = (await outcomeOf(network, node, { type: 'membership.approve', proposal: id })).data.executed;
  }
  assert.ok(isExecuted, `${message.type} found too few votes`);
}
