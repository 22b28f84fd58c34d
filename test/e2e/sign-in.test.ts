import assert from 'node:assert/strict';
import { type AddressInfo, createServer } from 'node:net';
import { after, before, type TestContext, test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import type { Browser, BrowserContext, CDPSession, Page } from 'playwright-core';
import { enrolScript, signInScript } from '../../src/app/build-sign-in-scripts.ts';
import { createPeoplePlugin } from '../../src/app/people-plugin.ts';
import { createEnrolRoutes } from '../../src/auth/sign-in/enrol-routes.ts';
import { createSignIn, type SignInDesk } from '../../src/auth/sign-in/sign-in.ts';
import { pagePolicy, signInPage } from '../../src/auth/smart/pages.ts';
import type { InvitationAnswer, PasskeyList, PeopleList } from '../../src/capabilities/membership/api.ts';
import { createAttestation } from '../../src/capabilities/membership/server/attestation.ts';
import { createAuthenticate } from '../../src/server/authenticate.ts';
import { createHttpHost } from '../../src/server/http-host.ts';
import type { JsonObject } from '../../src/std/canonical-json.ts';
import { launchChromium, withoutChromium } from '../support/chromium.ts';
import { createHospitalNode, type HospitalNode, refusalOf } from '../support/hospital-node.ts';

/** What pages do with options, in text, since these tests have no DOM types. */
const GET = `async (options) => (await navigator.credentials.get({
  publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) })).toJSON()`;
const CREATE = `async (options) => (await navigator.credentials.create({
  publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })).toJSON()`;

const FROM = '192.0.2.1';
const PHYSICIAN = 'http://snomed.info/sct|309343006';

interface Setting {
  readonly node: HospitalNode;
  readonly desk: SignInDesk;
  readonly baseUrl: string;
  readonly clock: { offsetMs: number };
  readonly warnings: string[];
  /** The hospital's people as its administrator sees them. */
  people(): Promise<PeopleList['people']>;
  administer(path: string, body?: object): Promise<unknown>;
  hire(label?: string): Promise<InvitationAnswer>;
}

let browser: Browser;
before(async () => {
  if (withoutChromium === false) browser = await launchChromium();
});
after(() => browser?.close());

/** A browser of somebody, with an authenticator of its own. */
interface Device {
  readonly page: Page;
  readonly context: BrowserContext;
  cdp(method: string, parameters?: object): Promise<Record<string, unknown>>;
  get(options: JsonObject): Promise<JsonObject>;
  create(options: JsonObject): Promise<JsonObject>;
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen({ host: '127.0.0.1', port: 0 }, resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

async function setting(t: TestContext): Promise<Setting> {
  const node = await createHospitalNode(t);
  const clock = { offsetMs: 0 };
  const warnings: string[] = [];
  const now = () => Date.now() + clock.offsetMs;
  const port = await freePort();
  const baseUrl = `http://localhost:${port}`;
  const vaults = [node.hospital.vault, node.clinic.vault];
  const desk = createSignIn({
    stores: vaults,
    attestation: createAttestation(node.ledger),
    ...{ baseUrl, chain: node.ledger.genesisHash, clock: now },
    log: { warn: (_detail: unknown, message?: string) => void warnings.push(String(message)) } as never,
  });
  const host = createHttpHost({ logger: pino({ level: 'silent' }) });
  await host.register(
    createPeoplePlugin({
      organisations: [node.hospital, node.clinic],
      // Administrators' tokens do not age with the clock of signing in.
      authenticate: createAuthenticate(vaults, Date.now),
      people: desk.people,
      baseUrl,
    }),
  );
  await host.register(createEnrolRoutes({ enrolment: desk.enrolment, script: enrolScript }));
  signInRoutes(host, desk);
  await host.listen({ host: '127.0.0.1', port });
  t.after(() => host.close());
  const administer: Setting['administer'] = async (path, body) => {
    const response = await host.inject({
      method: body === undefined ? 'GET' : 'POST',
      url: `/api/people${path}`,
      headers: { authorization: `Bearer ${node.tokens.administrator}` },
      ...(body === undefined ? {} : { payload: body }),
    });
    assert.equal(response.statusCode, 200, response.body);
    return response.json();
  };
  const hire: Setting['hire'] = async (label = 'Dr. A') =>
    (await administer('', { label, roleCodes: [PHYSICIAN], purposes: ['TREAT', 'BTG'] })) as InvitationAnswer;
  const people = async () => ((await administer('')) as PeopleList).people;
  return { node, desk, baseUrl, clock, warnings, people, administer, hire };
}

/** The pages of an app's sign-in, as far as signing in goes. */
function signInRoutes(host: FastifyInstance, desk: SignInDesk): void {
  host.get<{ Params: { uid: string } }>('/auth/interaction/:uid', async (request, reply) => {
    const { uid } = request.params;
    const { statement } = await desk.walletChallenge(uid);
    const html = signInPage({ uid, base: '/auth', appName: 'Growth chart', organisation: 'Hospital', statement });
    return reply
      .header('content-security-policy', pagePolicy([], { scripts: true }))
      .type('text/html; charset=utf-8')
      .send(html);
  });
  host.get('/auth/sign-in.js', async (_request, reply) =>
    reply.type('text/javascript; charset=utf-8').send(await signInScript()),
  );
  host.post<{ Params: { uid: string } }>('/auth/interaction/:uid/passkey/options', async (request) => ({
    options: await desk.passkeyOptions(request.params.uid),
  }));
  host.post<{ Params: { uid: string } }>('/auth/interaction/:uid/passkey', async (request) => {
    const { label } = await desk.passkey(request.params.uid, request.body, request.ip);
    return { location: `/welcome?who=${encodeURIComponent(label)}` };
  });
  host.get('/welcome', async (_request, reply) => reply.type('text/plain').send('welcome'));
}

async function newDevice({ baseUrl }: Setting, { verifies = true } = {}): Promise<Device> {
  const context = await browser.newContext();
  const page = await context.newPage();
  const session: CDPSession = await context.newCDPSession(page);
  await session.send('WebAuthn.enable');
  const { authenticatorId } = await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      ...{ protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: verifies },
      ...{ isUserVerified: verifies, automaticPresenceSimulation: true },
    },
  });
  await page.goto(`${baseUrl}/welcome`);
  const run = (source: string, options: JsonObject) =>
    page.evaluate(`(${source})(${JSON.stringify(options)})`) as Promise<JsonObject>;
  return {
    page,
    context,
    cdp: async (method, parameters = {}) =>
      (await session.send(`WebAuthn.${method}` as never, { authenticatorId, ...parameters } as never)) as never,
    get: (options) => run(GET, options),
    create: (options) => run(CREATE, options),
  };
}

