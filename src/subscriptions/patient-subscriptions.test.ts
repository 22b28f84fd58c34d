import assert from 'node:assert/strict';
import { before, type TestContext, test } from 'node:test';
import { patientToken } from '../../test/smart/access-matrix-patient.ts';
import { type HookReceiver, startReceiver, subscriptionResource } from '../../test/support/hook-receiver.ts';
import { APP } from '../../test/support/smart-app.ts';
import { type Answer, type SmartNode, startSmartNode } from '../../test/support/smart-node.ts';
import type { ClaimSlip } from '../capabilities/membership/api.ts';
import { loadDefinitions } from '../fhir/definitions/load-definitions.ts';
import { claimAccount } from '../wallet/claim.ts';
import { nodeKeys } from '../wallet/node/node-keys.ts';
import { newWalletAccount, type WalletAccount } from '../wallet/wallet.ts';
import { LIMITS } from './limits.ts';

/* A patient, by a token of her own and by an app, on a whole node: told of her own record, and of nothing else. */

const TOPIC = 'urn:aceso:topic:observation';
const NEVER = '00000000-0000-4000-8000-000000000000';

before(() => loadDefinitions());

interface Person {
  /** Id of the Patient. */
  readonly id: string;
  readonly wallet: WalletAccount;
}

interface Stage {
  readonly node: SmartNode;
  readonly receiver: HookReceiver;
  readonly physician: string;
  readonly [name: string]: unknown;
  readonly ada: Person;
  readonly bob: Person;
}

async function claim(node: SmartNode, id: string): Promise<Person> {
  const slip = (await node.api('POST', `/api/accounts/${id}/claim-code`, {})).json as ClaimSlip;
  const post = async (path: string, body: unknown) => (await node.api('POST', path, body)).json;
  return { id, wallet: await claimAccount({ post, keys: nodeKeys, nowMs: Date.now() }, slip, newWalletAccount(slip)) };
}

async function setStage(t: TestContext): Promise<Stage> {
  const receiver = await startReceiver();
  t.after(() => receiver.die());
  const node = await startSmartNode(t);
  const { revision } = (await node.api('GET', '/api/outgoing')).json;
  const rules = [{ origin: receiver.origin, addresses: ['127.0.0.0/8'] }];
  assert.equal((await node.api('PUT', '/api/outgoing', { revision, rules })).status, 200);
  const { json: found } = await node.fhir(node.admin, 'Patient?_count=2');
  const [ada, bob] = found.entry.map(({ resource }: { resource: { id: string } }) => resource.id) as [string, string];
  const physician = node.running.seeded?.accounts.find(({ label }) => label.startsWith('physician'))?.token ?? '';
  return { node, receiver, physician, ada: await claim(node, ada), bob: await claim(node, bob) };
}

const JSON_TYPE = { 'content-type': 'application/fhir+json' };
const observationOf = (patient: string | undefined) => ({
  ...{ resourceType: 'Observation', status: 'final', code: { text: 'pulse' } },
  ...(patient === undefined ? {} : { subject: { reference: `Patient/${patient}` } }),
});

function write(node: SmartNode, token: string, method: string, path: string, body?: object): Promise<Answer> {
  return node.fhir(token, path, { method, headers: JSON_TYPE, ...(body && { body: JSON.stringify(body) }) });
}

async function observe({ node }: Stage, patient?: string): Promise<string> {
  const { status, json, text } = await write(node, node.admin, 'POST', 'Observation', observationOf(patient));
  assert.equal(status, 201, text);
  return json.id;
}

async function subscribe({ node, receiver }: Stage, token: string, more: object = {}): Promise<string> {
  const resource = subscriptionResource({ topic: TOPIC, endpoint: receiver.url, content: 'full-resource', ...more });
  const { status, json, text } = await write(node, token, 'POST', 'Subscription', resource);
  assert.equal(status, 201, text);
  await statusOf(node, token, json.id, 'active');
  return json.id;
}

