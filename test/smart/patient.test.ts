import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { ClaimSlip } from '../../src/capabilities/membership/api.ts';
import { loadDefinitions } from '../../src/fhir/definitions/load-definitions.ts';
import { claimAccount } from '../../src/wallet/claim.ts';
import { nodeKeys } from '../../src/wallet/node/node-keys.ts';
import { signSignIn } from '../../src/wallet/sign-in.ts';
import { newWalletAccount } from '../../src/wallet/wallet.ts';
import { APP, allow, authorizeUrl, codeAt, exchange } from '../support/smart-app.ts';
import { Browser, type Landing, newPkce, type SmartNode, signIn, startSmartNode } from '../support/smart-node.ts';
import { createSoftPasskey } from '../support/soft-passkey.ts';

/* A patient at the authorization server: by the wallet first, then by a passkey that was made beside it. */

before(() => loadDefinitions());

async function tokensAt(node: SmartNode, clientId: string, verifier: string, landing: Landing) {
  return (await exchange(node, clientId, { code: codeAt(landing), verifier })).json;
}

function statementOn(text: string): string {
  const found = /<pre id="statement">([^<]+)<\/pre>/.exec(text)?.[1];
  assert.ok(found !== undefined, text);
  return found.replaceAll('&quot;', '"').replaceAll('&amp;', '&');
}

test('a patient signs in with the wallet, sees her own chart and nobody else’s, and makes a passkey for the next time', async (t) => {
  const node = await startSmartNode(t);
  const { client_id: clientId } = await node.register(APP);
  const { json: found } = await node.fhir(node.admin, 'Patient?_count=2');
  const [own, other] = found.entry.map(({ resource }: { resource: { id: string } }) => resource.id);
  const slip = (await node.api('POST', `/api/accounts/${own}/claim-code`, {})).json as ClaimSlip;
  const post = async (path: string, body: unknown) => (await node.api('POST', path, body)).json;
  const account = await claimAccount({ post, keys: nodeKeys, nowMs: Date.now() }, slip, newWalletAccount(slip));

  const browser = new Browser(node.baseUrl);
  const { verifier, challenge } = newPkce();
  const ask = { client_id: clientId, code_challenge: challenge, scope: 'launch/patient patient/*.rs' };
  const login = await browser.follow(authorizeUrl(node, ask));
  const statement = statementOn(login.answer.text);
  const signed = await signSignIn({ keys: nodeKeys, nowMs: Date.now(), origin: node.baseUrl }, account, statement);
  const wrong = await browser.form(`${login.at}/wallet`, [['signed', `${signed}x`]]);
  assert.equal(wrong.answer.status, 400);
  const consent = await browser.form(`${login.at}/wallet`, [['signed', signed]]);
  assert.match(consent.answer.text, /Allow Growth charts/);
  // She is her own patient: there is nobody to choose.
  assert.ok(!consent.answer.text.includes('type="radio"') && !consent.answer.text.includes('type="search"'));

  const passkey = createSoftPasskey(node.baseUrl);
  const { json: offered } = await browser.json(`${consent.at}/passkey/addition/options`, {});
  const added = await browser.json(`${consent.at}/passkey/addition`, passkey.create(offered.options));
  assert.equal(added.status, 200, added.text);

  const { access_token: token = '', patient } = await tokensAt(node, clientId, verifier, await allow(browser, consent));
  assert.equal(patient, own);
  assert.equal((await node.fhir(token, `Patient/${own}`)).status, 200);
  assert.equal((await node.fhir(token, `Patient/${other}`)).status, 404);
  const patients = await node.fhir(token, 'Patient?_count=50&_total=accurate');
  assert.equal(patients.json.total, 1);

  await t.test('the passkey signs her in, and cannot make another one', async () => {
    const next = new Browser(node.baseUrl);
    const pkce = newPkce();
    const again = await next.follow(authorizeUrl(node, { ...ask, code_challenge: pkce.challenge }));
    const page = await signIn(next, again, { account: account.account, passkey });
    assert.ok(!page.answer.text.includes('add-passkey'));
    const refused = await next.json(`${page.at}/passkey/addition/options`, {});
    assert.equal(refused.status, 404, refused.text);
    const tokens = await tokensAt(node, clientId, pkce.verifier, await allow(next, page));
    assert.equal(tokens.patient, own);
  });

  await t.test('an audit event tells her who looked, by the app that she chose', async () => {
    const pkce = newPkce();
    const scope = 'launch/patient patient/AuditEvent.rs';
    const next = new Browser(node.baseUrl);
    const page = await signIn(
      next,
      await next.follow(authorizeUrl(node, { ...ask, scope, code_challenge: pkce.challenge })),
      {
        ...{ account: account.account, passkey },
      },
    );
    const tokens = await tokensAt(node, clientId, pkce.verifier, await allow(next, page));
    const headers = { authorization: `Bearer ${tokens.access_token}` };
    const answer = await fetch(`${node.baseUrl}/audit/AuditEvent?_count=200`, { headers });
    const { entry = [] } = (await answer.json()) as {
      entry?: { resource: { agent: { who?: { identifier?: { value?: string } } }[] } }[];
    };
    assert.ok(entry.length > 0);
    const agents = entry.flatMap(({ resource }) => resource.agent.map(({ who }) => who?.identifier?.value));
    assert.ok(agents.includes(clientId), JSON.stringify(agents.slice(0, 20)));
    assert.equal((await node.fhir(tokens.access_token ?? '', `Patient/${own}`)).status, 403);
  });
});