/** Somebody who has enrolled on the link's page. */
async function enrolled(at: Setting, device: Device): Promise<InvitationAnswer> {
  const invitation = await at.hire();
  await enrolOnPage(device, invitation.link);
  return invitation;
}

async function enrolOnPage({ page }: Device, link: string): Promise<void> {
  await page.goto(link);
  assert.ok(!page.url().includes('#'), 'the code leaves the address');
  await page.click('#enrol');
  await page.waitForSelector('#done:not([hidden])');
}

/** Signs in beside the pages; resolves to the person's account. */
async function signIn({ desk }: Setting, device: Device, session = 'session'): Promise<string> {
  const response = await device.get(await desk.passkeyOptions(session));
  return (await desk.passkey(session, response, FROM)).account;
}

async function faultOf(page: Page): Promise<string> {
  await page.waitForSelector('#fault:not(:empty)');
  return (await page.textContent('#fault')) ?? '';
}

const options = { skip: withoutChromium };

test('a practitioner enrols by link and signs in by passkey, on the pages', options, async (t) => {
  const at = await setting(t);
  const device = await newDevice(at);
  const faults: string[] = [];
  device.page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
  device.page.on('pageerror', (error) => faults.push(String(error)));
  const { link, account } = await enrolled(at, device);
  await device.page.goto(`${at.baseUrl}/auth/interaction/uid-1`);
  await device.page.click('#passkey');
  await device.page.waitForURL(`${at.baseUrl}/welcome?who=Dr.%20A`);
  assert.deepEqual(faults, []);
  const [listed, ...others] = await at.people();
  assert.deepEqual(others, []);
  assert.equal(listed?.account, account);
  assert.equal(listed.status, 'active');
  assert.deepEqual(listed.roles, [PHYSICIAN]);
  assert.ok(listed.passkeys.length === 1 && listed.passkeys[0]?.usedMs !== undefined);
  assert.deepEqual(await at.desk.person(at.node.hospital.account, account), {
    ...{ custodian: at.node.hospital.account, account, kind: 'practitioner', organisation: at.node.hospital.account },
    ...{ roles: [PHYSICIAN], purposes: ['TREAT', 'BTG'], label: 'Dr. A' },
  });

  await t.test('the link works once, and says so', async () => {
    const { page } = await newDevice(at);
    await page.goto(link);
    await page.click('#enrol');
    assert.match(await faultOf(page), /was used/);
  });
  await t.test('a link ends after a day, and when a newer one is given', async () => {
    const [first, late] = [await at.hire('Dr. B'), await at.hire('Dr. C')];
    const second = (await at.administer(`/${first.account}/enrolment`, {})) as InvitationAnswer;
    const { page } = await newDevice(at);
    await page.goto(first.link);
    await page.click('#enrol');
    assert.match(await faultOf(page), /ask your administrator for a new one/);
    at.clock.offsetMs = 24 * 3_600_000;
    // In the same tab, where the page is not loaded again.
    await page.goto(late.link);
    await page.waitForSelector('#fault:empty', { state: 'attached' });
    await page.click('#enrol');
    assert.match(await faultOf(page), /older than a day/);
    at.clock.offsetMs -= 3_600_000;
    await enrolOnPage(await newDevice(at), late.link);
    at.clock.offsetMs = 0;
    await enrolOnPage(await newDevice(at), second.link);
  });
  await t.test('the same device is not enrolled twice, another one is', async () => {
    const more = async () => ((await at.administer(`/${account}/enrolment`, {})) as InvitationAnswer).link;
    await device.page.goto(await more());
    await device.page.click('#enrol');
    assert.match(await faultOf(device.page), /holds a passkey of yours already/);
    const phone = await newDevice(at);
    await enrolOnPage(phone, await more());
    assert.equal(await signIn(at, phone), account);
    assert.equal(await signIn(at, device), account);
  });
  await t.test('a device that verifies nobody signs in nobody, and says what to do', async () => {
    const { page, cdp } = device;
    await cdp('setUserVerified', { isUserVerified: false });
    await page.goto(`${at.baseUrl}/auth/interaction/uid-2`);
    await page.click('#passkey');
    assert.match(await faultOf(page), /Try again/);
    await cdp('setUserVerified', { isUserVerified: true });
    await page.click('#passkey');
    await page.waitForURL(`${at.baseUrl}/welcome?*`);
  });
  await t.test('who was dismissed is not signed in, nor attested any more', async () => {
    await at.administer(`/${account}/dismiss`, {});
    assert.equal(await refusalOf(signIn(at, device)), 'PERSON_NOT_ATTESTED');
    assert.equal(await at.desk.person(at.node.hospital.account, account), undefined);
    await at.administer(`/${account}/dismiss`, {});
    const status = (await at.people()).find((one) => one.account === account)?.status;
    assert.equal(status, 'dismissed');
  });
});

