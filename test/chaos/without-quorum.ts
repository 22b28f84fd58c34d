import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { bytesToHex } from '../../src/std/bytes.ts';
import { type Network, until } from '../support/network-harness.ts';
import type { NetworkNode } from '../support/network-node.ts';
import { askNode, goodJson, refusalCode } from './ask-node.ts';
import { submit } from './load.ts';

const FHIR = 'application/fhir+json';
/** How long it is watched that no block comes. */
const STILL_MS = 3_000;
const SAYS_SO_MS = 20_000;
const MOVES_MS = 60_000;
/** Jobs that failed for a while wait for up to half a minute. */
const ANCHORED_MS = 90_000;

/** A physician with a token, hired while the ledger moves. */
export async function hirePhysician(node: NetworkNode): Promise<string> {
  const body = {
    label: 'Dr Rivers',
    roleCodes: ['http://terminology.hl7.org/CodeSystem/v3-RoleCode|PHYS'],
    purposes: ['TREAT', 'BTG'],
    days: 1,
  };
  const { token } = goodJson(await askNode(node, '/api/tokens', { method: 'POST', body }));
  return token as string;
}

/** What came of a time with two of four down. */
export interface Standstill {
  /** While no block could come; milliseconds since the epoch. */
  readonly span: readonly [number, number];
  readonly saidSoSeconds: number;
  readonly nextBlockSeconds: number;
  /** Resolves, with the seconds since the first block, when what happened meanwhile is on the ledger. */
  readonly anchored: Promise<number>;
}

/**
 * Kills two of four. The others commit nothing and say so; care goes on at them. When one returns, blocks do, and what
 * happened meanwhile comes onto the ledger. Both are back when it resolves.
 */
export async function standStill(
  network: Network,
  [host, peer]: readonly [NetworkNode, NetworkNode],
  [first, second]: readonly [NetworkNode, NetworkNode],
  physician: string,
): Promise<Standstill> {
  const beganMs = Date.now();
  await Promise.all([first.kill('both'), second.kill('both')]);
  const saidSoSeconds = await until('both say that there is no quorum', SAYS_SO_MS, async () => {
    const said = await Promise.all([host, peer].map(saysNoQuorum));
    return said.every((one) => one);
  });
  const stoodAt = network.height();
  const submitted = await submit(network, host, {
    type: 'practitioner.register',
    account: bytesToHex(randomBytes(16)),
    roleCodes: [],
  });
  assert.equal(refusalCode(submitted.answer), 'LEDGER_NO_QUORUM');
  const { patient, act } = await careGoesOn(host, physician);
  await sleep(STILL_MS);
  assert.equal(network.height(), stoodAt, 'a block was committed without a quorum');

  const returning = performance.now();
  const starts = [first.start(), second.start()];
  await until('blocks once one is back', MOVES_MS, () => network.height() > stoodAt);
  const nextBlockSeconds = (performance.now() - returning) / 1000;
  const endedMs = Date.now();
  const anchored = until('the journal and the claim on the ledger', ANCHORED_MS, async () => {
    const journal = goodJson(await askNode(host, '/api/journal'));
    if ((journal.anchored as number) < (journal.size as number)) return false;
    const accounting = goodJson(await askNode(host, `/api/patients/${patient}/accounting`));
    const acts = accounting.breakGlass as unknown as { act: string; origin: string }[];
    return acts.some((one) => one.act === act && one.origin === 'LEDGER_UNAVAILABLE');
  });
  // Looked at when it is waited for; until then a failure is nobody's.
  anchored.catch(() => {});
  await Promise.all(starts);
  return { span: [beganMs, endedMs], saidSoSeconds, nextBlockSeconds, anchored };
}

async function saysNoQuorum(node: NetworkNode): Promise<boolean> {
  const { ledger } = goodJson(await askNode(node, '/health')) as unknown as {
    ledger: { status: string; reason?: string };
  };
  return ledger.status === 'stopped' && /no quorum/.test(ledger.reason ?? '');
}

/** A patient is registered, a version written and read, and the glass broken, with this one node. */
async function careGoesOn(host: NetworkNode, physician: string): Promise<{ patient: string; act: string }> {
  const post = (path: string, body: object, token?: string, type = FHIR) =>
    askNode(host, path, { method: 'POST', body, type, ...(token === undefined ? {} : { token }) }).then(goodJson);
  const { id: patient } = await post('/fhir/Patient', { resourceType: 'Patient', identifier: [{ value: 'still' }] });
  const { id } = await post('/fhir/Observation', {
    ...{ resourceType: 'Observation', status: 'final', code: { text: 'pulse' } },
    subject: { reference: `Patient/${patient}` },
  });
  const read = goodJson(await askNode(host, `/fhir/Observation/${id}`));
  assert.deepEqual(read.code, { text: 'pulse' });
  const stated = { patientId: patient, reason: 1, statedReason: 'unconscious on arrival' };
  const { act, origin } = await post('/api/access/break-glass', stated, physician, 'application/json');
  assert.equal(origin, 'LEDGER_UNAVAILABLE');
  return { patient: patient as string, act: act as string };
}
