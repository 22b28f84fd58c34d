import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { before, type TestContext, test } from 'node:test';
import { SignJWT } from 'jose';
import { loadDefinitions } from '../../src/fhir/definitions/load-definitions.ts';
import { launchChromium, withoutChromium } from '../support/chromium.ts';
import { type OpenIdProvider, startOpenIdProvider, strangerKey, unsigned } from '../support/openid-provider.ts';
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
  startSmartNode,
} from '../support/smart-node.ts';

/* Practitioners sign in through an OpenID provider of their organisation: the way, and what is refused on it. */

before(() => loadDefinitions());

const PHYSICIAN = 'http://snomed.info/sct|309343006';
const NURSE = 'http://snomed.info/sct|224535009';

interface Stage {
  readonly node: SmartNode;
  readonly provider: OpenIdProvider;
  readonly colleague: Colleague;
  readonly clientId: string;
  readonly family: string;
}

const settingsOf = ({ issuer, clientId, clientSecret }: OpenIdProvider) => ({
  ...{ id: 'clinic', name: 'Clinic & Sons', issuer, client_id: clientId, client_secret: clientSecret },
  id_token_signed_response_alg: 'RS256',
  organisation: { claim: 'hospital', value: 'general' },
  roles: { claims: ['jobs'], map: { doctor: PHYSICIAN, nurse: NURSE } },
});

async function allowOrigin(node: SmartNode, origins: readonly string[]): Promise<void> {
  const { revision } = (await node.api('GET', '/api/outgoing')).json;
  const rules = origins.map((origin) => ({ origin, addresses: ['127.0.0.1/32'] }));
  const put = await node.api('PUT', '/api/outgoing', { revision, rules });
  assert.equal(put.status, 200, put.text);
}

async function configure(node: SmartNode, providers: readonly object[]) {
  const { revision } = (await node.api('GET', '/api/sign-in-providers')).json;
  return node.api('PUT', '/api/sign-in-providers', { revision, providers });
}

function link(node: SmartNode, account: string, subject: string) {
  return node.api('POST', `/api/people/${account}/links`, { provider: 'clinic', subject });
}

async function setStage(t: TestContext): Promise<Stage> {
  const [node, provider] = await Promise.all([startSmartNode(t), startOpenIdProvider(t)]);
  await allowOrigin(node, [provider.issuer]);
  const configured = await configure(node, [settingsOf(provider)]);
  assert.equal(configured.status, 200, configured.text);
  provider.redirectUri = configured.json.providers[0].redirect_uri;
  Object.assign(provider.claims, { hospital: 'general', jobs: ['doctor', 'nurse', 'chair of the board'] });
  const colleague = await node.hire('Dr. Ada');
  const { client_id: clientId } = await node.register(APP);
  return { node, provider, colleague, clientId, family: await familyAt(node) };
}

interface Journey {
  readonly browser: Browser;
  readonly verifier: string;
  readonly page: Landing;
}

async function toSignInPage({ node, clientId }: Stage, more: object = {}): Promise<Journey> {
  const browser = new Browser(node.baseUrl);
  const { verifier, challenge } = newPkce();
  const url = authorizeUrl(node, { client_id: clientId, code_challenge: challenge, ...more });
  return { browser, verifier, page: await browser.follow(url) };
}

/** Follows the page's button; where the provider is to be asked, or the page again. */
function toProvider({ browser, page }: Journey): Promise<Landing> {
  return browser.follow(`${page.at}/external/clinic`);
}

/** Where the provider sends the browser back to. */
async function answerOf({ provider }: Stage, journey: Journey): Promise<string> {
  const { at } = await toProvider(journey);
  assert.ok(at.startsWith(`${provider.issuer}/auth?`), at);
  const { at: back } = await new Browser(provider.issuer).follow(at);
  assert.ok(back.startsWith(provider.redirectUri), back);
  return back;
}

/** The whole way through the provider; ends at the consent page, or at the sign-in page with a fault. */
async function throughProvider(stage: Stage, journey: Journey): Promise<Landing> {
  return journey.browser.follow(await answerOf(stage, journey));
}

/** The code of a refusal: on the page, or of a route that shows none. */
function codeOf({ answer }: Landing): string | undefined {
  const shown = /role="alert"[^>]*>([A-Z_]+):/.exec(answer.text)?.[1];
  return shown ?? answer.json?.code ?? /\b((?:EXTERNAL|SIGN_IN)_[A-Z_]+)\b/.exec(answer.text)?.[1];
}

