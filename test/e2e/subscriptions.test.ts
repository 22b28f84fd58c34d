import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClaimSlip } from '../../src/capabilities/membership/api.ts';
import { bytesToBase64url } from '../../src/std/bytes.ts';
import { claimAccount } from '../../src/wallet/claim.ts';
import { grantConsent, revokeConsent } from '../../src/wallet/consent.ts';
import { nodeKeys } from '../../src/wallet/node/node-keys.ts';
import { newWalletAccount } from '../../src/wallet/wallet.ts';
import { type NodeAddress, type StandbyNode, standbyNode } from '../crash/killed-node.ts';
import { type HookReceiver, startReceiver, subscriptionResource } from '../support/hook-receiver.ts';
import { consentFor } from '../support/patient-consent.ts';

/*
 * A node in a process of its own that is written to and killed, a receiver that dies and returns, and what came of it.
 */

const LONG = process.env.ACESO_LONG === '1';
/** Writes, and how many of them begin in a second. */
const WRITES = LONG ? 12_000 : 600;
const PER_SECOND = 200;
const SLUG = 'st-brigid';
const TOPIC = 'urn:aceso:topic:observation';

const root = mkdtempSync(join(tmpdir(), 'aceso-subscriptions-'));
after(() => rmSync(root, { recursive: true, force: true }));

/** A node that can be killed and started again on the same folder. */
class RestartedNode {
  #child: StandbyNode;
  #next: StandbyNode | undefined;
  #address: NodeAddress | undefined;
  readonly #paths: [string, string, string];

  constructor(name: string) {
    this.#paths = [join(root, name, 'data'), join(root, name, 'keys'), join(root, 'cache')];
    this.#child = standbyNode(...this.#paths);
  }

