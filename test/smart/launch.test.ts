import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { loadDefinitions } from '../../src/fhir/definitions/load-definitions.ts';
import {
  APP,
  allow,
  assertionOf,
  authorized,
  authorizeUrl,
  codeAt,
  exchange,
  findPatient,
  newServiceKey,
  REDIRECT,
  scopesOn,
  serviceOf,
  serviceToken,
  tokenRequest,
} from '../support/smart-app.ts';
import { Browser, newPkce, type SmartNode, signIn, startSmartNode } from '../support/smart-node.ts';

/* SMART App Launch 2.2 against a whole node, over HTTP: what apps and services get, and what they do not. */

before(() => loadDefinitions());

interface Named {
  readonly id: string;
  readonly family: string;
}

async function patientsOf(node: SmartNode): Promise<readonly Named[]> {
  const { json } = await node.fhir(node.admin, 'Patient?_count=50');
  return json.entry.map(({ resource: { id, name } }: { resource: { id: string; name: { family: string }[] } }) => ({
    id,
    family: name[0]?.family ?? '',
  }));
}

/** SMART App Launch 2.2, "Scopes for requesting identity data": who the user is, as a resource of this server. */
async function checkIdToken(node: SmartNode, audience: string, token: string, user: string): Promise<void> {
  const issuer = `${node.baseUrl}/auth`;
  const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`));
  const { payload, protectedHeader } = await jwtVerify(token, keys, { issuer, audience, algorithms: ['RS256'] });
  assert.equal(protectedHeader.alg, 'RS256');
  assert.equal(payload.fhirUser, `${node.fhirUrl}/${user}`);
}

test('SMART App Launch', async (t) => {
  const node = await startSmartNode(t);
  const physician = await node.hire('Dr. Ada');
  const identifier = [{ system: 'urn:aceso:account', value: physician.account }];
  const body = JSON.stringify({ resourceType: 'Practitioner', identifier, name: [{ family: 'Ada' }] });
  const headers = { 'content-type': 'application/fhir+json' };
  const created = await node.fhir(node.admin, 'Practitioner', { method: 'POST', body, headers });
  const ada = `Practitioner/${created.json.id}`;
  const patients = await patientsOf(node);
  const family = patients[0]?.family ?? '';
  const { client_id } = await node.register(APP);

  await t.test('the configuration tells where everything is, and to anybody', async () => {
    const answer = await fetch(`${node.fhirUrl}/.well-known/smart-configuration`, {
      headers: { origin: 'https://x.example' },
    });
    const configuration = (await answer.json()) as Record<string, unknown>;
    assert.equal(answer.headers.get('access-control-allow-origin'), '*');
    assert.equal(configuration.token_endpoint, `${node.baseUrl}/auth/token`);
    assert.deepEqual(configuration.code_challenge_methods_supported, ['S256']);
    const openid = await fetch(`${node.baseUrl}/auth/.well-known/openid-configuration`);
    const { issuer, jwks_uri: keys } = (await openid.json()) as { issuer: string; jwks_uri: string };
    assert.equal(issuer, configuration.issuer);
    const published = (await (await fetch(keys)).json()) as { keys: Record<string, unknown>[] };
    assert.equal(published.keys.length, 1);
    assert.ok(!('d' in (published.keys[0] ?? {})));
  });

  await t.test(
    'standalone: sign-in, choice of a patient, consent, a chart, its limits, refresh and revocation',
    async () => {
      const browser = new Browser(node.baseUrl);
      const { verifier, challenge } = newPkce();
      const login = await browser.follow(authorizeUrl(node, { client_id, code_challenge: challenge }));
      assert.match(login.answer.text, /Growth charts/);
      const consent = await signIn(browser, login, physician);
      assert.match(consent.answer.text, /Allow Growth charts/);
      const patient = await findPatient(browser, consent, family);
      assert.deepEqual(scopesOn(consent.answer.text), [
        ...['openid', 'fhirUser', 'launch/patient', 'offline_access', 'patient/Patient.rs', 'patient/Observation.rs'],
      ]);
      const back = new URL((await allow(browser, consent, patient)).at);
      assert.equal(`${back.origin}${back.pathname}`, REDIRECT);
      assert.equal(back.searchParams.get('state'), 'state-of-the-app');
      assert.equal(back.searchParams.get('iss'), `${node.baseUrl}/auth`);
      const code = back.searchParams.get('code') ?? '';
      const { status, json: tokens } = await exchange(node, client_id, { code, verifier });
      assert.equal(status, 200, JSON.stringify(tokens));
      await checkIdToken(node, client_id, tokens.id_token ?? '', ada);
      assert.equal(tokens.patient, patient);

      const { access_token: token = '', refresh_token: refresh = '' } = tokens;
      assert.equal((await node.fhir(token, `Patient/${patient}`)).status, 200);
      const everybody = await node.fhir(token, 'Patient?_count=50&_total=accurate');
      assert.equal(everybody.json.total, 1);
      assert.deepEqual(
        everybody.json.entry.map(({ resource }: { resource: Named }) => resource.id),
        [patient],
      );
      const other = patients.find(({ id }) => id !== patient)?.id ?? '';
      assert.equal((await node.fhir(token, `Patient/${other}`)).status, 404);
      const refused = await node.fhir(token, 'Condition');
      assert.equal(refused.status, 403);
      assert.equal(refused.headers.get('www-authenticate'), 'Bearer error="insufficient_scope"');
      const observations = await node.fhir(token, 'Observation?_count=5');
      assert.ok(observations.json.entry.length > 0, observations.text);
      // Included resources are of a type that no scope is about.
      const encounters = await node.fhir(token, 'Observation?_count=5&_include=Observation:encounter');
      assert.ok(
        encounters.json.entry.every(
          ({ resource }: { resource: { resourceType: string } }) => resource.resourceType === 'Observation',
        ),
      );
      const body = JSON.stringify({ ...observations.json.entry[0].resource, id: undefined });
      const written = await node.fhir(token, 'Observation', {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/fhir+json' },
      });
      assert.equal(written.status, 403, written.text);
      // The token of an app is none of the node's own.
      for (const path of [`/api/patients/${patient}/accounting`, '/api/clients', '/api/people'])
        assert.equal((await node.api('GET', path, undefined, token)).status, 401, path);

      const refreshed = await tokenRequest(node, { grant_type: 'refresh_token', refresh_token: refresh, client_id });
      assert.equal(refreshed.json.patient, patient);
      assert.notEqual(refreshed.json.refresh_token, refresh);
      const next = refreshed.json.access_token ?? '';
      assert.equal((await node.fhir(next, `Patient/${patient}`)).status, 200);
      const revoked = await fetch(`${node.baseUrl}/auth/revoke`, {
        method: 'POST',
        body: new URLSearchParams({ token: refreshed.json.refresh_token ?? '', client_id }),
      });
      assert.equal(revoked.status, 200);
      assert.equal((await node.fhir(next, `Patient/${patient}`)).status, 401);
      assert.equal((await node.fhir(token, `Patient/${patient}`)).status, 401);
    },
  );

  await t.test('an EHR launch: the context is the EHR’s, for its user, once', async () => {
    const { json: encounters } = await node.fhir(node.admin, `Encounter?patient=${patients[1]?.id}&_count=1`);
    const encounter = encounters.entry[0].resource.id as string;
    const fhirContext = [{ reference: 'Observation/on-screen' }];
    const prepared = await node.api('POST', '/api/launches', {
      ...{ encounter, fhirContext, needPatientBanner: false },
      client_id,
      patient: patients[1]?.id,
      intent: 'reconcile',
    });
    assert.equal(prepared.status, 201, prepared.text);
    const run = async () => {
      const browser = new Browser(node.baseUrl);
      const { verifier, challenge } = newPkce();
      const scope = 'openid launch patient/*.rs';
      const launch = { client_id, code_challenge: challenge, scope, launch: prepared.json.launch as string };
      const consent = await signIn(browser, await browser.follow(authorizeUrl(node, launch)), physician);
      assert.ok(!consent.answer.text.includes('type="radio"'));
      return { verifier, landing: await allow(browser, consent) };
    };
    const { verifier, landing } = await run();
    const { json } = await exchange(node, client_id, { code: codeAt(landing), verifier });
    assert.equal(json.patient, patients[1]?.id, JSON.stringify(json));
    assert.equal(json.intent, 'reconcile');
    assert.equal(json.encounter, encounter);
    assert.deepEqual(json.fhirContext, fhirContext);
    assert.equal(json.need_patient_banner, false);
    assert.equal(json.refresh_token, undefined);
    const again = await run();
    assert.equal(new URL(again.landing.at).origin, node.baseUrl, again.landing.at);
  });

  await t.test('a scope with a search behind it shows what meets the search, and nothing else', async () => {
    const search = 'code=http://loinc.org|8867-4&category=vital-signs';
    const scope = `launch/patient patient/Observation.rs?${search}`;
    const { patient, ...given } = await authorized(node, { clientId: client_id, colleague: physician, family, scope });
    const token = (await exchange(node, client_id, given)).json.access_token ?? '';
    const seen = await node.fhir(token, 'Observation?_count=1000&_total=accurate');
    const all = await node.fhir(node.admin, `Observation?patient=${patient}&_count=1000&_total=accurate`);
    const expected = await node.fhir(
      node.admin,
      `Observation?patient=${patient}&${search}&_count=1000&_total=accurate`,
    );
    assert.ok(expected.json.total > 0 && expected.json.total < all.json.total);
    assert.equal(seen.json.total, expected.json.total);
    const idsOf = (json: { entry: { resource: { id: string } }[] }) =>
      json.entry.map(({ resource }) => resource.id).sort();
    assert.deepEqual(idsOf(seen.json), idsOf(expected.json));
    const hidden = idsOf(all.json).find((id) => !idsOf(expected.json).includes(id));
    assert.equal((await node.fhir(token, `Observation/${hidden}`)).status, 404);
    assert.equal((await node.fhir(token, `Observation/${hidden}/_history`)).status, 404);
  });

  for (const alg of ['RS384', 'ES384'] as const) {
    await t.test(`a back-end service proves itself by ${alg}, and reads what its scopes say`, async () => {
      const key = newServiceKey(alg);
      const { client_id: service } = await node.register(serviceOf(key, { scope: 'system/Patient.rs' }));
      const { status, json } = await serviceToken(node, await assertionOf(node, service, key));
      assert.equal(status, 200, JSON.stringify(json));
      // Less than it asked for: what it was registered for covers it not at all, so nothing is granted.
      assert.equal(json.scope ?? '', '');
      const granted = await serviceToken(
        node,
        await assertionOf(node, service, key),
        'system/Patient.rs system/Observation.rs',
      );
      assert.equal(granted.json.scope, 'system/Patient.rs');
      const token = granted.json.access_token ?? '';
      assert.equal((await node.fhir(token, 'Patient?_count=50&_total=accurate')).json.total, patients.length);
      assert.equal((await node.fhir(token, 'Observation')).status, 403);
      assert.equal((await node.api('GET', '/api/clients', undefined, token)).status, 401);
      await node.api('DELETE', `/api/clients/${service}`);
      assert.equal((await node.fhir(token, 'Patient')).status, 401);
    });
  }

  await t.test(
    'signing keys rotate: the one before stays published, and new ID tokens are signed with the new one',
    async () => {
      const keysNow = async () =>
        (await (await fetch(`${node.baseUrl}/auth/jwks`)).json()) as { keys: { kid: string }[] };
      const before = await keysNow();
      assert.equal((await node.api('POST', '/api/clients/keys/rotate', {})).status, 204);
      const { keys } = await keysNow();
      assert.deepEqual([keys.length, keys[1]?.kid], [2, before.keys[0]?.kid]);
      const asked = { clientId: client_id, colleague: physician, scope: 'openid fhirUser user/Patient.rs' };
      const { json } = await exchange(node, client_id, await authorized(node, asked));
      assert.equal(decodeProtectedHeader(json.id_token ?? '').kid, keys[0]?.kid);
      await checkIdToken(node, client_id, json.id_token ?? '', ada);
    },
  );

  await t.test('whoever is dismissed has no token any more', async () => {
    const leaver = await node.hire('Dr. Leaver');
    const asked = { clientId: client_id, colleague: leaver, scope: 'user/Patient.rs' };
    const { json } = await exchange(node, client_id, await authorized(node, asked));
    const token = json.access_token ?? '';
    assert.equal((await node.fhir(token, 'Patient')).status, 200);
    await node.api('POST', `/api/people/${leaver.account}/dismiss`);
    assert.equal((await node.fhir(token, 'Patient')).status, 401);
  });
});
