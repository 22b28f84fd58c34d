import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { loadDefinitions } from '../../src/fhir/definitions/load-definitions.ts';
import { launchChromium, withoutChromium } from '../support/chromium.ts';
import { type SmartNode, startSmartNode } from '../support/smart-node.ts';

/*
 * `fhirclient` (the client of SMART's own makers) in a page of another origin, in Chromium, with a passkey of the
 * browser's: both launches of SMART App Launch 2.2 from their beginning to a revoked token.
 */

before(() => loadDefinitions());

const CLIENT = new URL('../../node_modules/fhirclient/build/fhir-client.min.js', import.meta.url);

/** The app: a page that launches, and one that it comes back to, which shows what it got. */
async function startApp(scope: string, clientId: () => string): Promise<{ server: Server; origin: string }> {
  const client = await readFile(CLIENT);
  const page = (script: string) =>
    `<!doctype html><meta charset="utf-8"><title>App</title><p id="said">…</p><script src="/client.js"></script><script>
const say = (value) => { document.getElementById('said').textContent = JSON.stringify(value); };
// RFC 6749 §3.2.1: an app without a secret says who it is. The client does so at a refresh only when it is told to.
FHIR.oauth2.settings.refreshTokenWithClientId = true;
const guarded = (work) => work().catch((error) => say({ error: String(error && error.message || error), status: error && error.status }));
${script}</script>`;
  const server = createServer((request, response) => {
    const path = (request.url ?? '').split('?')[0];
    if (path === '/client.js') {
      response.setHeader('content-type', 'text/javascript');
      response.end(client);
      return;
    }
    response.setHeader('content-type', 'text/html; charset=utf-8');
    if (path === '/launch') {
      const options = JSON.stringify({ clientId: clientId(), scope, redirectUri: '/app', pkceMode: 'required' });
      response.end(
        page(
          `guarded(() => FHIR.oauth2.authorize({ ...${options}, ...Object.fromEntries(new URLSearchParams(location.search)) }));`,
        ),
      );
      return;
    }
    response.end(
      page(`guarded(async () => {
  window.client = await FHIR.oauth2.ready();
  const patient = await client.patient.read();
  const observations = await client.request('Observation?_count=100', { flat: true, pageLimit: 0 });
  say({ patient: patient.id, context: client.patient.id, observations: observations.length,
        about: [...new Set(observations.map((one) => one.subject.reference))],
        scope: client.state.tokenResponse.scope, refresh: client.state.tokenResponse.refresh_token !== undefined });
});
window.ask = (path) => client.request(path).then((found) => ({ type: found.resourceType, id: found.id, total: found.total }), (error) => ({ status: error.status }));
window.refresh = () => client.refresh().then((state) => ({ token: state.tokenResponse.access_token }));`),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, origin: `http://localhost:${(server.address() as AddressInfo).port}` };
}

async function enrolWithBrowser(page: Page, node: SmartNode): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send('WebAuthn.enable');
  await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      ...{ protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true },
      ...{ isUserVerified: true, automaticPresenceSimulation: true },
    },
  });
  const hired = await node.api('POST', '/api/people', {
    ...{ label: 'Dr. Ada', roleCodes: ['http://snomed.info/sct|309343006'], purposes: ['TREAT'] },
  });
  await page.goto(hired.json.link);
  await page.click('#enrol');
  await page.waitForSelector('#done:not([hidden])');
}

// biome-ignore lint/suspicious/noExplicitAny: what the app's page says, looked into by the test
async function saidBy(page: Page): Promise<any> {
  await page.waitForFunction(() => document.getElementById('said')?.textContent !== '…');
  return JSON.parse((await page.textContent('#said')) ?? 'null');
}