async function refused(stage: Stage, code: string, journey?: Journey): Promise<void> {
  const landing = await throughProvider(stage, journey ?? (await toSignInPage(stage)));
  assert.equal(codeOf(landing), code, landing.answer.text);
  assert.ok(landing.answer.status >= 400 && landing.answer.status < 500);
}

// One node for both: starting it is most of the time that this takes.
test('signing in through an external provider', async (t) => {
  const stage = await setStage(t);
  await t.test('a practitioner signs in through the provider of the organisation', (inner) =>
    showJourney(inner, stage),
  );
  await t.test('attacks on the way through a provider', (inner) => attack(inner, stage));
});

async function showJourney(t: TestContext, stage: Stage): Promise<void> {
  const { node, provider, colleague, clientId, family } = stage;
  const custodian = new URL(provider.redirectUri).pathname.split('/')[4] ?? '';

  await t.test('nobody whom no administrator linked', () => refused(stage, 'EXTERNAL_SUBJECT_UNKNOWN'));

  const linked = await link(node, colleague.account, 'subject-of-ada');
  assert.equal(linked.status, 201, linked.text);
  let refresh = '';
  let patientId = '';
  let token = '';

  await t.test('the whole way ends in a code, a token and a chart', async () => {
    const journey = await toSignInPage(stage);
    assert.match(journey.page.answer.text, /Sign in with Clinic &amp; Sons/);
    const consent = await throughProvider(stage, journey);
    assert.match(consent.answer.text, /Dr\. Ada/, consent.answer.text);
    patientId = await findPatient(journey.browser, consent, family);
    const code = codeAt(await allow(journey.browser, consent, patientId));
    const { status, json } = await exchange(node, clientId, { code, verifier: journey.verifier });
    assert.equal(status, 200, JSON.stringify(json));
    refresh = json.refresh_token ?? '';
    token = json.access_token ?? '';
    const claims = JSON.parse(Buffer.from((json.id_token ?? '').split('.')[1] ?? '', 'base64url').toString());
    assert.equal(claims.sub, `${custodian}.${colleague.account}`);
    assert.ok(!JSON.stringify(claims).includes('external'), 'the app learns nothing of the link');
    assert.equal((await node.fhir(token, `Patient/${patientId}`)).status, 200);
  });

  await t.test(
    'in a browser, with its rules for cookies, forms and other sites',
    { skip: withoutChromium },
    async () => {
      const chromium = await launchChromium();
      try {
        const page = await chromium.newPage();
        await page.goto(authorizeUrl(node, { client_id: clientId, code_challenge: newPkce().challenge }));
        await page.click('text=Sign in with Clinic & Sons');
        await page.waitForSelector('input[type=search]');
        assert.match((await page.textContent('main')) ?? '', /signed in as Dr\. Ada/);
      } finally {
        await chromium.close();
      }
    },
  );

  await t.test('the request carries S256, nonce, state and max_age, and each is another', async () => {
    const seen = [await toSignInPage(stage), await toSignInPage(stage)].map(toProvider);
    const [one, two] = (await Promise.all(seen)).map(({ at }) => new URL(at).searchParams);
    assert.equal(one?.get('code_challenge_method'), 'S256');
    assert.equal(one?.get('max_age'), '300');
    for (const name of ['code_challenge', 'nonce', 'state']) assert.notEqual(one?.get(name), two?.get(name));
  });

  await t.test(
    'a role that only the provider tells is none of the caller, nor one that only the ledger has',
    async () => {
      provider.claims.jobs = ['nurse', 'chair of the board'];
      await refused(stage, 'EXTERNAL_ROLE_MISSING');
      // The provider's last word holds for what it said yes to before, too.
      assert.equal((await node.fhir(token, `Patient/${patientId}`)).status, 401);
      provider.claims.jobs = 'doctor';
      const { answer } = await throughProvider(stage, await toSignInPage(stage));
      assert.match(answer.text, /Dr\. Ada/);
      assert.equal((await node.fhir(token, `Patient/${patientId}`)).status, 200);
    },
  );

  await t.test('nobody of another organisation', async () => {
    for (const hospital of ['other', ['general'], undefined, true]) {
      provider.claims.hospital = hospital;
      await refused(stage, 'EXTERNAL_ORGANISATION_WRONG');
    }
    provider.claims.hospital = 'general';
  });

  await t.test('the secret is never shown, and goes to no other issuer', async () => {
    const { json, text } = await node.api('GET', '/api/sign-in-providers');
    assert.ok(!text.includes('secret'), text);
    const { redirect_uri: _uri, ...shown } = json.providers[0];
    assert.equal((await configure(node, [shown])).status, 200);
    const moved = await configure(node, [{ ...shown, issuer: `${provider.issuer}/other` }]);
    assert.equal(moved.json.code ?? codeOf({ at: '', answer: moved }), 'EXTERNAL_PROVIDERS_MALFORMED', moved.text);
  });

  await t.test('administrators alone configure and link, and what they say is checked', async () => {
    for (const [method, path] of [
      ['GET', '/api/sign-in-providers'],
      ['PUT', '/api/sign-in-providers'],
      ['POST', `/api/people/${colleague.account}/links`],
      ['GET', `/api/people/${colleague.account}/links`],
    ] as const) {
      const { status } = await node.api(method, path, method === 'GET' ? undefined : {}, token);
      assert.ok(status === 401 || status === 403, `${path} ${status}`);
    }
    const right = settingsOf(provider);
    for (const wrong of [
      { ...right, issuer: 'http://provider.example' },
      { ...right, issuer: `${right.issuer}?a` },
      { ...right, issuer: 'https://user@provider.example' },
      { ...right, id_token_signed_response_alg: 'HS256' },
      { ...right, id_token_signed_response_alg: 'none' },
      { ...right, roles: { claims: ['jobs'], map: { doctor: 'physician' } } },
      { ...right, id: '../x' },
    ])
      assert.equal((await configure(node, [wrong])).status, 400, JSON.stringify(wrong));
    assert.equal((await configure(node, [right, right])).status, 400);
    assert.equal(
      (
        await configure(
          node,
          Array.from({ length: 9 }, (_, at) => ({ ...right, id: `p${at}` })),
        )
      ).status,
      400,
    );
    assert.equal((await configure(node, [{ ...right, issuer: 'https://provider.example' }])).status, 403);
    assert.equal((await link(node, custodian, 'x')).status, 400);
    assert.equal((await link(node, colleague.account, 'subject-of-ada')).status, 409);
  });

  await t.test('an end of the link is an end of what came of it', async () => {
    const path = `/api/people/${colleague.account}/links`;
    const { links } = (await node.api('GET', path)).json;
    assert.deepEqual(
      links.map(({ subject }: { subject: string }) => subject),
      ['subject-of-ada'],
    );
    assert.equal((await node.api('POST', `${path}/remove`, { id: links[0].id })).status, 200);
    assert.equal((await node.fhir(token, `Patient/${patientId}`)).status, 401);
    const fields = { grant_type: 'refresh_token', refresh_token: refresh, client_id: clientId };
    assert.equal((await tokenRequest(node, fields)).json.error, 'invalid_grant');
    await refused(stage, 'EXTERNAL_SUBJECT_UNKNOWN');
  });
}