/** Looks again until the status is that. */
async function statusOf(node: SmartNode, token: string, id: string, wanted: string): Promise<void> {
  for (;;) {
    const { json } = await node.fhir(token, `Subscription/${id}/$status`);
    const { parameter } = json.entry[0].resource as { parameter: { name: string; valueCode?: string }[] };
    if (parameter.find(({ name }) => name === 'status')?.valueCode === wanted) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function countOf(node: SmartNode, token: string, id: string): Promise<number> {
  const { json } = await node.fhir(token, `Subscription/${id}/$status`);
  const { parameter } = json.entry[0].resource as { parameter: { name: string; valueString?: string }[] };
  return Number(parameter.find(({ name }) => name === 'events-since-subscription-start')?.valueString);
}

const codeOf = ({ status, json }: Answer) => `${status} ${json?.issue?.[0].details.coding[0].code ?? ''}`.trim();

function focusOf({ received }: HookReceiver, id: string): readonly (string | undefined)[] {
  const own = received.filter(({ subscription }) => subscription.endsWith(`/${id}`));
  return own.flatMap(({ events }) => events.map(({ focus }) => focus?.split('/').at(-1)));
}

test('a patient, and her app, are told of her own record', async (t) => {
  const stage = await setStage(t);
  const { node, receiver, physician, ada, bob } = stage;
  const { client_id: clientId } = await node.register(APP);
  const scope = 'launch/patient offline_access patient/*.cruds';
  const token = await patientToken(node, clientId, ada.wallet, scope);
  const [hers, his] = [ada.wallet.token, bob.wallet.token] as [string, string];
  const byApp = await subscribe(stage, token);
  const byHerself = await subscribe(stage, hers);
  // A topic about another patient is taken like any other, and never gives an event.
  const ofNobody = await subscribe(stage, token, { topic: 'urn:aceso:topic:organization' });
  const ofBob = await subscribe(stage, token, { filters: [`Observation?patient=Patient/${bob.id}`] });

  await t.test('events are of her account alone: not of another’s, nor of the custodian’s own', async () => {
    const first = await observe(stage, ada.id);
    await observe(stage, bob.id);
    await observe(stage);
    await write(node, node.admin, 'POST', 'Organization', { resourceType: 'Organization', name: 'Nobody’s' });
    const last = await observe(stage, ada.id);
    await receiver.until(() => [byApp, byHerself].every((id) => focusOf(receiver, id).includes(last)));
    for (const [id, by] of [
      [byApp, token],
      [byHerself, hers],
    ] as const) {
      assert.deepEqual(focusOf(receiver, id), [first, last]);
      assert.deepEqual(receiver.numbersOf(id), [1, 2]);
      assert.equal(await countOf(node, by, id), 2);
    }
    for (const id of [ofBob, ofNobody]) {
      assert.equal(await countOf(node, token, id), 0);
      assert.deepEqual(receiver.numbersOf(id), []);
    }
  });

  await t.test('what her app may not see is no event of it, though she may', async () => {
    const { client_id: narrow } = await node.register(APP);
    const scopes = 'launch/patient patient/Subscription.cruds patient/Condition.rs';
    const narrowToken = await patientToken(node, narrow, ada.wallet, scopes);
    const id = await subscribe(stage, narrowToken);
    const observed = await observe(stage, ada.id);
    await receiver.until(() => focusOf(receiver, byApp).includes(observed));
    assert.equal(await countOf(node, narrowToken, id), 0);
    const reading = await patientToken(node, narrow, ada.wallet, 'launch/patient patient/*.rs');
    const resource = subscriptionResource({ topic: TOPIC, endpoint: receiver.url });
    assert.equal((await write(node, reading, 'POST', 'Subscription', resource)).status, 403);
  });

  await t.test('she reads, searches, changes and ends her own, and may write nothing else', async () => {
    const read = await node.fhir(token, `Subscription/${byApp}`);
    assert.equal(read.status, 200);
    assert.equal((await node.fhir(token, 'Subscription?_total=accurate')).json.total, 3);
    assert.equal((await node.fhir(hers, 'Subscription?_total=accurate')).json.total, 1);
    const changed = await write(node, token, 'PUT', `Subscription/${byApp}`, { ...read.json, reason: 'changed' });
    assert.equal(changed.status, 200, changed.text);
    const ended = await subscribe(stage, token);
    assert.equal((await write(node, token, 'DELETE', `Subscription/${ended}`)).status, 204);
    assert.equal((await write(node, token, 'DELETE', `Subscription/${ended}`)).status, 204, 'once more');
    for (const by of [token, hers])
      assert.equal(codeOf(await write(node, by, 'POST', 'Observation', observationOf(ada.id))), '403 WRITE_DENIED');
    const named = (reference: string) => ({
      ...subscriptionResource({ topic: TOPIC, endpoint: receiver.url }),
      extension: [{ url: 'urn:test:about', valueReference: { reference } }],
    });
    const unresolved = '422 REFERENCE_UNRESOLVED';
    for (const by of [token, hers])
      for (const reference of [`Patient/${bob.id}`, 'Patient/never'])
        assert.equal(codeOf(await write(node, by, 'POST', 'Subscription', named(reference))), unresolved);
    assert.equal((await write(node, hers, 'POST', 'Subscription', named(`Patient/${ada.id}`))).status, 201);
  });

  await t.test('to everybody else hers is as what never was', async () => {
    const read = await node.fhir(token, `Subscription/${byApp}`);
    const plain = ({ status, text }: Answer, id: string) =>
      `${status} ${text.replaceAll(id, 'ID').replace(/"(id|timestamp|requestId)":"[^"]*"/g, '')}`;
    for (const [by, other] of [
      [his, 'another patient'],
      [hers, 'herself by another way'],
      [physician, 'staff'],
    ] as const) {
      const asks: readonly ((id: string) => Promise<Answer>)[] = [
        ...['', '/_history', '/_history/1', '/$status', '/$events', '/$get-ws-binding-token', '/$receipt'].map(
          (rest) => (id: string) => node.fhir(by, `Subscription/${id}${rest}`),
        ),
        (id) => write(node, by, 'PUT', `Subscription/${id}`, { ...read.json, id }),
        (id) => write(node, by, 'DELETE', `Subscription/${id}`),
        (id) => write(node, by, 'PUT', `Subscription?_id=${id}`, { ...read.json, id }),
        (id) => write(node, by, 'DELETE', `Subscription?_id=${id}`),
        (id) => node.api('GET', `/api/receipts/versions/Subscription/${id}/1`, undefined, by),
      ];
      for (const [at, ask] of asks.entries())
        assert.equal(plain(await ask(byApp), byApp), plain(await ask(NEVER), NEVER), `${other} ${at}`);
    }
    assert.equal((await node.fhir(physician, 'Subscription?_total=accurate')).json.total, 0);
    assert.ok(!(await node.fhir(physician, `Patient/${ada.id}/$everything`)).text.includes(byApp));
    assert.equal((await node.fhir(token, `Subscription/${byApp}`)).status, 200);
  });

  await t.test('she takes nobody’s room, and has no more than one person has', async () => {
    const resource = subscriptionResource({ topic: TOPIC });
    const all = await Promise.all(
      Array.from({ length: LIMITS.perPatient + 5 }, () => write(node, hers, 'POST', 'Subscription', resource)),
    );
    const codes = new Set(all.map(codeOf));
    assert.deepEqual(codes, new Set(['201', '429 SUBSCRIPTION_TOO_MANY']));
    assert.equal(codeOf(await write(node, token, 'POST', 'Subscription', resource)), '429 SUBSCRIPTION_TOO_MANY');
    for (const by of [his, physician])
      assert.equal(codeOf(await write(node, by, 'POST', 'Subscription', resource)), '201');
  });

  await t.test('what is not allowed to the app any more ends its subscriptions, and no others', async () => {
    const revoked = await fetch(`${node.baseUrl}/auth/revoke`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: clientId, token }),
    });
    assert.equal(revoked.status, 200);
    const told = receiver.numbersOf(byApp).length;
    const observed = await observe(stage, ada.id);
    await receiver.until(() => focusOf(receiver, byHerself).includes(observed));
    await statusOf(node, node.admin, byApp, 'off');
    assert.equal(receiver.numbersOf(byApp).length, told);
    assert.equal(await countOf(node, node.admin, byApp), told);
  });

  await t.test('it is a part of her record, and erased with it', async () => {
    const asked = await node.api('POST', '/api/erasures', { patientId: ada.id });
    const { versions } = asked.json.data ?? asked.json;
    const erased = await node.api('POST', '/api/erasures', { patientId: ada.id, confirm: versions });
    assert.equal(erased.status, 200, erased.text);
    for (;;) {
      const { status } = await node.fhir(hers, `Subscription/${byHerself}/$status`);
      if (status === 404) break;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const told = receiver.numbersOf(byHerself).length;
    const marks = await subscribe(stage, node.admin);
    const observed = await observe(stage);
    await receiver.until(() => focusOf(receiver, marks).includes(observed));
    assert.equal(receiver.numbersOf(byHerself).length, told);
    assert.doesNotMatch((await node.fhir(hers, `Subscription/${byHerself}`)).text, /criteria/);
  });
});