test('an assertion holds for its origin, session and one use', options, async (t) => {
  const at = await setting(t);
  const device = await newDevice(at);
  const { account } = await enrolled(at, device);
  const { desk } = at;
  const refused = async (says: string, session: string, response: unknown, code = 'PASSKEY_REFUSED') =>
    assert.equal(await refusalOf(desk.passkey(session, response, FROM)), code, says);

  const response = await device.get(await desk.passkeyOptions('s1'));
  await refused('other session', 's2', response);
  assert.equal((await desk.passkey('s1', response, FROM)).account, account);
  await refused('replayed', 's1', response);

  const race = await device.get(await desk.passkeyOptions('s1'));
  const codes = await Promise.all([1, 2, 3].map(() => refusalOf(desk.passkey('s1', race, FROM))));
  assert.deepEqual(codes.sort(), ['', 'PASSKEY_REFUSED', 'PASSKEY_REFUSED'], 'at once');

  const late = await device.get(await desk.passkeyOptions('s1'));
  at.clock.offsetMs = 5 * 60_000 + 1;
  await refused('expired', 's1', late, 'SIGN_IN_TIMED_OUT');
  at.clock.offsetMs = 0;

  // A page at another port of the same host has the same relying party, and another origin.
  const other = createHttpHost({ logger: pino({ level: 'silent' }) });
  other.get('/welcome', async (_request, reply) => reply.type('text/plain').send('welcome'));
  const port = await freePort();
  await other.listen({ host: '127.0.0.1', port });
  t.after(() => other.close());
  await device.page.goto(`http://localhost:${port}/welcome`);
  await refused('wrong origin', 's1', await device.get(await desk.passkeyOptions('s1')));
  await device.page.goto(`${at.baseUrl}/welcome`);

  const good = async () =>
    (await device.get(await desk.passkeyOptions('s3'))) as JsonObject & { response: Record<string, string> };
  const bent = async (part: string, value: string | ((was: string) => string)) => {
    const { response: sent, ...rest } = await good();
    const was = sent[part] as string;
    return { ...rest, response: { ...sent, [part]: typeof value === 'string' ? value : value(was) } };
  };
  const framed = (was: string) =>
    Buffer.from(Buffer.from(was, 'base64url').toString().replace('"crossOrigin":false', '"crossOrigin":true')).toString(
      'base64url',
    );
  await refused('in a frame', 's3', await bent('clientDataJSON', framed));
  await refused('of nobody', 's3', await bent('userHandle', 'A'.repeat(43)));
  await refused('signature of another', 's3', await bent('signature', (await good()).response.signature as string));
  await refused('another credential', 's3', { ...(await good()), id: 'AAAA' });
  for (const form of [undefined, null, 'text', [], {}, { id: 'AAAA', response: {} }])
    await refused('no assertion', 's4', form);
  assert.equal(await signIn(at, device, 's5'), account);
});