  async open(): Promise<void> {
    await this.#child.loaded;
    this.#address = await this.#child.open();
    assert.ok(this.#address !== undefined);
  }

  /** What libraries note on standard error is no matter here; that the process ended by itself is. */
  async kill(): Promise<void> {
    await this.#child.kill().catch((error: Error) => {
      if (!error.message.includes('ended with SIGKILL')) throw error;
    });
  }

  /** Loads the code of the process that will take this one's place. */
  prepare(): void {
    this.#next = standbyNode(...this.#paths);
  }

  /** Leaves no process behind. */
  async end(): Promise<void> {
    await this.kill();
    if (this.#next !== undefined && this.#next !== this.#child) await this.#next.kill().catch(() => undefined);
  }

  /** Kills the process in the midst of what it is doing, and opens the folder in the prepared one. */
  async restart(): Promise<void> {
    await this.kill();
    this.#child = this.#next as StandbyNode;
    await this.open();
  }

  async send(method: string, path: string, body?: unknown, token?: string) {
    const { url, adminTokens } = this.#address as NodeAddress;
    const answer = await fetch(`${url}/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token ?? adminTokens[SLUG]}`,
        ...(token === undefined ? { 'aceso-purpose': 'TREAT' } : {}),
        ...(body === undefined
          ? {}
          : { 'content-type': path.startsWith('fhir') ? 'application/fhir+json' : 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    // biome-ignore lint/suspicious/noExplicitAny: answers of every shape
    return { status: answer.status, text, json: (text.startsWith('{') ? JSON.parse(text) : undefined) as any };
  }

  /** Throws unless it was done. */
  async done(method: string, path: string, body?: unknown, token?: string) {
    const answer = await this.send(method, path, body, token);
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.json;
  }

  /** Lets the node ask these receivers, which the operator's own token alone may do. */
  async allow(...receivers: readonly HookReceiver[]): Promise<void> {
    const { url, adminTokens } = this.#address as NodeAddress;
    const { revision } = await this.done('GET', 'api/outgoing');
    const rules = receivers.map(({ origin }) => ({ origin, addresses: ['127.0.0.0/8'] }));
    const answer = await fetch(`${url}/api/outgoing`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${adminTokens[SLUG]}`, 'content-type': 'application/json' },
      body: JSON.stringify({ revision, rules }),
    });
    assert.equal(answer.status, 200, await answer.text());
  }

  async subscribe(resource: object): Promise<string> {
    const { id } = await this.done('POST', 'fhir/Subscription', resource);
    for (;;) {
      const { status, error } = await this.done('GET', `fhir/Subscription/${id}`);
      if (status === 'active') return id;
      assert.equal(status, 'requested', error);
      await sleep(20);
    }
  }
}

const observation = (patient?: string) => ({
  resourceType: 'Observation',
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }] },
  valueQuantity: { value: 60, unit: '/min', system: 'http://unitsofmeasure.org', code: '/min' },
  ...(patient === undefined ? {} : { subject: { reference: `Patient/${patient}` } }),
});

test(`${WRITES} writes, ${PER_SECOND} a second, a receiver that dies and returns, a node that is killed: every event, in order, no number left out`, async (t) => {
  const node = new RestartedNode('load');
  t.after(() => node.end());
  const receiver = await startReceiver();
  t.after(() => receiver.die());
  await node.open();
  await node.allow(receiver);
  const id = await node.subscribe(subscriptionResource({ topic: TOPIC, endpoint: receiver.url, maxCount: 50 }));
  const patient = (await node.done('POST', 'fhir/Patient', { resourceType: 'Patient' })).id;
  const written: string[] = [];
  let unknown = 0;
  const write = async () => {
    try {
      const { status, json } = await node.send('POST', 'fhir/Observation', observation(patient));
      if (status === 201) written.push(json.id);
      else unknown += 1;
    } catch {
      // The node was killed: it may have been written or not.
      unknown += 1;
    }
  };
  const startMs = performance.now();
  let underWay: Promise<void>[] = [];
  for (let at = 0; at < WRITES; at++) {
    if (at === Math.floor(WRITES * 0.25)) await receiver.die();
    if (at === Math.floor(WRITES * 0.5)) await receiver.revive();
    if (at === Math.floor(WRITES * 0.5)) node.prepare();
    if (at === Math.floor(WRITES * 0.6)) await node.restart();
    if (at === Math.floor(WRITES * 0.75)) receiver.answer.status = 503;
    if (at === Math.floor(WRITES * 0.85)) receiver.answer.status = 200;
    underWay.push(write());
    const aheadMs = (at / PER_SECOND) * 1000 - (performance.now() - startMs);
    if (aheadMs > 1) await sleep(aheadMs);
    if (underWay.length >= 64) {
      await Promise.all(underWay);
      underWay = [];
    }
  }
  await Promise.all(underWay);
  const seconds = (performance.now() - startMs) / 1000;
  const wanted = new Set(written);
  await receiver.until((received) => {
    for (const { events } of received.slice(-1))
      for (const { focus } of events) wanted.delete(focus?.split('/').at(-1) ?? '');
    if (wanted.size === 0) return true;
    const told = new Set(received.flatMap(({ events }) => events.map(({ focus }) => focus?.split('/').at(-1))));
    return written.every((one) => told.has(one));
  });
  const focusOf = new Map<number, string | undefined>();
  let last = 0;
  for (const { events, subscription } of receiver.received) {
    assert.ok(subscription.endsWith(`/${id}`));
    for (const { number, focus } of events) {
      assert.ok(number <= last + 1, `${number} after ${last}`);
      last = Math.max(last, number);
      const resource = focus?.split('/').at(-1);
      assert.equal(focusOf.get(number) ?? resource, resource, `number ${number} has one meaning`);
      focusOf.set(number, resource);
    }
  }
  const resources = new Set(focusOf.values());
  assert.equal(focusOf.size, last, 'no number is left out');
  assert.equal(resources.size, last, 'no resource has two numbers');
  assert.deepEqual(
    written.filter((one) => !resources.has(one)),
    [],
  );
  assert.ok(last <= written.length + unknown);
  const again = receiver.numbers().length - last;
  t.diagnostic(
    `${written.length} written in ${seconds.toFixed(1)} s, ${unknown} unknown, ${last} events, ${again} sent again, ${receiver.received.length} notifications`,
  );
});

test('a patient’s denial between two events keeps the second from a subscriber, and counts of it too', async (t) => {
  const node = new RestartedNode('consent');
  t.after(() => node.end());
  const receiver = await startReceiver();
  t.after(() => receiver.die());
  await node.open();
  await node.allow(receiver);
  const { id: patient } = await node.done('POST', 'fhir/Patient', { resourceType: 'Patient' });
  const filters = [`Observation?patient=Patient/${patient}&code=http://loinc.org|8867-4`];
  const full = { topic: TOPIC, endpoint: receiver.url, content: 'full-resource', filters };
  const id = await node.subscribe(subscriptionResource(full));
  const marks = await node.subscribe(
    subscriptionResource({ topic: 'urn:aceso:topic:organization', endpoint: receiver.url }),
  );
  const passed = async () => {
    const before = receiver.numbersOf(marks).length;
    await node.done('POST', 'fhir/Organization', { resourceType: 'Organization', name: 'marker' });
    await receiver.until(() => receiver.numbersOf(marks).length > before);
  };
  const post = (path: string, body: unknown) => node.done('POST', path.replace(/^\//, ''), body, '');
  const slip = (await node.done('POST', `api/accounts/${patient}/claim-code`)) as ClaimSlip;
  const wallet = await claimAccount({ post, keys: nodeKeys, nowMs: Date.now() }, slip, newWalletAccount(slip));
  await node.done('POST', 'fhir/Observation', observation(patient));
  await receiver.until(() => receiver.numbersOf(id).length === 1);

  const by = () => ({ keys: nodeKeys, nowMs: Date.now() });
  const consent = { ...consentFor(slip.custodian, 'deny'), patient: { reference: `Patient/${patient}` } };
  const text = JSON.stringify(consent);
  const kept = await node.done('POST', 'api/consents/documents', { patientId: patient, consent: text }, wallet.token);
  const { wire } = await grantConsent(by(), wallet, consent, String(kept.leaf));
  const granted = { patientId: patient, document: kept.id, wire: bytesToBase64url(wire) };
  const { policy } = await node.done('POST', 'api/consents', granted, wallet.token);
  await node.done('POST', 'fhir/Observation', observation(patient));
  await passed();
  assert.deepEqual(receiver.numbersOf(id), [1]);
  const counted = await node.done('GET', `fhir/Subscription/${id}/$status`);
  assert.match(JSON.stringify(counted), /"events-since-subscription-start","valueString":"1"/);
  const events = await node.done('GET', `fhir/Subscription/${id}/$events?content=full-resource`);
  assert.equal(events.entry.length, 1, 'what is denied now is not shown again either');

  const end = await revokeConsent(by(), wallet, String(policy));
  await node.done(
    'POST',
    'api/consents/revoke',
    { patientId: patient, policy, wire: bytesToBase64url(end) },
    wallet.token,
  );
  const { id: third } = await node.done('POST', 'fhir/Observation', observation(patient));
  await receiver.until(() => receiver.numbersOf(id).length === 2);
  assert.deepEqual(receiver.numbersOf(id), [1, 2]);
  const last = receiver.received.filter(({ subscription }) => subscription.endsWith(id)).at(-1);
  assert.equal(last?.bundle.entry[1].resource.id, third);
});
