import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { createServer, get, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { before, type TestContext, test } from 'node:test';
import { loadDefinitions } from '../../src/fhir/definitions/load-definitions.ts';
import {
  APP,
  type AssertionOptions,
  assertionOf,
  authorized,
  authorizeUrl,
  codeAt,
  exchange,
  familyAt,
  findPatient,
  newServiceKey,
  REDIRECT,
  scopesOn,
  serviceOf,
  serviceToken,
  tokenRequest,
} from '../support/smart-app.ts';
import { Browser, type Colleague, newPkce, type SmartNode, signIn, startSmartNode } from '../support/smart-node.ts';

/* Attacks on OAuth, by the names of RFC 9700 and RFC 7523, each made against a whole node, and each in vain. */

before(() => loadDefinitions());

interface Stage {
  readonly node: SmartNode;
  readonly colleague: Colleague;
  readonly clientId: string;
  readonly family: string;
}

async function setStage(t: TestContext): Promise<Stage> {
  const node = await startSmartNode(t);
  const colleague = await node.hire('Dr. Ada');
  const { client_id: clientId } = await node.register(APP);
  return { node, colleague, clientId, family: await familyAt(node) };
}

/** What the app is told, in the query or, for what was no code flow, in the fragment. */
function saidTo(at: string): URLSearchParams {
  const { search, hash } = new URL(at);
  return new URLSearchParams(search === '' ? hash.slice(1) : search);
}

test('attacks on codes and on the way to them', async (t) => {
  const { node, colleague, clientId, family } = await setStage(t);
  const attempt = (more: object = {}) => authorized(node, { clientId, colleague, family, ...more });

  await t.test('code replay: the second use ends what the first was given', async () => {
    const stolen = await attempt();
    const first = await exchange(node, clientId, stolen);
    assert.equal(first.status, 200);
    const second = await exchange(node, clientId, stolen);
    assert.equal(second.json.error, 'invalid_grant');
    assert.equal((await node.fhir(first.json.access_token ?? '', `Patient/${stolen.patient}`)).status, 401);
    const refresh = { grant_type: 'refresh_token', refresh_token: first.json.refresh_token ?? '', client_id: clientId };
    assert.equal((await tokenRequest(node, refresh)).json.error, 'invalid_grant');
  });

  await t.test('code replay at once: of twenty exchanges at most one is answered', async () => {
    const stolen = await attempt();
    const answers = await Promise.all(Array.from({ length: 20 }, () => exchange(node, clientId, stolen)));
    assert.ok(answers.filter(({ status }) => status === 200).length <= 1, answers.map(({ status }) => status).join());
  });

  await t.test(
    'code injection: a code is worth nothing without its verifier, its client and its redirect URI',
    async () => {
      const { code, verifier } = await attempt();
      const { client_id: other } = await node.register({ ...APP, client_name: 'Another app' });
      const grant = { grant_type: 'authorization_code', redirect_uri: REDIRECT, code };
      const tries: readonly Record<string, string>[] = [
        { ...grant, client_id: clientId, code_verifier: newPkce().verifier },
        { ...grant, client_id: clientId },
        { ...grant, client_id: other, code_verifier: verifier },
        { ...grant, client_id: clientId, code_verifier: verifier, redirect_uri: `${REDIRECT}2` },
      ];
      for (const fields of tries) {
        const { status, json } = await tokenRequest(node, fields);
        assert.equal(status, 400);
        assert.ok(['invalid_grant', 'invalid_request'].includes(json.error ?? ''), JSON.stringify(json));
      }
    },
  );

  await t.test('PKCE downgrade: no challenge, plain, and a challenge dropped at the exchange are refused', async () => {
    const { challenge } = newPkce();
    for (const wrong of [
      { code_challenge: undefined, code_challenge_method: undefined },
      { code_challenge: challenge, code_challenge_method: 'plain' },
      { code_challenge: challenge, code_challenge_method: undefined },
      { code_challenge: 'short' },
    ]) {
      const url = authorizeUrl(node, { client_id: clientId, ...wrong } as never);
      const { at } = await new Browser(node.baseUrl).follow(url);
      assert.equal(new URL(at).searchParams.get('error'), 'invalid_request', at);
    }
  });

  await t.test(
    'redirect tricks and open redirect: only the very address that was registered is ever gone to',
    async () => {
      const { challenge } = newPkce();
      const tricks = [
        ...['https://evil.example/callback', 'https://app.example.evil.example/callback', `${REDIRECT}/../evil`],
        ...[`${REDIRECT}?x=1`, `${REDIRECT}#x`, `${REDIRECT}/`, 'https://app.example', 'https://APP.example/callback/'],
        ...['http://app.example/callback', 'https://app.example:444/callback', 'https://user@app.example/callback'],
        ...['https://app.example\\@evil.example/callback', '//evil.example/callback', 'javascript:alert(1)', ''],
      ];
      for (const redirect of tricks) {
        const url = authorizeUrl(node, { client_id: clientId, code_challenge: challenge, redirect_uri: redirect });
        const { at, answer } = await new Browser(node.baseUrl).follow(url);
        assert.equal(new URL(at).origin, node.baseUrl, redirect);
        assert.equal(answer.status, 400, redirect);
        assert.match(answer.headers.get('content-type') ?? '', /text\/html/);
      }
      for (const uri of [
        'https://*.example/callback',
        'https://app.example/#',
        'http://app.example/callback',
        'javascript:x',
      ]) {
        const refused = await node.api('POST', '/api/clients', { ...APP, redirect_uris: [uri] });
        assert.equal(refused.status, 400, uri);
      }
      const unknown = authorizeUrl(node, {
        client_id: 'nobody',
        code_challenge: challenge,
        redirect_uri: 'https://evil.example/',
      });
      assert.equal(new URL((await new Browser(node.baseUrl).follow(unknown)).at).origin, node.baseUrl);
    },
  );

  await t.test('the Host header moves no address', async () => {
    const { challenge } = newPkce();
    const url = new URL(authorizeUrl(node, { client_id: clientId, code_challenge: challenge }));
    const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' };
    const { location = '', 'set-cookie': cookies = [] } = await new Promise<IncomingHttpHeaders>((resolve, fail) => {
      get(url, { headers }, (answer) => {
        answer.resume();
        resolve(answer.headers);
      }).on('error', fail);
    });
    assert.ok(!location.includes('evil'), location);
    // The address that the browser is sent to after signing in was made from the same request.
    const browser = new Browser(node.baseUrl);
    browser.keep(cookies);
    const consent = await signIn(browser, await browser.follow(location), colleague);
    assert.equal(new URL(consent.at).origin, node.baseUrl);
    assert.match(consent.answer.text, /Allow Growth charts/);
    const discovery = await fetch(`${node.baseUrl}/auth/.well-known/openid-configuration`, {
      headers: { 'x-forwarded-host': 'evil.example' },
    });
    assert.ok(!(await discovery.text()).includes('evil'));
  });

  await t.test('mix-up: each answer names its issuer, also an error (RFC 9207)', async () => {
    const { challenge } = newPkce();
    const wrong = authorizeUrl(node, { client_id: clientId, code_challenge: challenge, response_type: 'token' });
    const { at } = await new Browser(node.baseUrl).follow(wrong);
    assert.equal(saidTo(at).get('iss'), `${node.baseUrl}/auth`, at);
    const openid = await fetch(`${node.baseUrl}/auth/.well-known/openid-configuration`);
    const metadata = (await openid.json()) as Record<string, unknown>;
    assert.equal(metadata.authorization_response_iss_parameter_supported, true);
  });

  await t.test('an audience that is another server’s gets no code', async () => {
    const { challenge } = newPkce();
    for (const aud of ['https://evil.example/fhir', undefined, `${node.fhirUrl}/Patient`]) {
      const url = authorizeUrl(node, { client_id: clientId, code_challenge: challenge, aud });
      const { at } = await new Browser(node.baseUrl).follow(url);
      assert.equal(new URL(at).searchParams.get('error'), 'invalid_request', at);
    }
  });

  await t.test('an implicit or hybrid flow, a request object, and a token in the address are not there', async () => {
    const { challenge } = newPkce();
    for (const more of [
      { response_type: 'token' },
      { response_type: 'code id_token' },
      { request: 'e30.e30.' },
      { request_uri: 'https://evil.example/r' },
    ]) {
      const url = authorizeUrl(node, { client_id: clientId, code_challenge: challenge, ...more } as never);
      const { at, answer } = await new Browser(node.baseUrl).follow(url);
      assert.ok(at.startsWith(node.baseUrl) ? answer.status === 400 : saidTo(at).has('error'), at);
    }
    const { patient, ...given } = await attempt();
    const { json } = await exchange(node, clientId, given);
    const inAddress = await fetch(`${node.fhirUrl}/Patient/${patient}?access_token=${json.access_token}`);
    assert.equal(inAddress.status, 401);
  });

  await t.test('clickjacking: no page of the way can be framed, and no form leads elsewhere', async () => {
    const browser = new Browser(node.baseUrl);
    const url = authorizeUrl(node, { client_id: clientId, code_challenge: newPkce().challenge });
    const login = await browser.follow(url);
    const consent = await signIn(browser, login, colleague);
    const error = await new Browser(node.baseUrl).follow(authorizeUrl(node, { client_id: 'x', code_challenge: 'x' }));
    for (const { answer } of [login, consent, error]) {
      const policy = answer.headers.get('content-security-policy') ?? '';
      assert.match(policy, /frame-ancestors 'none'/);
      assert.match(policy, /default-src 'none'/);
      assert.equal(answer.headers.get('x-frame-options'), 'DENY');
      assert.ok(!/unsafe-inline|script-src[^;]*\*/.test(policy), policy);
    }
    assert.match(
      consent.answer.headers.get('content-security-policy') ?? '',
      /form-action 'self' https:\/\/app\.example(;|$)/,
    );
  });

  await t.test('cross-site consent: another site’s form and another browser are refused', async () => {
    const browser = new Browser(node.baseUrl);
    const url = authorizeUrl(node, { client_id: clientId, code_challenge: newPkce().challenge });
    const consent = await signIn(browser, await browser.follow(url), colleague);
    const patient = await findPatient(browser, consent, family);
    const body = new URLSearchParams({ patient, scope: 'patient/Patient.rs' }).toString();
    const type = 'application/x-www-form-urlencoded';
    const headers = { 'content-type': type, origin: 'https://evil.example' };
    const foreign = await browser.request(`${consent.at}/consent`, { method: 'POST', headers, body });
    assert.equal(foreign.status, 400, foreign.text);
    const crossSite = await browser.request(`${consent.at}/consent`, {
      method: 'POST',
      headers: { 'content-type': type, 'sec-fetch-site': 'cross-site' },
      body,
    });
    assert.equal(crossSite.status, 400);
    const stranger = await new Browser(node.baseUrl).form(`${consent.at}/consent`, [['patient', patient]]);
    assert.equal(stranger.answer.status, 404, stranger.answer.text);
  });

  await t.test(
    'a scope that was not offered, or a patient whom one may not see, is not granted by a forged form',
    async () => {
      const browser = new Browser(node.baseUrl);
      const { verifier, challenge } = newPkce();
      const scope = 'launch/patient patient/Patient.rs patient/Observation.rs';
      const url = authorizeUrl(node, { client_id: clientId, code_challenge: challenge, scope });
      const consent = await signIn(browser, await browser.follow(url), colleague);
      const nobody = await browser.form(`${consent.at}/consent`, [['patient', 'no-such-patient']]);
      assert.match(nobody.answer.text, /Choose a patient first/);
      const patient = await findPatient(browser, consent, family);
      const landing = await browser.form(`${consent.at}/consent`, [
        ['patient', patient],
        ...['patient/Patient.rs', 'user/*.cruds', 'system/*.cruds', 'offline_access'].map(
          (one) => ['scope', one] as const,
        ),
      ]);
      const { json } = await exchange(node, clientId, { code: codeAt(landing), verifier });
      assert.deepEqual((json.scope ?? '').split(' ').sort(), ['launch/patient', 'patient/Patient.rs']);
      assert.equal(json.refresh_token, undefined);
    },
  );

  await t.test('stolen refresh token: whoever comes second ends it for both', async () => {
    const { json: tokens } = await exchange(node, clientId, await attempt());
    const turn = (token: string) =>
      tokenRequest(node, { grant_type: 'refresh_token', refresh_token: token, client_id: clientId });
    const thief = await turn(tokens.refresh_token ?? '');
    assert.equal(thief.status, 200);
    const owner = await turn(tokens.refresh_token ?? '');
    assert.equal(owner.json.error, 'invalid_grant');
    assert.equal((await turn(thief.json.refresh_token ?? '')).json.error, 'invalid_grant');
    assert.equal((await node.fhir(thief.json.access_token ?? '', 'Patient')).status, 401);
  });

  await t.test('refresh tokens: another client’s, more scope, and at once', async () => {
    const { json: tokens } = await exchange(node, clientId, await attempt());
    const refresh = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token ?? '' };
    const { client_id: other } = await node.register({ ...APP, client_name: 'Another app' });
    assert.equal((await tokenRequest(node, { ...refresh, client_id: other })).json.error, 'invalid_grant');
    const more = await tokenRequest(node, { ...refresh, client_id: clientId, scope: 'patient/Condition.rs' });
    assert.equal(more.json.error, 'invalid_scope');
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => tokenRequest(node, { ...refresh, client_id: clientId })),
    );
    assert.ok(answers.filter(({ status }) => status === 200).length <= 1);
  });

  await t.test('introspection tells a client of its own tokens only, and revocation takes its own only', async () => {
    const { json: tokens } = await exchange(node, clientId, await attempt());
    const { client_id: other } = await node.register({ ...APP, client_name: 'Another app' });
    const ask = async (path: string, client: string) => {
      const body = new URLSearchParams({ token: tokens.access_token ?? '', client_id: client });
      const response = await fetch(`${node.baseUrl}/auth/${path}`, { method: 'POST', body });
      return (await response.text()) as string;
    };
    assert.deepEqual(JSON.parse(await ask('introspect', other)), { active: false });
    await ask('revoke', other);
    const own = JSON.parse(await ask('introspect', clientId)) as Record<string, unknown>;
    assert.equal(own.active, true);
    assert.equal(typeof own.patient, 'string');
    await ask('revoke', clientId);
    assert.deepEqual(JSON.parse(await ask('introspect', clientId)), { active: false });
  });
});