test('a copied, an unverified and a removed passkey are refused, and the first is told', options, async (t) => {
  const at = await setting(t);
  const device = await newDevice(at);
  const { account } = await enrolled(at, device);
  const passkey = async () => (await at.people()).find((one) => one.account === account)?.passkeys[0];

  await t.test('counter', async () => {
    await signIn(at, device);
    await signIn(at, device);
    const { credentials } = (await device.cdp('getCredentials')) as { credentials: { credentialId: string }[] };
    const [credential] = credentials;
    assert.ok(credential !== undefined);
    await device.cdp('removeCredential', { credentialId: credential.credentialId });
    await device.cdp('addCredential', { credential: { ...credential, signCount: 0 } });
    assert.equal(await refusalOf(signIn(at, device)), 'PASSKEY_COUNTER_WENT_BACK');
    assert.deepEqual(at.warnings, ['the counter of a passkey went back']);
    assert.ok((await passkey())?.wentBackMs !== undefined);
    await device.cdp('removeCredential', { credentialId: credential.credentialId });
    await device.cdp('addCredential', { credential });
    assert.equal(await signIn(at, device), account, 'the genuine one goes on');
  });

  await t.test('user verification, five times, then it is paused', async () => {
    await device.cdp('setUserVerified', { isUserVerified: false });
    const unverified = async (session: string) => {
      const asked = { ...(await at.desk.passkeyOptions(session)), userVerification: 'discouraged' };
      return at.desk.passkey(session, await device.get(asked), FROM);
    };
    for (let n = 0; n < 5; n++) {
      assert.equal(await refusalOf(unverified(`u${n}`)), 'PASSKEY_PERSON_UNVERIFIED');
    }
    await device.cdp('setUserVerified', { isUserVerified: true });
    assert.equal(await refusalOf(signIn(at, device)), 'PASSKEY_PAUSED');
    at.clock.offsetMs = 15 * 60_000;
    assert.equal(await signIn(at, device), account);
    at.clock.offsetMs = 0;
  });

  await t.test('a new passkey without user verification is not taken', async () => {
    const { link } = (await at.administer(`/${account}/enrolment`, {})) as InvitationAnswer;
    const code = link.split('#')[1] as string;
    const other = await newDevice(at, { verifies: false });
    const asked = (await at.desk.enrolment.options(code, FROM)) as JsonObject & { authenticatorSelection: object };
    const selection = { ...asked.authenticatorSelection, userVerification: 'discouraged', residentKey: 'discouraged' };
    const response = await other.create({
      ...asked,
      authenticatorSelection: { ...selection, requireResidentKey: false },
    });
    assert.equal(await refusalOf(at.desk.enrolment.enrol(code, response, FROM)), 'PASSKEY_NOT_TAKEN');
    // The link is not used up by it.
    await enrolOnPage(await newDevice(at), link);
  });

  await t.test('an attestation with certificates is not looked at', async () => {
    const code = (await at.hire('Dr. F')).link.split('#')[1] as string;
    const asked = { ...(await at.desk.enrolment.options(code, FROM)), attestation: 'direct' };
    const other = await newDevice(at);
    const response = (await other.create(asked)) as JsonObject & { response: { attestationObject: string } };
    assert.match(Buffer.from(response.response.attestationObject, 'base64url').toString('latin1'), /packed.*x5c/s);
    assert.equal(await refusalOf(at.desk.enrolment.enrol(code, response, FROM)), 'PASSKEY_NOT_TAKEN');
  });

  await t.test('what is made for one link is nothing to another', async () => {
    const [mine, yours] = [await at.hire('Dr. D'), await at.hire('Dr. E')].map(
      ({ link }) => link.split('#')[1] as string,
    );
    const other = await newDevice(at);
    const response = await other.create(await at.desk.enrolment.options(mine as string, FROM));
    assert.equal(await refusalOf(at.desk.enrolment.enrol(yours as string, response, FROM)), 'PASSKEY_NOT_TAKEN');
    await at.desk.enrolment.enrol(mine as string, response, FROM);
    assert.equal(await refusalOf(at.desk.enrolment.enrol(mine as string, response, FROM)), 'ENROLMENT_WRONG');
  });

  await t.test('removed', async () => {
    const { passkeys } = (await at.administer(`/${account}/passkeys`)) as PasskeyList;
    const id = (await passkey())?.id as string;
    assert.ok(passkeys.length === 2 && passkeys[0]?.id === id);
    await at.administer(`/${account}/passkeys/remove`, { id });
    assert.equal(await refusalOf(signIn(at, device)), 'PASSKEY_REFUSED');
    assert.equal(
      await refusalOf(at.desk.people.removePasskey(at.node.hospital.account, account, id)),
      'PASSKEY_UNKNOWN',
    );
  });
});

