import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { before, type TestContext, test } from 'node:test';
import { loadDefinitions } from '../../src/fhir/definitions/load-definitions.ts';
import { runLine } from '../support/command-line.ts';
import { startReceiver, subscriptionResource } from '../support/hook-receiver.ts';
import { nodeAt } from '../support/no-nodes.ts';
import { startOpenIdProvider } from '../support/openid-provider.ts';
import {
  APP,
  allow,
  authorizeUrl,
  codeAt,
  exchange,
  familyAt,
  findPatient,
  tokenRequest,
} from '../support/smart-app.ts';
import {
  Browser,
  type Colleague,
  type Landing,
  newPkce,
  type SmartNode,
  signIn,
  startSmartNode,
} from '../support/smart-node.ts';
import { createSoftPasskey, type SoftPasskey } from '../support/soft-passkey.ts';
import { claimPatient, type WalletHolder } from '../support/stolen-wallet.ts';

/*
 * What comes of a sign-in ends with what it was by: sessions, refresh tokens, passkeys and subscriptions of a thief, and of
 * whoever sat at the workstation before.
 */

before(() => loadDefinitions());

const JSON_TYPE = { 'content-type': 'application/fhir+json' };

interface Stage {
  readonly node: SmartNode;
  readonly clientId: string;
  readonly family: string;
}

async function setStage(t: TestContext): Promise<Stage> {
  const node = await startSmartNode(t);
  const { client_id: clientId } = await node.register(APP);
  return { node, clientId, family: await familyAt(node) };
}

async function begin({ node, clientId }: Stage, browser: Browser, more: object = {}) {
  const { verifier, challenge } = newPkce();
  const url = authorizeUrl(node, { client_id: clientId, code_challenge: challenge, ...more });
  return { verifier, page: await browser.follow(url) };
}

const whoOn = ({ answer }: Landing) => /signed in as <strong>([^<]*)/.exec(answer.text)?.[1];
const isSignInPage = ({ answer }: Landing) => answer.text.includes('id="passkey"');

interface Thief {
  readonly browser: Browser;
  readonly passkey: SoftPasskey;
  readonly token: string;
  readonly refresh: string;
}

const PATIENTS = { scope: 'launch/patient offline_access patient/*.rs' };

/** Whoever has a copy of the wallet's key signs in by it, makes a passkey, and lets an app go on without them. */
async function steal(stage: Stage, { signIn: byWallet }: WalletHolder): Promise<Thief> {
  const { node, clientId } = stage;
  const browser = new Browser(node.baseUrl);
  const { verifier, page } = await begin(stage, browser, PATIENTS);
  const consent = await byWallet(browser, page);
  const passkey = createSoftPasskey(node.baseUrl);
  const { json: offered } = await browser.json(`${consent.at}/passkey/addition/options`, {});
  const added = await browser.json(`${consent.at}/passkey/addition`, passkey.create(offered.options));
  assert.equal(added.status, 200, added.text);
  const { json } = await exchange(node, clientId, { code: codeAt(await allow(browser, consent)), verifier });
  const { access_token: token = '', refresh_token: refresh = '' } = json;
  return { browser, passkey, token, refresh };
}

/** Nothing that the thief has opens anything. */
async function checkGone(stage: Stage, thief: Thief, patient: string): Promise<void> {
  const { node, clientId } = stage;
  assert.equal((await node.fhir(thief.token, `Patient/${patient}`)).status, 401, 'the app’s token');
  const refresh = { grant_type: 'refresh_token', refresh_token: thief.refresh, client_id: clientId };
  assert.equal((await tokenRequest(node, refresh)).json.error, 'invalid_grant', 'the refresh token');
  assert.ok(isSignInPage((await begin(stage, thief.browser, PATIENTS)).page), 'the browser’s session');
  assert.equal(whoOn(await thief.browser.follow('/auth/account')), undefined, 'the page of what is allowed');
  const again = new Browser(node.baseUrl);
  const { page } = await begin(stage, again, PATIENTS);
  const { json } = await again.json(`${page.at}/passkey/options`, {});
  const tried = await again.json(`${page.at}/passkey`, thief.passkey.get(json.options));
  assert.ok(tried.status >= 400, `the passkey: ${tried.text}`);
}