test('attacks on the assertions of back-end services', async (t) => {
  const node = await startSmartNode(t);
  const key = newServiceKey('ES384');
  const { client_id: service } = await node.register(serviceOf(key));
  const refused = async (assertion: string): Promise<void> => {
    const { status, json } = await serviceToken(node, assertion);
    assert.equal(status, 401, JSON.stringify(json));
    assert.equal(json.error, 'invalid_client');
  };
  const now = () => Math.floor(Date.now() / 1000);
  const right = await serviceToken(node, await assertionOf(node, service, key));
  assert.equal(right.status, 200, JSON.stringify(right.json));

  await t.test('a replayed jti is refused, also at once', async () => {
    const assertion = await assertionOf(node, service, key);
    const answers = await Promise.all(Array.from({ length: 10 }, () => serviceToken(node, assertion)));
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    await refused(assertion);
    const jti = randomUUID();
    assert.equal((await serviceToken(node, await assertionOf(node, service, key, { claims: { jti } }))).status, 200);
    await refused(await assertionOf(node, service, key, { claims: { jti }, expiresIn: 120 }));
  });

  const wrong: Record<string, AssertionOptions> = {
    'an expired assertion': { expiresIn: -60 },
    'an assertion for longer than five minutes': { expiresIn: 3600 },
    'an assertion that is not valid yet': { claims: { nbf: now() + 600 }, expiresIn: 200 },
    'an assertion of the future': { claims: { iat: now() + 600 } },
    'an assertion without jti': { claims: { jti: undefined } },
    'an assertion for another server': { claims: { aud: 'https://evil.example/auth/token' } },
    'an assertion of another subject': { claims: { sub: 'somebody-else' } },
    'an assertion by another issuer': { claims: { iss: 'somebody-else' } },
  };
  for (const [what, options] of Object.entries(wrong)) {
    await t.test(`${what} is refused`, async () => refused(await assertionOf(node, service, key, options)));
  }

  await t.test(
    'alg confusion: none, HMAC with the public key, and another algorithm of the same key are refused',
    async () => {
      const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
      const claims = { iss: service, sub: service, aud: `${node.baseUrl}/auth/token`, exp: now() + 60 };
      for (const alg of ['none', 'None', 'NONE', '']) {
        await refused(`${part({ alg, typ: 'JWT' })}.${part({ ...claims, jti: randomUUID() })}.`);
      }
      for (const alg of ['HS256', 'HS384', 'HS512']) {
        const input = `${part({ alg, kid: key.jwk.kid })}.${part({ ...claims, jti: randomUUID() })}`;
        for (const secret of [JSON.stringify(key.jwk), key.jwk.x as string, '']) {
          const hash = `sha${alg.slice(2)}`;
          await refused(`${input}.${createHmac(hash, secret).update(input).digest('base64url')}`);
        }
      }
      const es256 = `${part({ alg: 'ES256', kid: key.jwk.kid })}.${part({ ...claims, jti: randomUUID() })}.${'A'.repeat(86)}`;
      await refused(es256);
      await refused(
        `${part({ alg: 'ES384', kid: key.jwk.kid })}.${part({ ...claims, jti: randomUUID() })}.${'A'.repeat(128)}`,
      );
    },
  );

  await t.test(
    'key-set swap: a key in the assertion, at an address it names, or of another client is not looked at',
    async () => {
      const stranger = newServiceKey('ES384');
      await refused(await assertionOf(node, service, stranger));
      await refused(await assertionOf(node, service, { ...stranger, jwk: { ...stranger.jwk, kid: key.jwk.kid } }));
      await refused(await assertionOf(node, service, stranger, { header: { jwk: stranger.jwk } }));
      let asked = 0;
      const server = createServer((_request, response) => {
        asked++;
        response.end(JSON.stringify({ keys: [stranger.jwk] }));
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
      await refused(await assertionOf(node, service, stranger, { header: { jku: url, x5u: url } }));
      const { client_id: second } = await node.register(serviceOf(stranger));
      await refused(await assertionOf(node, service, stranger));
      await refused(await assertionOf(node, service, stranger, { claims: { sub: second } }));
      server.close();
      assert.equal(asked, 0);
    },
  );

  await t.test('a key set by address is asked for only where the organisation allows it', async () => {
    const server = createServer((_request, response) => response.end(JSON.stringify({ keys: [key.jwk] })));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => server.close());
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const registration = { ...serviceOf(key), jwks: undefined, jwks_uri: `${origin}/keys` };
    const before = await node.api('POST', '/api/clients', registration);
    assert.ok(before.status >= 400 && before.status < 500, before.text);
    const { json: rules } = await node.api('GET', '/api/outgoing');
    const put = await node.api('PUT', '/api/outgoing', {
      revision: rules.revision,
      rules: [{ origin, addresses: ['127.0.0.1/32'] }],
    });
    assert.equal(put.status, 200, put.text);
    const { client_id: remote } = await node.register(registration);
    const answer = await serviceToken(node, await assertionOf(node, remote, key));
    assert.equal(answer.status, 200, JSON.stringify(answer.json));
  });

  await t.test('a service acts for nobody, and an app is no service', async () => {
    const { client_id: app } = await node.register(APP);
    const asService = await tokenRequest(node, {
      grant_type: 'client_credentials',
      client_id: app,
      scope: 'system/*.rs',
    });
    assert.equal(asService.status, 400);
    const url = authorizeUrl(node, { client_id: service, code_challenge: newPkce().challenge });
    assert.equal(new URL((await new Browser(node.baseUrl).follow(url)).at).origin, node.baseUrl);
    for (const more of [
      { token_endpoint_auth_method: 'client_secret_basic', jwks: undefined },
      { redirect_uris: [REDIRECT] },
      { actor: undefined },
      { jwks: { keys: [{ ...key.jwk, d: 'AAAA' }] } },
      { jwks: { keys: [{ ...newServiceKey('RS384').jwk, e: 'AQ' }] } },
      { jwks: { keys: [{ kty: 'RSA', n: 'sXch', e: 'AQAB', alg: 'RS384', kid: 'short' }] } },
    ]) {
      const answer = await node.api('POST', '/api/clients', { ...serviceOf(key), ...more });
      assert.equal(answer.status, 400, JSON.stringify(more));
    }
    // Registered by mistake: a user's token never has a scope of the organisation's.
    const mixed = { ...APP, scope: `${APP.scope} system/*.rs` };
    const { client_id: confused } = await node.register(mixed);
    const colleague = await node.hire('Dr. Ada');
    const browser = new Browser(node.baseUrl);
    const ask = { client_id: confused, code_challenge: newPkce().challenge, scope: 'user/Patient.rs system/*.rs' };
    const offered = await signIn(browser, await browser.follow(authorizeUrl(node, ask)), colleague);
    assert.deepEqual(scopesOn(offered.answer.text), ['user/Patient.rs']);
    const escalated = await serviceToken(
      node,
      await assertionOf(node, service, key),
      'system/*.cruds user/*.rs patient/*.rs',
    );
    assert.equal(escalated.json.scope ?? '', '');
  });
});

test('an app registers itself with a token of an administrator, once, and for no more than reading', async (t) => {
  const node = await startSmartNode(t);
  const register = async (token: string, body: object) => {
    const headers = {
      'content-type': 'application/json',
      ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
    };
    const response = await fetch(`${node.baseUrl}/auth/register`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    });
    return { status: response.status, json: (await response.json()) as Record<string, unknown> };
  };
  const token = async () => (await node.api('POST', '/api/clients/registration-tokens')).json.token as string;
  const reading = { ...APP, scope: 'launch/patient patient/*.rs' };
  assert.equal((await register('', reading)).status, 403);
  assert.equal((await register('A'.repeat(43), reading)).status, 403);
  const once = await token();
  const made = await register(once, { ...reading, software_id: 'ignored' });
  assert.equal(made.status, 201, JSON.stringify(made.json));
  assert.equal((await register(once, reading)).status, 403);
  assert.equal((await register(await token(), APP)).json.error, 'invalid_client_metadata');
  assert.equal(
    (await register(await token(), serviceOf(newServiceKey('ES384')))).json.error,
    'invalid_client_metadata',
  );
  const colleague = await node.hire('Dr. Ada');
  const clientId = made.json.client_id as string;
  const consent = { clientId, colleague, family: await familyAt(node), scope: 'launch/patient patient/*.rs' };
  assert.equal((await exchange(node, clientId, await authorized(node, consent))).status, 200);
});
