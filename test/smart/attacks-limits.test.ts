import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { loadDefinitions } from '../../src/fhir/definitions/load-definitions.ts';
import {
  APP,
  allow,
  authorized,
  authorizeUrl,
  codeAt,
  exchange,
  familyAt,
  findPatient,
  REDIRECT,
  tokenRequest,
} from '../support/smart-app.ts';
import { Browser, type Landing, newPkce, signIn, startSmartNode } from '../support/smart-node.ts';

/* Things that are good once, for a while, or for an administrator alone, and what is told of them. */

before(() => loadDefinitions());

const JSON_TYPE = { 'content-type': 'application/fhir+json' };

const whoOn = ({ answer }: Landing) => /signed in as <strong>([^<]*)/.exec(answer.text)?.[1];

test('what is good once, and for administrators', async (t) => {
  const node = await startSmartNode(t);
  const [ada, bob] = [await node.hire('Dr. Ada'), await node.hire('Dr. Bob')];
  const { client_id: clientId } = await node.register(APP);
  const family = await familyAt(node);

  await t.test('registration token at once: of twenty apps one is registered', async () => {
    const { json } = await node.api('POST', '/api/clients/registration-tokens');
    const body = JSON.stringify({ ...APP, client_name: 'Newcomer', scope: 'launch/patient patient/*.rs' });
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${json.token}` };
    const asked = Array.from({ length: 20 }, () =>
      fetch(`${node.baseUrl}/auth/register`, { method: 'POST', headers, body }),
    );
    const all = await Promise.all(asked);
    const texts = await Promise.all(all.map(async (one) => `${one.status} ${await one.text()}`));
    assert.equal(texts.filter((one) => one.startsWith('201')).length, 1, texts.join('\n'));
  });

  await t.test('launch at once: of four who come with it one goes on', async () => {
    const { json: found } = await node.fhir(node.admin, 'Patient?_count=1');
    const asked = { client_id: clientId, patient: found.entry[0].resource.id };
    const { json } = await node.api('POST', '/api/launches', asked);
    const more = { launch: json.launch, scope: 'launch patient/*.rs' };
    const consents = [];
    for (const who of [ada, bob, ada, bob]) {
      const browser = new Browser(node.baseUrl);
      const url = authorizeUrl(node, { client_id: clientId, code_challenge: newPkce().challenge, ...more });
      consents.push({ browser, consent: await signIn(browser, await browser.follow(url), who) });
    }
    const ends = await Promise.all(consents.map(({ browser, consent }) => allow(browser, consent)));
    assert.equal(ends.filter(({ at }) => at.startsWith(REDIRECT)).length, 1, ends.map(({ at }) => at).join());
  });

  await t.test('fhirUser: nobody but an administrator says which account a resource is', async () => {
    const account = (value: string) => [{ system: 'urn:aceso:account', value }];
    const chief = { resourceType: 'Practitioner', name: [{ family: 'Chief' }], identifier: account(bob.account) };
    const write = (token: string, method: string, path: string, resource: object | string) => {
      const body = typeof resource === 'string' ? resource : JSON.stringify(resource);
      return node.fhir(token, path, { method, body, headers: JSON_TYPE });
    };
    const { json: kept } = await write(node.admin, 'POST', 'Practitioner', chief);
    const scope = 'openid fhirUser launch/patient user/*.cruds';
    const tokens = async () => {
      const { json } = await exchange(
        node,
        clientId,
        await authorized(node, { clientId, colleague: ada, family, scope }),
      );
      const claims = JSON.parse(Buffer.from((json.id_token ?? '').split('.')[1] ?? '', 'base64url').toString());
      return { token: json.access_token ?? '', user: claims.fhirUser as string | undefined };
    };
    const { token } = await tokens();
    const at = `Practitioner/${kept.id}`;
    const forged = { ...chief, id: kept.id, identifier: account(ada.account) };
    const escaped = JSON.stringify(forged).replace('urn:aceso', '\\u0075rn:aceso');
    for (const [method, path, resource] of [
      ['PUT', at, forged],
      ['PUT', at, escaped],
      ['PUT', at, { ...forged, identifier: [...chief.identifier, ...forged.identifier] }],
      ['PUT', at, { ...forged, identifier: [] }],
      ['POST', 'Practitioner', forged],
      ['PUT', 'Practitioner/of-my-own', { ...forged, id: 'of-my-own' }],
      ['POST', 'RelatedPerson', { resourceType: 'RelatedPerson', identifier: account(ada.account) }],
      ['POST', 'Patient', { resourceType: 'Patient', identifier: account(ada.account) }],
    ] as const) {
      const answer = await write(token, method, path, resource);
      assert.deepEqual([answer.status, answer.text.includes('ACCOUNT_IDENTIFIER_RESERVED')], [403, true], answer.text);
    }
    const bundle = {
      ...{ resourceType: 'Bundle', type: 'transaction' },
      entry: [{ resource: forged, request: { method: 'PUT', url: at } }],
    };
    assert.equal((await write(token, 'POST', '', bundle)).status, 403);
    const patch = JSON.stringify([{ op: 'replace', path: '/identifier/0/value', value: ada.account }]);
    const patched = { method: 'PATCH', body: patch, headers: { 'content-type': 'application/json-patch+json' } };
    assert.equal((await node.fhir(token, at, patched)).status, 403);
    // What is not about that is written as ever, and the claim is what it was.
    const renamed = await write(token, 'PUT', at, { ...chief, id: kept.id, name: [{ family: 'Chef' }] });
    assert.equal(renamed.status, 200, renamed.text);
    assert.equal((await tokens()).user, undefined);
    const own = { resourceType: 'Practitioner', identifier: account(ada.account) };
    const { json: mine } = await write(node.admin, 'POST', 'Practitioner', own);
    assert.equal((await tokens()).user, `${node.fhirUrl}/Practitioner/${mine.id}`);
    // Of two, neither is believed.
    await write(node.admin, 'POST', 'Practitioner', own);
    assert.equal((await tokens()).user, undefined);
  });

  await t.test('introspection and token answers tell of user and patient what was asked for', async () => {
    const told = async (scope: string, needsPatient = true) => {
      const chosen = needsPatient ? { family } : {};
      const code = await authorized(node, { clientId, colleague: ada, scope, ...chosen });
      const { json } = await exchange(node, clientId, code);
      const body = new URLSearchParams({ token: json.access_token ?? '', client_id: clientId });
      const response = await fetch(`${node.baseUrl}/auth/introspect`, { method: 'POST', body });
      const said = (await response.json()) as Record<string, unknown>;
      assert.equal(said.active, true);
      return [said.sub !== undefined, said.patient !== undefined, json.patient !== undefined];
    };
    // SMART App Launch 2.2: a patient-level scope comes with the patient.
    assert.deepEqual(await told('patient/Observation.rs'), [false, true, true]);
    assert.deepEqual(await told('openid launch/patient patient/Observation.rs'), [true, true, true]);
    assert.deepEqual(await told('user/Observation.rs', false), [false, false, false]);
  });

  await t.test('rotating keys by another organisation ends no sign-in under way, and is bounded', async () => {
    const [, other = ''] = Object.values(node.running.adminTokens);
    const keys = async () => {
      const { keys: all } = (await (await fetch(`${node.baseUrl}/auth/jwks`)).json()) as { keys: { kid: string }[] };
      return all.map(({ kid }) => kid);
    };
    const browser = new Browser(node.baseUrl);
    const { verifier, challenge } = newPkce();
    const url = authorizeUrl(node, { client_id: clientId, code_challenge: challenge });
    const login = await browser.follow(url);
    const before = await keys();
    const rotate = () => node.api('POST', '/api/clients/keys/rotate', {}, other);
    const rotated = await Promise.all([rotate(), rotate(), rotate()]);
    assert.deepEqual([...new Set(rotated.map(({ status }) => status))], [204]);
    const after = await keys();
    assert.deepEqual([after.length, before.every((kid) => after.includes(kid))], [before.length + 3, true]);
    const consent = await signIn(browser, login, ada);
    const patient = await findPatient(browser, consent, family);
    const code = codeAt(await allow(browser, consent, patient));
    assert.equal((await exchange(node, clientId, { code, verifier })).status, 200);
    let last = await rotate();
    for (let n = 0; n < 8 && last.status === 204; n++) last = await rotate();
    assert.equal(last.json?.code, 'KEYS_ROTATED_OFTEN');
    assert.ok((await keys()).length <= 9);
  });
});

test('a session ends, and a consent asks for a proof that is fresh', async (t) => {
  // Before the node starts, so that its clock and the library's are this one.
  const startMs = Date.now();
  t.mock.timers.enable({ apis: ['Date'], now: startMs });
  const at = (minutes: number) => t.mock.timers.setTime(startMs + minutes * 60_000);
  const node = await startSmartNode(t);
  const ada = await node.hire('Dr. Ada');
  const { client_id: clientId } = await node.register(APP);
  const family = await familyAt(node);
  const browser = new Browser(node.baseUrl);
  const { verifier, challenge } = newPkce();
  const url = authorizeUrl(node, { client_id: clientId, code_challenge: challenge });
  const consent = await signIn(browser, await browser.follow(url), ada);
  const patient = await findPatient(browser, consent, family);
  const { json } = await exchange(node, clientId, { code: codeAt(await allow(browser, consent, patient)), verifier });
  assert.ok(json.refresh_token !== undefined);

  at(14);
  const { json: launched } = await node.api('POST', '/api/launches', { client_id: clientId, patient });
  const more = { launch: launched.launch, scope: 'launch patient/*.rs' };
  const open = await browser.follow(authorizeUrl(node, { client_id: clientId, code_challenge: challenge, ...more }));
  assert.equal(whoOn(open), 'Dr. Ada');
  at(16);
  // The page was open while the proof grew old: nothing was given or used up yet, and with a new proof it goes on.
  const late = await allow(browser, open);
  assert.ok(late.answer.text.includes('id="passkey"'), late.at);
  codeAt(await allow(browser, await signIn(browser, late, ada)));
  at(32);
  assert.ok((await browser.follow(url)).answer.text.includes('id="passkey"'), 'the next request of an app');

  // Used again and again, it ends twelve hours after the last proof.
  const account = async () => (await browser.follow('/auth/account')).answer.text.includes('Dr. Ada');
  for (const hours of [3, 6, 9, 11]) {
    at(16 + hours * 60);
    await browser.follow(url);
    assert.equal(await account(), true, `${hours}`);
  }
  at(17 + 12 * 60);
  assert.equal(await account(), false);
  const refresh = { grant_type: 'refresh_token', refresh_token: json.refresh_token, client_id: clientId };
  assert.equal((await tokenRequest(node, refresh)).status, 200, 'offline access goes on');
});
