import { issueToken } from '../../../auth/tokens.ts';
import { encodeTransaction, signBytes, type TransactionBody } from '../../../chain/transaction.ts';
import { sealTo } from '../../../crypto/sealing.ts';
import type { OrganisationContext } from '../../../server/organisation.ts';
import { base64urlToBytes, utf8 } from '../../../std/bytes.ts';
import { parseCanonical } from '../../../std/canonical-json.ts';
import { rejecter } from '../../../std/reject.ts';
import { type ClaimAnswer, type ClaimRequest, TAG_KEY_INFO } from '../api.ts';
import { type ClaimTry, redeemClaimCode } from './claim-code.ts';
import { CODES } from './codes.ts';

const reject = rejecter(CODES);

/** How long the bearer token lasts that a claim gives. */
const TOKEN_LIFE_MS = 30 * 86_400_000;

/**
 * Claims an account for who holds the code: checks the code off the ledger, co-signs exactly the claim that the wallet
 * signed, and once the ledger took it gives the tag key, sealed to the wallet, and a token to read with. The transaction
 * is looked at before the code is used up, so a wallet's mistake does not cost the patient another walk to the desk.
 * Throws Reject CLAIM_TRANSACTION_WRONG, CLAIM_CODE_WRONG, CLAIM_TRIED_TOO_OFTEN, CLAIM_REFUSED, and what the ledger
 * refuses early.
 */
export async function claimAccount(
  organisation: OrganisationContext,
  request: ClaimRequest,
  by: ClaimTry,
): Promise<ClaimAnswer> {
  const { ledger, signer, vault } = organisation;
  const [body, signature, sealing] = [request.body, request.signature, request.sealingPublicKey].map(base64urlToBytes);
  if (body === undefined || signature === undefined || sealing === undefined) throw reject('CLAIM_TRANSACTION_WRONG');
  const key = claimingKey(organisation, request.account, body);
  if (key === undefined) throw reject('CLAIM_TRANSACTION_WRONG');
  const tagKey = await sealTo(sealing, await vault.tagKey(request.account), utf8(TAG_KEY_INFO), utf8(request.account));
  await redeemClaimCode(organisation, request.account, request.code, by);
  const wire = encodeTransaction(body, [signature, await signer.sign(signBytes(body))]);
  const { outcome } = await ledger.submit(wire);
  if (outcome.code !== 'OK') throw reject('CLAIM_REFUSED', { code: outcome.code });
  const tokenExpiresAtMs = organisation.clock() + TOKEN_LIFE_MS;
  const token = await issueToken(vault, {
    account: request.account,
    kind: 'patient',
    // A patient acts for nobody but themself: no rule about an organisation's staff ever fits.
    organisation: request.account,
    roles: [],
    purposes: ['PATRQT'],
    label: 'patient, by claim',
    key,
    expiresAtMs: tokenExpiresAtMs,
  });
  return { transaction: outcome.id, tagKey, token, tokenExpiresAtMs };
}

/**
 * We sign nothing but this: a claim of this account, sent by the account itself and approved by us alone. The id of the
 * wallet's key that signs it; undefined for anything else.
 */
function claimingKey(
  { account: custodian, signer, ledger }: OrganisationContext,
  account: string,
  bytes: Uint8Array,
): string | undefined {
  const body = parseCanonical(bytes) as TransactionBody | undefined;
  const [sender, approver, ...others] = body?.signers ?? [];
  const isClaim =
    body?.chain === ledger.genesisHash &&
    body.message?.type === 'account.claim' &&
    body.message.account === account &&
    sender?.account === account &&
    approver?.account === custodian &&
    approver.key === signer.keyId &&
    others.length === 0;
  return isClaim ? sender?.key : undefined;
}