test('fhirclient: standalone and EHR launch in Chromium, a chart, its limits, refresh, revocation', {
  skip: withoutChromium,
}, async (t) => {
  const node = await startSmartNode(t);
  let clientId = '';
  const scope = 'openid fhirUser launch launch/patient offline_access patient/Patient.rs patient/Observation.rs';
  const { server, origin } = await startApp(scope, () => clientId);
  t.after(() => server.close());
  ({ client_id: clientId } = await node.register({
    client_name: 'Growth charts',
    redirect_uris: [`${origin}/app`],
    launch_uri: `${origin}/launch`,
    token_endpoint_auth_method: 'none',
    scope,
  }));
  const browser = await launchChromium();
  t.after(() => browser.close());
  const page = await browser.newPage();

  await enrolWithBrowser(page, node);
  const { json } = await node.fhir(node.admin, 'Patient?_count=2');
  const [first, second] = json.entry.map(
    ({ resource }: { resource: { id: string; name: { family: string }[] } }) => resource,
  );

  await t.test('standalone', async () => {
    await page.goto(`${origin}/launch?iss=${encodeURIComponent(node.fhirUrl)}`);
    await page.waitForSelector('#passkey');
    if (process.env.ACESO_PICTURES !== undefined) await pictures(page, process.env.ACESO_PICTURES, 'sign-in');
    await page.click('#passkey');
    await page.waitForSelector('input[type=search]');
    await page.fill('input[type=search]', first.name[0].family);
    await page.click('text=Search');
    await page.check(`input[value="${first.id}"]`);
    if (process.env.ACESO_PICTURES !== undefined) await pictures(page, process.env.ACESO_PICTURES, 'consent');
    await page.click('button[value=allow]');
    await page.waitForURL(`${origin}/app**`);
    const said = await saidBy(page);
    assert.equal(said.patient, first.id, JSON.stringify(said));
    assert.equal(said.context, first.id);
    assert.ok(said.observations > 0);
    assert.deepEqual(said.about, [`Patient/${first.id}`]);
    const ask = (path: string) =>
      page.evaluate((at) => (window as never as { ask(path: string): unknown }).ask(at), path);
    assert.deepEqual(await ask('Condition?_count=1'), { status: 403 });
    assert.deepEqual(await ask(`Patient/${second.id}`), { status: 404 });
    const refreshed = (await page.evaluate(() => (window as never as { refresh(): unknown }).refresh())) as {
      token: string;
    };
    assert.equal(typeof refreshed.token, 'string');
    assert.equal(((await ask(`Patient/${first.id}`)) as { id: string }).id, first.id);
    const body = new URLSearchParams({ token: refreshed.token, client_id: clientId });
    assert.equal((await fetch(`${node.baseUrl}/auth/revoke`, { method: 'POST', body })).status, 200);
    assert.equal((await node.fhir(refreshed.token, `Patient/${first.id}`)).status, 401);
  });

  await t.test('EHR launch', async () => {
    const { json: launch } = await node.api('POST', '/api/launches', { client_id: clientId, patient: second.id });
    await page.goto(launch.url);
    // The browser is signed in already, so consent is the first page.
    await page.waitForSelector('button[value=allow]');
    assert.equal(await page.locator('input[type=search]').count(), 0);
    await page.click('button[value=allow]');
    await page.waitForURL(`${origin}/app**`);
    const said = await saidBy(page);
    assert.equal(said.patient, second.id, JSON.stringify(said));
    assert.deepEqual(said.about, [`Patient/${second.id}`]);
  });

  await t.test('a page of an origin that nobody registered reads nothing', async () => {
    const stranger = await startApp(scope, () => clientId);
    t.after(() => stranger.server.close());
    await page.goto(`${stranger.origin}/client.js`);
    const outcome = await page.evaluate(
      (url) =>
        fetch(url, { headers: { authorization: 'Bearer x' } }).then(
          ({ status }) => String(status),
          (error) => String(error),
        ),
      `${node.fhirUrl}/Patient`,
    );
    assert.match(outcome, /Failed to fetch/);
  });
});

/** For looking at by people: the page at desktop and at phone width. */
async function pictures(page: Page, folder: string, name: string): Promise<void> {
  for (const [size, width] of [
    ['desktop', 1280],
    ['phone', 390],
  ] as const) {
    await page.setViewportSize({ width, height: 844 });
    await page.screenshot({ path: `${folder}/${name}-${size}.png`, fullPage: true });
  }
}
