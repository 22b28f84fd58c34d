import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { ClaimSlip } from '../../src/capabilities/membership/api.ts';
import { signTransaction } from '../../src/chain/sign-transaction.ts';
import { keyId } from '../../src/chain/signature.ts';
import { claimAccount } from '../../src/wallet/claim.ts';
import { nodeKeys } from '../../src/wallet/node/node-keys.ts';
import { signSignIn } from '../../src/wallet/sign-in.ts';
import { newWalletAccount, type WalletAccount, walletSigner } from '../../src/wallet/wallet.ts';
import type { Browser, Landing, SmartNode } from './smart-node.ts';

/** A patient of a node with the wallet of a claimed account. */
export interface WalletHolder {
  readonly account: WalletAccount & { readonly token: string };
  readonly patient: string;
  /** Signs in with the wallet on the sign-in page; ends at the page after it. */
  signIn(browser: Browser, page: Landing): Promise<Landing>;
  freeze(): Promise<void>;
  /** Puts a new key in the place of the wallet's, which is retired; the patient with the new one. */
  changeKey(): Promise<WalletHolder>;
}

/** Claims the account of the nth patient of the node. */
export async function claimPatient(node: SmartNode, nth: number): Promise<WalletHolder> {
  const { json: found } = await node.fhir(node.admin, 'Patient?_count=9');
  const patient = found.entry[nth].resource.id as string;
  const slip = (await node.api('POST', `/api/accounts/${patient}/claim-code`, {})).json as ClaimSlip;
  const post = async (path: string, body: unknown) => (await node.api('POST', path, body)).json;
  const account = await claimAccount({ post, keys: nodeKeys, nowMs: Date.now() }, slip, newWalletAccount(slip));
  return holderOf(node, patient, account as WalletHolder['account']);
}

function holderOf(node: SmartNode, patient: string, account: WalletHolder['account']): WalletHolder {
  type Signer = Awaited<ReturnType<typeof walletSigner>>;
  async function submit(message: { type: string }, sender: Signer, approvers: readonly Signer[] = []): Promise<void> {
    const asked = { chain: account.genesis, message: message as never, nowMs: Date.now() };
    const wire = await signTransaction(asked, sender, [...approvers]);
    const { json, text } = await node.api('POST', '/ledger/transactions', {
      wire: Buffer.from(wire).toString('base64url'),
    });
    assert.equal(json?.outcome?.code, 'OK', text);
  }
  return {
    account,
    patient,
    async signIn(browser, { at, answer }) {
      const statement = /<pre id="statement">([^<]+)</.exec(answer.text)?.[1] ?? '';
      const asked = { keys: nodeKeys, nowMs: Date.now(), origin: node.baseUrl };
      const text = statement.replaceAll('&quot;', '"').replaceAll('&amp;', '&');
      return browser.form(`${at}/wallet`, [['signed', await signSignIn(asked, account, text)]]);
    },
    freeze: async () =>
      submit({ type: 'account.freeze', account: account.account } as never, await walletSigner(account, nodeKeys)),
    async changeKey() {
      const seed = randomBytes(32);
      const next = { ...account, signingSeed: seed.toString('hex') };
      const [old, fresh] = [await walletSigner(account, nodeKeys), await walletSigner(next, nodeKeys)];
      const publicKey = await nodeKeys.publicKey(seed);
      const key = {
        ...{ id: keyId('ed25519', publicKey), algorithm: 'ed25519' },
        publicKey: Buffer.from(publicKey).toString('hex'),
      };
      await submit({ type: 'key.add', account: account.account, key } as never, old, [fresh]);
      await submit({ type: 'key.retire', account: account.account, key: old.keyId } as never, fresh);
      return holderOf(node, patient, next);
    },
  };
}