test('somebody who has just signed in adds a passkey; addresses by number have none', options, async (t) => {
  const at = await setting(t);
  const device = await newDevice(at);
  const { account } = await enrolled(at, device);
  const custodian = at.node.hospital.account;
  const [{ id = '' } = {}] = await at.desk.people.passkeysOf(custodian, account);
  const person = { custodian, account, by: `passkey:${id}` as const };
  const phone = await newDevice(at);
  const response = await phone.create(await at.desk.enrolment.additionOptions('s', person));
  assert.equal(await refusalOf(at.desk.enrolment.addPasskey('other', person, response, FROM)), 'PASSKEY_NOT_TAKEN');
  await at.desk.enrolment.addPasskey('s', person, response, FROM);
  assert.equal(await refusalOf(at.desk.enrolment.addPasskey('s', person, response, FROM)), 'PASSKEY_NOT_TAKEN');
  assert.equal(await signIn(at, phone), account);
  const { code } = await at.desk.people.invite(person.custodian, account);
  // Without a word to the ledger, which may stand still.
  await at.desk.people.dismiss(person.custodian, account);
  assert.equal(await refusalOf(signIn(at, phone)), 'PERSON_NOT_ATTESTED');
  assert.equal(await refusalOf(at.desk.enrolment.additionOptions('s', person)), 'PERSON_NOT_ATTESTED');
  assert.equal(await refusalOf(at.desk.enrolment.options(code, FROM)), 'ENROLMENT_WRONG');
  for (const baseUrl of ['http://127.0.0.1:8080', 'https://[2001:db8::1]', 'http://hospital.example']) {
    const desk = createSignIn({
      stores: [at.node.hospital.vault],
      attestation: createAttestation(at.node.ledger),
      ...{ baseUrl, chain: at.node.ledger.genesisHash, clock: Date.now, log: pino({ level: 'silent' }) },
    });
    assert.equal(await refusalOf(desk.passkeyOptions('s')), 'PASSKEYS_UNAVAILABLE', baseUrl);
  }
});

