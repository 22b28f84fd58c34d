import assert from 'node:assert/strict';
import { test } from 'node:test';
import { APP, authorizeUrl } from '../support/smart-app.ts';
import { Browser, newPkce, type SmartNode, startSmartNode } from '../support/smart-node.ts';

/** What the node counted of refusals so far, by code. */
async function refusalsOf(node: SmartNode): Promise<ReadonlyMap<string, number>> {
  const { text } = await node.api('GET', '/metrics');
  const lines = text.matchAll(/^aceso_refusals_total\{code="([^"]*)"\} (\d+)$/gm);
  return new Map([...lines].map(([, code = '', count]) => [code, Number(count)]));
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const MARK = 'zz-mark-of-a-stranger';

test('what the authorization server and the sign-in refuse is counted by its registered or catalogued code', async (t) => {
  const node = await startSmartNode(t);
  const { client_id } = await node.register(APP);
  const { challenge: code_challenge } = newPkce();
  const to = async (path: string, body: string, headers: Record<string, string> = FORM): Promise<number> =>
    (await fetch(`${node.baseUrl}${path}`, { method: 'POST', body, headers, redirect: 'manual' })).status;
  const shown = async (parameters: Record<string, string | undefined>): Promise<number> => {
    const url = authorizeUrl(node, { client_id, code_challenge, ...parameters });
    return (await fetch(url, { redirect: 'manual' })).status;
  };

  /** Does something, and says what was counted by it. */
  async function counted(work: () => Promise<unknown>): Promise<Record<string, number>> {
    const before = await refusalsOf(node);
    await work();
    const after = [...(await refusalsOf(node))].map(
      ([code, count]) => [code, count - (before.get(code) ?? 0)] as const,
    );
    return Object.fromEntries(after.filter(([, more]) => more > 0));
  }

  // The provider's own, whatever form the answer has: a page, a redirect to the app, JSON.
  const app = { client_id: MARK };
  assert.deepEqual(await counted(() => shown(app)), { invalid_client: 1 });
  assert.deepEqual(await counted(() => shown({ redirect_uri: `https://${MARK}.example/` })), {
    invalid_redirect_uri: 1,
  });
  assert.deepEqual(await counted(async () => assert.equal(await shown({ aud: `https://${MARK}.example` }), 303)), {
    invalid_request: 1,
  });
  assert.deepEqual(await counted(() => shown({ response_type: MARK })), { unsupported_response_type: 1 });
  const grant = `client_id=${client_id}&grant_type=authorization_code&code=${MARK}&code_verifier=${'v'.repeat(43)}`;
  assert.deepEqual(await counted(() => to('/auth/token', `${grant}&redirect_uri=${APP.redirect_uris[0]}`)), {
    invalid_grant: 1,
  });
  assert.deepEqual(await counted(() => to('/auth/token', `client_id=${client_id}&grant_type=${MARK}`)), {
    unsupported_grant_type: 1,
  });
  for (const path of ['/auth/token', '/auth/introspect', '/auth/revoke'])
    assert.deepEqual(await counted(() => to(path, `client_id=${MARK}&token=x`)), { invalid_client: 1 }, path);
  // One that is not listened for has its status alone; no such address is the node's own refusal.
  assert.deepEqual(await counted(() => to('/auth/session/end/confirm', `xsrf=${MARK}`)), { invalid_request: 1 });
  assert.deepEqual(await counted(() => to(`/auth/${MARK}`, '')), { ROUTE_UNKNOWN: 1 });

  // Those of our own routes: JSON, a page, RFC 7591's form.
  const browser = new Browser(node.baseUrl);
  const { at } = await browser.follow(authorizeUrl(node, { client_id, code_challenge }));
  assert.deepEqual(await counted(() => browser.json(`${at}/passkey`, { id: MARK })), { PASSKEY_REFUSED: 1 });
  assert.deepEqual(await counted(() => browser.form(`${at}/wallet`, [['signed', MARK]])), {
    WALLET_SIGN_IN_REFUSED: 1,
  });
  assert.deepEqual(await counted(() => browser.request(`${at}/external/${MARK}`)), { EXTERNAL_PROVIDER_UNKNOWN: 1 });
  assert.deepEqual(await counted(() => to('/auth/register', '{}', { 'content-type': 'application/json' })), {
    REGISTRATION_CLOSED: 1,
  });
  const { json } = await node.api('POST', '/api/clients/registration-tokens', {});
  const bearer = { authorization: `Bearer ${json.token}`, 'content-type': 'application/json' };
  assert.deepEqual(await counted(() => to('/auth/register', `{"client_name":"${MARK}"}`, bearer)), {
    CLIENT_INVALID: 1,
  });
  // Somebody who says no: the app is told by a redirect.
  assert.deepEqual(await counted(() => browser.form(`${at}/abort`, [])), { access_denied: 1 });

  // Nothing that was let in is counted, and no label is made of what a stranger sent.
  assert.deepEqual(await counted(() => shown({})), {});
  const { text } = await node.api('GET', '/metrics');
  assert(!text.includes(MARK));
});
