import { encodeTransaction, signBytes, type TransactionBody } from '../../../chain/transaction.ts';
import { type SealedBox, sealTo } from '../../../crypto/sealing.ts';
import type { Committed } from '../../../ledger/ledger.ts';
import type { OrganisationContext } from '../../../server/organisation.ts';
import { base64urlToBytes, utf8 } from '../../../std/bytes.ts';
import { parseCanonical } from '../../../std/canonical-json.ts';
import { rejecter } from '../../../std/reject.ts';
import { redeemClaimCode } from './claim-code.ts';
import { CODES } from './codes.ts';

const reject = rejecter(CODES);

/** What a wallet sends to claim an account; byte strings in base64url. */
export interface ClaimRequest {
  readonly account: string;
  readonly code: string;
  /** Body of the `account.claim` transaction, naming the new key as sender and the custodian's as approver. */
  readonly body: string;
  /** The new key's signature. */
  readonly signature: string;
  /** X-Wing public key of the wallet, which the tag key is sealed to. */
  readonly sealingPublicKey: string;
}

/** HPKE info of the tag key's box; its aad is the account. */
export const TAG_KEY_INFO = 'aceso/tag-key/1';

/**
 * Claims an account for who holds the code: checks the code off the ledger, co-signs exactly the claim that the wallet
 * signed, and gives the tag key, sealed to the wallet, once the ledger took it. The transaction is looked at before
 * the code is used up, so a wallet's mistake does not cost the patient another walk to the desk.
 */
export async function claimAccount(
  organisation: OrganisationContext,
  request: ClaimRequest,
): Promise<{ committed: Committed; tagKey: SealedBox }> {
  const { ledger, signer, vault } = organisation;
  const [body, signature, sealing] = [request.body, request.signature, request.sealingPublicKey].map(base64urlToBytes);
  if (body === undefined || signature === undefined || sealing === undefined) throw reject('CLAIM_TRANSACTION_WRONG');
  if (!isClaim(organisation, request.account, body)) throw reject('CLAIM_TRANSACTION_WRONG');
  const tagKey = await sealTo(sealing, vault.tagKey(request.account), utf8(TAG_KEY_INFO), utf8(request.account));
  await redeemClaimCode(organisation, request.account, request.code);
  const wire = encodeTransaction(body, [signature, await signer.sign(signBytes(body))]);
  return { committed: await ledger.submit(wire), tagKey };
}

/** We sign nothing but this: a claim of this account, sent by the account itself and approved by us alone. */
function isClaim({ account: custodian, signer, ledger }: OrganisationContext, account: string, bytes: Uint8Array): boolean {
  const body = parseCanonical(bytes) as TransactionBody | undefined;
  const [sender, approver, ...others] = body?.signers ?? [];
  return (
    body?.chain === ledger.genesisHash &&
    body.message?.type === 'account.claim' &&
    body.message.account === account &&
    sender?.account === account &&
    approver?.account === custodian &&
    approver.key === signer.keyId &&
    others.length === 0
  );
}
