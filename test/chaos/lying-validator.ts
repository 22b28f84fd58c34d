import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { bytesToHex } from '../../src/std/bytes.ts';
import { isReject } from '../../src/std/reject.ts';
import { type Network, until } from '../support/network-harness.ts';
import type { NetworkNode } from '../support/network-node.ts';
import { askNode, goodJson } from './ask-node.ts';
import { checkOneHistory, checkReceipt } from './checks.ts';
import { type Acknowledged, acknowledgement, submit } from './load.ts';

const WAIT_MS = 30_000;

async function register(network: Network, node: NetworkNode): Promise<Acknowledged> {
  const account = bytesToHex(randomBytes(16));
  const { id, answer } = await submit(network, node, { type: 'practitioner.register', account, roleCodes: [] });
  const told = acknowledgement(id, answer);
  assert.ok(told, `an honest node did not take a transaction: ${JSON.stringify(answer)}`);
  return told;
}

/**
 * A node that shows clients other outcomes than were committed: its votes are honest, and its receipts are refused,
 * while those of an honest node hold. Resolves to the verifier's codes.
 */
export async function lieToClients(network: Network, liar: NetworkNode, honest: NetworkNode): Promise<string[]> {
  liar.order('lie outcome');
  await sleep(500);
  const codes: string[] = [];
  for (let at = 0; at < 3; at++) {
    const told = await register(network, honest);
    await until('the liar has the block', WAIT_MS, () => liar.height() >= told.height);
    await until('the honest receipt', WAIT_MS, () => checkReceipt(network, honest, told));
    codes.push(await refusalOf(network, liar, told));
  }
  return codes;
}

/** The verifier's code for the receipt of a liar. Throws when it was accepted, or when none was given out. */
async function refusalOf(network: Network, liar: NetworkNode, told: Acknowledged): Promise<string> {
  const given = await checkReceipt(network, liar, told).catch((error: unknown) => {
    if (isReject(error)) return error.code;
    throw error;
  });
  assert.equal(typeof given, 'string', given === true ? 'a lie was accepted' : 'the liar gave out no receipt');
  return given as string;
}

/**
 * A node that has executed another history and tells its engine of that one's app hash: the others go on without it, it
 * says that it stands still, and it has nothing to give out that a client accepts.
 */
export async function lieToTheEngine(
  network: Network,
  liar: NetworkNode,
  honest: readonly NetworkNode[],
): Promise<void> {
  const [first] = honest as [NetworkNode, ...NetworkNode[]];
  const others = network.nodes.filter((node) => node !== liar);
  liar.order('lie app-hash');
  await sleep(200);
  const told: Acknowledged[] = [];
  for (let at = 0; at < 3; at++) told.push(await register(network, first));
  const highest = Math.max(...told.map(({ height }) => height));
  await until('the honest go on', WAIT_MS, () => honest.every((node) => node.height() >= highest));
  // The comparison has to see it: it is a fault that was planted.
  assert.throws(() => checkOneHistory(network.nodes), /two app hashes/);
  checkOneHistory(others);
  await until('the liar says that it stands still', WAIT_MS, async () => {
    const { ledger } = goodJson(await askNode(liar, '/health')) as unknown as { ledger: { status: string } };
    return ledger.status !== 'ok';
  });
  for (const one of told) {
    await until('the honest receipt', WAIT_MS, () => checkReceipt(network, first, one));
    const accepted = await checkReceipt(network, liar, one).catch((error: unknown) => {
      if (isReject(error)) return false;
      throw error;
    });
    assert.ok(!accepted, 'a client accepted a lie');
  }
}