test('only the administrator hires, and only what fits', async (t) => {
  const node = await createHospitalNode(t);
  const desk = createSignIn({
    stores: [node.hospital.vault, node.clinic.vault],
    attestation: createAttestation(node.ledger),
    ...{ baseUrl: 'https://hospital.example', chain: node.ledger.genesisHash, clock: node.hospital.clock },
    log: pino({ level: 'silent' }),
  });
  await node.app.ready();
  const host = createHttpHost({ logger: pino({ level: 'silent' }) });
  const authenticate = createAuthenticate([node.hospital.vault, node.clinic.vault], node.hospital.clock);
  const organisations = [node.hospital, node.clinic];
  await host.register(
    createPeoplePlugin({ organisations, authenticate, people: desk.people, baseUrl: 'https://h.example' }),
  );
  t.after(() => host.close());
  const call = async (method: 'GET' | 'POST', url: string, token: string, payload?: object) => {
    const headers = { authorization: `Bearer ${token}` };
    const response = await host.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) });
    return response.json() as Record<string, unknown> & { code?: string };
  };
  const hire = { label: 'nurse', roleCodes: ['http://snomed.info/sct|224535009'], purposes: ['TREAT'] };
  const { administrator, physician } = node.tokens;
  const account = 'a'.repeat(32);
  const routes = [
    ['GET', '/api/people'],
    ['POST', '/api/people'],
    ['GET', `/api/people/${account}/passkeys`],
    ['POST', `/api/people/${account}/enrolment`],
    ['POST', `/api/people/${account}/dismiss`],
    ['POST', `/api/people/${account}/passkeys/remove`],
  ] as const;
  for (const [method, url] of routes) {
    const { code } = await call(method, url, physician, method === 'GET' ? undefined : hire);
    assert.equal(code, 'ADMINISTRATOR_ONLY', url);
  }
  for (const wrong of [
    { purposes: [] },
    { roleCodes: ['no system'] },
    { label: '' },
    { label: 'Ärztin' },
    { extra: true },
  ])
    assert.equal((await call('POST', '/api/people', administrator, { ...hire, ...wrong })).code, 'PERSON_INVALID');
  for (const [, url] of routes.slice(3))
    assert.match(
      String((await call('POST', url, administrator, { id: 'AAAA' })).code),
      /^(PERSON|PASSKEY)_UNKNOWN$/,
      url,
    );
  const { link } = await call('POST', '/api/people', administrator, hire);
  assert.match(String(link), /^https:\/\/h\.example\/sign-in\/enrol#[A-Za-z0-9_-]{22}$/);
});