test('what a thief made with a stolen wallet ends with the key', async (t) => {
  const stage = await setStage(t);
  const { node, clientId } = stage;

  await t.test('stolen wallet: a frozen account opens nothing, not to its own tokens either', async () => {
    const holder = await claimPatient(node, 0);
    const thief = await steal(stage, holder);
    assert.equal((await node.fhir(holder.account.token, `Patient/${holder.patient}`)).status, 200);
    await holder.freeze();
    await checkGone(stage, thief, holder.patient);
    assert.equal((await node.fhir(holder.account.token, `Patient/${holder.patient}`)).status, 401, 'of the claim');
  });

  await t.test('stolen wallet: a retired key takes its passkeys, sessions, apps and tokens along', async () => {
    const holder = await claimPatient(node, 1);
    const thief = await steal(stage, holder);
    const patients = await holder.changeKey();
    await checkGone(stage, thief, holder.patient);
    assert.equal((await node.fhir(holder.account.token, `Patient/${holder.patient}`)).status, 401, 'of the claim');
    // The patient signs in by the new key, and makes a passkey on the device that has the one that ended.
    const next = await steal(stage, patients);
    assert.equal((await node.fhir(next.token, `Patient/${holder.patient}`)).status, 200);
    const { json } = await node.api('GET', `/api/people/${holder.account.account}/passkeys`);
    assert.equal(json.passkeys.length, 1);
    const browser = new Browser(node.baseUrl);
    const { page } = await begin(stage, browser, PATIENTS);
    assert.equal(whoOn(await signIn(browser, page, { account: '', passkey: next.passkey })), 'patient');
  });

  await t.test('a person sees what they allowed, ends one app, and signs out everywhere', async () => {
    const holder = await claimPatient(node, 2);
    const thief = await steal(stage, holder);
    const browser = new Browser(node.baseUrl);
    const [first] = /\/auth\/authorize\?[^"]+/.exec((await browser.follow('/auth/account')).answer.text) ?? [];
    const page = await holder.signIn(browser, await browser.follow((first ?? '').replaceAll('&amp;', '&')));
    assert.equal(page.at, `${node.baseUrl}/auth/account`);
    assert.match(page.answer.text, /Growth charts.*read all kinds of records of the patient/s);
    assert.match(page.answer.headers.get('content-security-policy') ?? '', /frame-ancestors 'none'/);
    const own = `/api/people/${holder.account.account}`;
    const { json } = await node.api('GET', `${own}/apps`, undefined, holder.account.token);
    assert.deepEqual([json.apps[0].client_id, json.apps[0].scopes.length], [clientId, 3]);
    assert.ok(json.apps[0].usedMs >= json.apps[0].sinceMs);
    // Another's: neither by an own token nor by an app's.
    for (const [path, token] of [
      [`/api/people/${'0'.repeat(32)}/apps`, holder.account.token],
      [`${own}/apps`, thief.token],
    ] as const)
      assert.ok([401, 403].includes((await node.api('GET', path, undefined, token)).status));
    // A form of another site ends nothing.
    const headers = { 'content-type': 'application/x-www-form-urlencoded', origin: 'https://other.example' };
    for (const path of ['apps/end', 'sign-out', 'sign-out-everywhere']) {
      const forged = { method: 'POST', headers, body: `client_id=${clientId}` };
      assert.equal((await browser.request(`/auth/account/${path}`, forged)).status, 400);
    }
    const ended = await browser.form('/auth/account/apps/end', [['client_id', clientId]]);
    assert.match(ended.answer.text, /No app may act for you/);
    assert.equal((await node.fhir(thief.token, `Patient/${holder.patient}`)).status, 401);
    assert.equal((await browser.form('/auth/account/apps/end', [['client_id', clientId]])).answer.status, 404);

    const again = await steal(stage, holder);
    const out = await browser.form('/auth/account/sign-out-everywhere', []);
    assert.match(out.answer.text, /You are signed out/);
    assert.equal((await node.fhir(again.token, `Patient/${holder.patient}`)).status, 401);
    const refresh = { grant_type: 'refresh_token', refresh_token: again.refresh, client_id: clientId };
    assert.equal((await tokenRequest(node, refresh)).json.error, 'invalid_grant');
    assert.ok(isSignInPage((await begin(stage, again.browser, PATIENTS)).page));
    assert.equal((await node.fhir(holder.account.token, `Patient/${holder.patient}`)).status, 401);
    assert.equal(whoOn(await holder.signIn(browser, (await begin(stage, browser, PATIENTS)).page)), 'patient');
  });
});

test('of those who work here', async (t) => {
  const stage = await setStage(t);
  const { node, clientId, family } = stage;

  async function allowed(colleague: Colleague, more: object = {}) {
    const browser = new Browser(node.baseUrl);
    const { verifier, page } = await begin(stage, browser, more);
    const consent = await signIn(browser, page, colleague);
    const patient = await findPatient(browser, consent, family);
    const { json } = await exchange(node, clientId, {
      code: codeAt(await allow(browser, consent, patient)),
      verifier,
    });
    const { access_token: token = '', refresh_token: refresh = '' } = json;
    return { browser, patient, token, refresh };
  }

  await t.test('a removed passkey takes its sessions and refresh tokens along', async () => {
    const ada = await node.hire('Dr. Ada');
    const { browser, patient, token, refresh } = await allowed(ada);
    const { json } = await node.api('GET', `/api/people/${ada.account}/passkeys`);
    const removal = { id: json.passkeys[0].id };
    assert.equal((await node.api('POST', `/api/people/${ada.account}/passkeys/remove`, removal)).status, 200);
    assert.equal((await node.fhir(token, `Patient/${patient}`)).status, 401);
    const again = { grant_type: 'refresh_token', refresh_token: refresh, client_id: clientId };
    assert.equal((await tokenRequest(node, again)).json.error, 'invalid_grant');
    assert.ok(isSignInPage((await begin(stage, browser)).page));
  });

  await t.test('an administrator sees and ends what somebody allowed, and signs them out', async () => {
    const ada = await node.hire('Dr. Ada');
    const { browser, patient, token } = await allowed(ada);
    const path = `/api/people/${ada.account}`;
    const { json } = await node.api('GET', `${path}/apps`);
    assert.deepEqual([json.apps.length, json.apps[0].client_name], [1, 'Growth charts']);
    const at = { url: node.baseUrl, node: 'test', adminTokens: { hospital: node.admin } };
    const run = (...argv: string[]) => runLine(['people', ...argv], { cwd: tmpdir(), fetch, nodes: nodeAt(at) });
    const shown = new RegExp(`^${clientId} {2}Growth charts, allowed .*, last used .*\\n {2}.*patient/Patient\\.rs`);
    assert.match((await run('apps', ada.account)).out, shown);
    assert.equal((await run('end-app', ada.account, clientId)).out, 'ended');
    assert.match((await run('end-app', ada.account, clientId)).text, /APP_NOT_ALLOWED/);
    assert.equal((await run('apps', ada.account)).notes, 'none');
    assert.equal((await node.fhir(token, `Patient/${patient}`)).status, 401);
    assert.equal(whoOn((await begin(stage, browser)).page), 'Dr. Ada');
    assert.equal((await run('sign-out', ada.account)).out, 'signed out everywhere');
    assert.ok(isSignInPage((await begin(stage, browser)).page));
    // Another organisation's administrator does nothing to her.
    const [, other = ''] = Object.values(node.running.adminTokens);
    const more = await allowed(ada);
    assert.deepEqual((await node.api('GET', `${path}/apps`, undefined, other)).json, { apps: [] });
    await node.api('POST', `${path}/sign-out`, {}, other);
    assert.equal((await node.fhir(more.token, `Patient/${patient}`)).status, 200);
  });

  await t.test('who was only ever given a token is dismissed all the same', async () => {
    const asked = { label: 'x', roleCodes: ['http://snomed.info/sct|309343006'], purposes: ['TREAT'], days: 30 };
    const { json: made } = await node.api('POST', '/api/tokens', asked);
    assert.equal((await node.fhir(made.token, 'Patient?_count=1')).status, 200);
    const [, other = ''] = Object.values(node.running.adminTokens);
    const path = `/api/people/${made.account}/dismiss`;
    assert.equal((await node.api('POST', path, {}, other)).json.code, 'PERSON_UNKNOWN');
    for (let n = 0; n < 2; n++) assert.equal((await node.api('POST', path, {})).status, 200);
    assert.equal((await node.fhir(made.token, 'Patient?_count=1')).status, 401);
    assert.equal((await node.api('POST', `/api/people/${'0'.repeat(32)}/dismiss`, {})).json.code, 'PERSON_UNKNOWN');
  });

  await t.test('shared workstation: the next one says that it is not them, and is asked who they are', async () => {
    const [ada, bob] = [await node.hire('Dr. Ada'), await node.hire('Dr. Bob')];
    const { browser } = await allowed(ada);
    const { verifier, page } = await begin(stage, browser);
    assert.equal(whoOn(page), 'Dr. Ada');
    const login = await browser.form(`${page.at}/sign-out`, []);
    assert.ok(isSignInPage(login), login.answer.text);
    // The page of before is worth nothing, and who signs in goes on with the app's own request.
    assert.equal((await allow(browser, page)).answer.status, 404);
    const consent = await signIn(browser, login, bob);
    assert.equal(whoOn(consent), 'Dr. Bob');
    const patient = await findPatient(browser, consent, family);
    const tokens = await exchange(node, clientId, {
      code: codeAt(await allow(browser, consent, patient)),
      verifier,
    });
    assert.equal(tokens.status, 200);
    assert.ok(isSignInPage({ ...page, answer: (await begin(stage, new Browser(node.baseUrl))).page.answer }));
  });

  await t.test(
    'shared workstation: another’s passkey at prompt=login goes on as that other, without a page between',
    async () => {
      const [ada, bob] = [await node.hire('Dr. Ada'), await node.hire('Dr. Bob')];
      const { browser, token, patient } = await allowed(ada, {
        scope: 'launch/patient patient/Patient.rs',
      });
      assert.equal((await node.fhir(token, `Patient/${patient}`)).status, 200);
      const { page } = await begin(stage, browser, { prompt: 'login' });
      assert.equal(whoOn(await signIn(browser, page, bob)), 'Dr. Bob');
      assert.equal(whoOn((await begin(stage, browser)).page), 'Dr. Bob');
      // What holds while she is signed in ended with that.
      assert.equal((await node.fhir(token, `Patient/${patient}`)).status, 401);
    },
  );

  await t.test('shared workstation: signing out ends the session of this browser alone', async () => {
    const ada = await node.hire('Dr. Ada');
    const [here, there] = [await allowed(ada), await allowed(ada)];
    const out = await here.browser.form('/auth/account/sign-out', []);
    assert.match(out.answer.text, /You are signed out/);
    assert.ok(isSignInPage((await begin(stage, here.browser)).page));
    assert.equal(whoOn((await begin(stage, there.browser)).page), 'Dr. Ada');
    assert.equal((await node.fhir(here.token, `Patient/${here.patient}`)).status, 200);
  });

  await t.test('a removed link of an external provider ends its subscriptions', async (inner) => {
    const [provider, hook] = [await startOpenIdProvider(inner), await startReceiver()];
    inner.after(() => hook.die());
    const { revision } = (await node.api('GET', '/api/outgoing')).json;
    const rules = [provider.issuer, hook.origin].map((origin) => ({ origin, addresses: ['127.0.0.1/32'] }));
    await node.api('PUT', '/api/outgoing', { revision, rules });
    const settings = {
      ...{ id: 'clinic', name: 'C', issuer: provider.issuer, client_id: provider.clientId },
      ...{ client_secret: provider.clientSecret, id_token_signed_response_alg: 'RS256' },
      organisation: { claim: 'hospital', value: 'general' },
      roles: { claims: ['jobs'], map: { doctor: 'http://snomed.info/sct|309343006' } },
    };
    const { json } = await node.api('PUT', '/api/sign-in-providers', { revision: 0, providers: [settings] });
    provider.redirectUri = json.providers[0].redirect_uri;
    Object.assign(provider.claims, { hospital: 'general', jobs: ['doctor'] });
    const ada = await node.hire('Dr. Ada');
    const subject = { provider: 'clinic', subject: 'subject-of-ada' };
    const linked = await node.api('POST', `/api/people/${ada.account}/links`, subject);
    const browser = new Browser(node.baseUrl);
    const { verifier, page } = await begin(stage, browser, { scope: 'user/Subscription.cruds user/Observation.rs' });
    const away = await browser.follow(`${page.at}/external/clinic`);
    const { at: back } = await new Browser(provider.issuer).follow(away.at);
    const done = await allow(browser, await browser.follow(back));
    const { json: tokens } = await exchange(node, clientId, { code: codeAt(done), verifier });
    const topic = { topic: 'urn:aceso:topic:observation', endpoint: hook.url, content: 'full-resource' as const };
    const subscribed = await node.fhir(tokens.access_token ?? '', 'Subscription', {
      ...{ method: 'POST', headers: JSON_TYPE, body: JSON.stringify(subscriptionResource(topic)) },
    });
    assert.equal(subscribed.status, 201, subscribed.text);
    const { json: patients } = await node.fhir(node.admin, 'Patient?_count=1');
    const observation = {
      ...{ resourceType: 'Observation', status: 'final', code: { text: 'x' } },
      subject: { reference: `Patient/${patients.entry[0].resource.id}` },
    };
    const write = async () =>
      node.fhir(node.admin, 'Observation', { method: 'POST', headers: JSON_TYPE, body: JSON.stringify(observation) });
    await write();
    await hook.until(() => hook.numbers().length > 0);
    const removed = await node.api('POST', `/api/people/${ada.account}/links/remove`, { id: linked.json.id });
    assert.equal(removed.status, 200);
    assert.equal((await node.fhir(tokens.access_token ?? '', 'Observation?_count=1')).status, 401);
    await write();
    const status = async () => (await node.fhir(node.admin, `Subscription/${subscribed.json.id}`)).json.status;
    for (let n = 0; n < 100 && (await status()) === 'active'; n++) await new Promise((go) => setTimeout(go, 100));
    assert.notEqual(await status(), 'active');
    assert.deepEqual(hook.numbers(), [1]);
  });
});
