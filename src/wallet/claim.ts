import { Value } from 'typebox/value';
import { ClaimAnswer, type ClaimRequest, type ClaimSlip, TAG_KEY_INFO } from '../capabilities/membership/api.ts';
import { draftBody } from '../chain/sign-transaction.ts';
import { keyId } from '../chain/signature.ts';
import { signBytes } from '../chain/transaction.ts';
import { openSealed, sealingPublicKey } from '../crypto/sealing.ts';
import { bytesToBase64url, bytesToHex, utf8 } from '../std/bytes.ts';
import { rejecter } from '../std/reject.ts';
import { CODES } from './codes.ts';
import { bytesOf, type WalletAccount, walletSigner } from './wallet.ts';
import type { WalletKeys } from './wallet-keys.ts';

const reject = rejecter(CODES);
const TAG_KEY_BYTES = 32;

/** How a wallet reaches the custodian's node: posts JSON, resolves to the answer's, throws the Reject it answers with. */
export type PostJson = (path: string, body: unknown) => Promise<unknown>;

/**
 * Claims an account with the slip from the desk: signs the claim with the account's new key, has the custodian approve
 * and submit it, and opens the tag key. Resolves to the account as the wallet is to keep it from now on. Keep `account`
 * before calling: once the ledger has the claim, nothing but its key speaks for the account.
 * Throws what the node refuses, and Reject CLAIM_ANSWER_WRONG.
 */
export async function claimAccount(
  { post, keys, nowMs }: { post: PostJson; keys: WalletKeys; nowMs: number },
  slip: ClaimSlip,
  account: WalletAccount,
): Promise<WalletAccount> {
  const request = await claimRequest(keys, slip, account, nowMs);
  const answer = await post('/api/accounts/claim', request);
  if (!Value.Check(ClaimAnswer, answer)) throw reject('CLAIM_ANSWER_WRONG');
  const { tagKey: box, token } = answer;
  const tagKey = await openSealed(bytesOf(account.sealingSeed), box, utf8(TAG_KEY_INFO), utf8(account.account));
  if (tagKey?.length !== TAG_KEY_BYTES) throw reject('CLAIM_ANSWER_WRONG');
  return { ...account, tagKey: bytesToHex(tagKey), token };
}

async function claimRequest(
  keys: WalletKeys,
  slip: ClaimSlip,
  account: WalletAccount,
  nowMs: number,
): Promise<ClaimRequest> {
  const signer = await walletSigner(account, keys);
  const publicKey = await keys.publicKey(bytesOf(account.signingSeed));
  const record = { id: keyId('ed25519', publicKey), algorithm: 'ed25519', publicKey: bytesToHex(publicKey) };
  const message = { type: 'account.claim', account: account.account, keys: [record] };
  // The custodian signs the same bytes afterwards; here it is only named.
  const custodian = { account: slip.custodian, keyId: slip.approverKey };
  const body = draftBody({ chain: slip.genesis, message, nowMs }, signer, [custodian]);
  return {
    custodian: slip.custodian,
    account: account.account,
    code: slip.code,
    body: bytesToBase64url(body),
    signature: bytesToBase64url(await signer.sign(signBytes(body))),
    sealingPublicKey: bytesToBase64url(await sealingPublicKey(bytesOf(account.sealingSeed))),
  };
}
