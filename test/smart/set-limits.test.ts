import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readConfiguration } from '../../src/app/configuration/read-configuration.ts';
import type { StartSettings } from '../../src/cli/node-starter.ts';
import { APP, authorizeUrl } from '../support/smart-app.ts';
import { Browser, newPkce, startSmartNode } from '../support/smart-node.ts';

/** The limits that a node is started with, from a configuration file that says so. */
async function limitsOf(
  t: TestContext,
  file: Readonly<Record<string, number>>,
): Promise<Pick<StartSettings, 'rateLimits' | 'signInLimits'>> {
  const folder = mkdtempSync(join(tmpdir(), 'aceso-limits-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'aceso.json'), JSON.stringify(file));
  const sources = { options: { config: 'aceso.json' }, variables: {}, cwd: folder };
  const { faults, settings } = await readConfiguration(sources);
  assert.deepEqual(faults, []);
  const { rateLimits, signInLimits } = settings ?? {};
  assert(rateLimits && signInLimits);
  return { rateLimits, signInLimits };
}

test('limits that the operator set are in force: of a network, of a sign-in, of a token, and of a person', async (t) => {
  const BURST = 25;
  const limits = await limitsOf(t, {
    // One a second: what flows in while the test runs is less than what it asks for.
    ...{ requestsPerToken: 1, burstPerToken: 200, requestsPerUser: 1, burstPerUser: BURST },
    ...{ requestsPerSource: 1, burstPerSource: 200, signInTries: 3, signInWait: 3600 },
  });
  const node = await startSmartNode(t, limits);

  await t.test('a sign-in has as many tries as it says, and waits for as long', async () => {
    const { client_id } = await node.register(APP);
    const browser = new Browser(node.baseUrl);
    const { at } = await browser.follow(authorizeUrl(node, { client_id, code_challenge: newPkce().challenge }));
    const codes: string[] = [];
    let wait = 0;
    for (let attempt = 0; attempt < 4; attempt++) {
      const { json } = await browser.json(`${at}/passkey`, {});
      codes.push(json.code);
      wait = json.data.retryAfterSeconds ?? 0;
    }
    assert.deepEqual(codes, ['PASSKEY_REFUSED', 'PASSKEY_REFUSED', 'PASSKEY_REFUSED', 'SIGN_IN_TOO_OFTEN']);
    assert(wait > 3000 && wait <= 3600, String(wait));
  });

  /** How often it is answered before it is refused, and what is said then. */
  async function exhaust(ask: () => Promise<Response>, most: number): Promise<readonly [number, string]> {
    for (let count = 0; count < most; count++) {
      const answer = await ask();
      const policy = answer.headers.get('ratelimit-policy') ?? '';
      await answer.arrayBuffer();
      if (answer.status === 429) return [count, policy];
    }
    return [most, ''];
  }
  const get = (path: string, token?: string) =>
    fetch(`${node.baseUrl}${path}`, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });

  await t.test('a person, whatever their tokens', async () => {
    const token = node.running.seeded?.accounts[0]?.token ?? '';
    const [asked, policy] = await exhaust(() => get('/fhir/Patient/none', token), 150);
    assert(asked >= BURST && asked < 150, String(asked));
    assert.equal(policy, `"user";q=${BURST};w=${BURST}`);
  });
  await t.test('a token of a system', async () => {
    const [asked, policy] = await exhaust(() => get('/fhir/Patient/none', node.admin), 2000);
    assert(asked < 2000, String(asked));
    assert.equal(policy, '"token";q=200;w=200');
  });
  await t.test('a network', async () => {
    const [asked, policy] = await exhaust(() => get('/fhir/Patient/none'), 2000);
    assert(asked < 2000, String(asked));
    assert.equal(policy, '"source";q=200;w=200');
  });
});
