import assert from 'node:assert/strict';
import { nodeKeys } from '../../src/wallet/node/node-keys.ts';
import { signSignIn } from '../../src/wallet/sign-in.ts';
import type { WalletAccount } from '../../src/wallet/wallet.ts';
import { allow, authorizeUrl, codeAt, exchange } from '../support/smart-app.ts';
import { Browser, newPkce, type SmartNode } from '../support/smart-node.ts';

/** A token of an app that a patient signs in to with the wallet, and allows all it asks. */
export async function patientToken(
  node: SmartNode,
  clientId: string,
  wallet: WalletAccount,
  scope: string,
): Promise<string> {
  const browser = new Browser(node.baseUrl);
  const { verifier, challenge } = newPkce();
  const page = await browser.follow(authorizeUrl(node, { client_id: clientId, code_challenge: challenge, scope }));
  const statement = /<pre id="statement">([^<]+)<\/pre>/.exec(page.answer.text)?.[1] ?? '';
  const signed = await signSignIn(
    { keys: nodeKeys, nowMs: Date.now(), origin: node.baseUrl },
    wallet,
    statement.replaceAll('&quot;', '"').replaceAll('&amp;', '&'),
  );
  const consent = await browser.form(`${page.at}/wallet`, [['signed', signed]]);
  const { json } = await exchange(node, clientId, { code: codeAt(await allow(browser, consent)), verifier });
  assert.ok(json.access_token, JSON.stringify(json));
  return json.access_token;
}