async function attack(t: TestContext, stage: Stage): Promise<void> {
  const { node, provider, colleague } = stage;
  assert.equal((await link(node, colleague.account, 'subject-of-ada')).status, 201);
  const now = () => Math.floor(Date.now() / 1000);

  await t.test('state of another session: an answer ends nowhere but in the browser that asked', async () => {
    const [mine, theirs] = [await toSignInPage(stage), await toSignInPage(stage)];
    const back = await answerOf(stage, mine);
    assert.equal(codeOf(await theirs.browser.follow(back)), 'SIGN_IN_EXPIRED');
    assert.equal(codeOf(await new Browser(node.baseUrl).follow(back)), 'SIGN_IN_EXPIRED');
    // Put into one's own session, it is still the other's.
    const forced = `${theirs.page.at}/external${new URL(back).search}`;
    assert.equal(codeOf(await theirs.browser.follow(forced)), 'EXTERNAL_ANSWER_FOREIGN');
    const forged = new URL(back);
    const state = forged.searchParams.get('state') ?? '';
    forged.searchParams.set('state', `${state.startsWith('A') ? 'B' : 'A'}${state.slice(1)}`);
    assert.equal(codeOf(await mine.browser.follow(forged.href)), 'EXTERNAL_ANSWER_FOREIGN');
    assert.match((await mine.browser.follow(back)).answer.text, /Dr\. Ada/);
  });

  await t.test('code injection: a code of another sign-in has another verifier and nonce', async () => {
    const [mine, theirs] = [await toSignInPage(stage), await toSignInPage(stage)];
    const [own, stolen] = [new URL(await answerOf(stage, mine)), new URL(await answerOf(stage, theirs))];
    const right = own.searchParams.get('code') ?? '';
    own.searchParams.set('code', stolen.searchParams.get('code') ?? '');
    assert.equal(codeOf(await mine.browser.follow(own.href)), 'EXTERNAL_CODE_REFUSED');
    // What is refused uses nothing up: codes are bound to the state by its verifier, and nobody guesses them.
    own.searchParams.set('code', right);
    assert.match((await mine.browser.follow(own.href)).answer.text, /Dr\. Ada/);
  });

  await t.test('replayed callback: an answer is good for once, also for twenty at once', async () => {
    const journey = await toSignInPage(stage);
    const back = new URL(await answerOf(stage, journey));
    const forced = `${journey.page.at}/external${back.search}`;
    const tries = await Promise.all(Array.from({ length: 20 }, () => journey.browser.request(forced)));
    assert.equal(tries.filter(({ status }) => status === 303).length, 1);
    const again = await journey.browser.request(forced);
    assert.ok(again.status >= 400 && again.status < 500, again.text);
  });

  await t.test(
    'mix-up: an answer of another issuer, without one, or at the redirect URI of another provider',
    async () => {
      for (const iss of ['http://127.0.0.1:1', `${provider.issuer}/`, '', undefined]) {
        const journey = await toSignInPage(stage);
        const back = new URL(await answerOf(stage, journey));
        if (iss === undefined) back.searchParams.delete('iss');
        else back.searchParams.set('iss', iss);
        assert.equal(codeOf(await journey.browser.follow(back.href)), 'EXTERNAL_ISSUER_WRONG', iss ?? 'none');
      }
      const journey = await toSignInPage(stage);
      const elsewhere = (await answerOf(stage, journey)).replace('/clinic?', '/another?');
      assert.equal(codeOf(await journey.browser.follow(elsewhere)), 'EXTERNAL_ISSUER_WRONG');
    },
  );

  await t.test('a provider that does not sign in, and parameters that come twice', async () => {
    const journey = await toSignInPage(stage);
    const back = new URL(await answerOf(stage, journey));
    back.searchParams.delete('code');
    back.searchParams.set('error', 'access_denied');
    assert.equal(codeOf(await journey.browser.follow(back.href)), 'EXTERNAL_DECLINED');
    back.searchParams.append('state', 'x');
    assert.equal(codeOf(await journey.browser.follow(back.href)), 'EXTERNAL_ANSWER_FOREIGN');
    assert.equal(
      codeOf(await journey.browser.follow(`${journey.page.at}/external/nobody`)),
      'EXTERNAL_PROVIDER_UNKNOWN',
    );
  });

  await t.test('ID tokens that are not this provider’s word about this sign-in', async () => {
    const secret = createSecretKey(Buffer.from(provider.clientSecret));
    const published = createSecretKey(
      Buffer.from(JSON.stringify((await (await fetch(`${provider.issuer}/jwks`)).json()) as object)),
    );
    const stranger = strangerKey();
    const { n, e, kty } = stranger.export({ format: 'jwk' }) as { n: string; e: string; kty: string };
    const hmac = (claims: object, key: typeof secret) =>
      new SignJWT({ ...claims }).setProtectedHeader({ alg: 'HS256', kid: 'its-key' }).sign(key);
    const tries: readonly (readonly [string, string, NonNullable<OpenIdProvider['spoilToken']>])[] = [
      ['alg none', 'EXTERNAL_TOKEN_UNSIGNED', async (claims) => unsigned(claims)],
      ['HS256 by the client’s secret', 'EXTERNAL_TOKEN_UNSIGNED', (claims) => hmac(claims, secret)],
      ['HS256 by the published key', 'EXTERNAL_TOKEN_UNSIGNED', (claims) => hmac(claims, published)],
      ['another algorithm', 'EXTERNAL_TOKEN_UNSIGNED', (claims, sign) => sign(claims, { alg: 'PS256' })],
      ['key-set swap: the same key id', 'EXTERNAL_TOKEN_UNSIGNED', (claims, sign) => sign(claims, {}, stranger)],
      ['key-set swap: a new key id', 'EXTERNAL_TOKEN_UNSIGNED', (claims, sign) => sign(claims, { kid: 'x' }, stranger)],
      [
        'key-set swap: the key in the header',
        'EXTERNAL_TOKEN_UNSIGNED',
        (claims, sign) => sign(claims, { jwk: { kty, n, e }, jku: `${provider.issuer}/swapped` }, stranger),
      ],
      ['no token', 'EXTERNAL_TOKEN_UNSIGNED', async () => 'x'],
      ['wrong nonce', 'EXTERNAL_TOKEN_FOREIGN', (claims, sign) => sign({ ...claims, nonce: 'x' })],
      ['no nonce', 'EXTERNAL_TOKEN_FOREIGN', ({ nonce: _, ...claims }, sign) => sign(claims)],
      ['wrong issuer', 'EXTERNAL_TOKEN_FOREIGN', (claims, sign) => sign({ ...claims, iss: `${claims.iss}/` })],
      ['wrong audience', 'EXTERNAL_TOKEN_FOREIGN', (claims, sign) => sign({ ...claims, aud: 'x' })],
      ['another’s azp', 'EXTERNAL_TOKEN_FOREIGN', (claims, sign) => sign({ ...claims, azp: 'x' })],
      ['many audiences', 'EXTERNAL_TOKEN_FOREIGN', (claims, sign) => sign({ ...claims, aud: [`${claims.aud}`, 'x'] })],
      ['another kind of token', 'EXTERNAL_TOKEN_FOREIGN', (claims, sign) => sign(claims, { typ: 'at+jwt' })],
      ['expired', 'EXTERNAL_TOKEN_EXPIRED', (claims, sign) => sign({ ...claims, exp: now() - 60 })],
      ['without an end', 'EXTERNAL_TOKEN_EXPIRED', ({ exp: _, ...claims }, sign) => sign(claims)],
      ['made long ago', 'EXTERNAL_TOKEN_EXPIRED', (claims, sign) => sign({ ...claims, iat: now() - 400 })],
      ['made tomorrow', 'EXTERNAL_TOKEN_EXPIRED', (claims, sign) => sign({ ...claims, iat: now() + 86_400 })],
      ['signed in long ago', 'EXTERNAL_TOKEN_EXPIRED', (claims, sign) => sign({ ...claims, auth_time: now() - 400 })],
      ['nobody knows when', 'EXTERNAL_TOKEN_EXPIRED', ({ auth_time: _, ...claims }, sign) => sign(claims)],
      ['another subject', 'EXTERNAL_SUBJECT_UNKNOWN', (claims, sign) => sign({ ...claims, sub: 'subject-of-eve' })],
    ];
    for (const [name, code, spoil] of tries) {
      provider.spoilToken = spoil;
      const landing = await throughProvider(stage, await toSignInPage(stage));
      const found = codeOf(landing);
      assert.equal(found, code, `${name}: ${landing.answer.text}`);
    }
    assert.ok(!provider.asked.includes('/swapped'));
    // One key set for the first and, as it had just been fetched, none for the unknown key.
    assert.equal(provider.asked.filter((path) => path === '/jwks').length, 2);
    provider.spoilToken = (claims, sign) => sign(claims);
    assert.match((await throughProvider(stage, await toSignInPage(stage))).answer.text, /Dr\. Ada/);
    provider.spoilToken = undefined;
  });

  await t.test('a provider that the rules do not let this node ask', async () => {
    const journey = await toSignInPage(stage);
    const back = await answerOf(stage, journey);
    await allowOrigin(node, []);
    assert.equal(codeOf(await journey.browser.follow(back)), 'EXTERNAL_PROVIDER_UNAVAILABLE');
    assert.equal((await configure(node, [settingsOf(provider)])).status, 403);
  });

  await t.test('a provider that speaks for another issuer, or sends codes where anybody listens', async (inner) => {
    for (const metadata of [
      { issuer: 'https://provider.example' },
      { token_endpoint: 'http://provider.example/token' },
      { code_challenge_methods_supported: ['plain'] },
      { id_token_signing_alg_values_supported: ['ES256'] },
    ]) {
      const liar = await startOpenIdProvider(inner);
      liar.metadata = metadata;
      await allowOrigin(node, [provider.issuer, liar.issuer]);
      assert.equal((await configure(node, [settingsOf(liar)])).status, 200);
      const { answer, at } = await toProvider(await toSignInPage(stage));
      assert.equal(codeOf({ answer, at }), 'EXTERNAL_PROVIDER_UNFIT', JSON.stringify(metadata));
    }
  });
}
