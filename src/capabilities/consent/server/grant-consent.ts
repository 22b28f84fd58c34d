import { type Caller, isStaff } from '../../../auth/caller.ts';
import { signTransaction } from '../../../chain/sign-transaction.ts';
import { parseTransaction, type Transaction } from '../../../chain/transaction.ts';
import type { OrganisationContext } from '../../../server/organisation.ts';
import { base64urlToBytes } from '../../../std/bytes.ts';
import type { JsonObject } from '../../../std/canonical-json.ts';
import type { GrantRequest } from '../api/endpoints.ts';
import { reject } from './codes.ts';
import { keepConsent, keptConsent, linkConsent } from './consent-document.ts';
import { recordOf } from './entitled-caller.ts';
import { type PolicyOutcome, policyOutcome } from './ledger-outcome.ts';

/**
 * Grants by a Consent: with the patient's own signed transaction, or, while the account is unclaimed, by the custodian
 * who attests what its owner decided on paper. The document is kept before the ledger is asked, so no policy ever
 * names one that is lost.
 */
export async function grantConsent(
  organisation: OrganisationContext,
  caller: Caller,
  account: string,
  request: GrantRequest,
): Promise<PolicyOutcome> {
  const wire =
    request.wire === undefined
      ? await attest(organisation, caller, account, request)
      : await takeGrant(organisation, caller, account, { ...request, wire: request.wire });
  return policyOutcome((await organisation.ledger.submit(wire)).outcome);
}

/** The patient's transaction, the Consent beside it kept. */
async function takeGrant(
  organisation: OrganisationContext,
  caller: Caller,
  account: string,
  { patientId, consent, document, wire: text }: GrantRequest & { wire: string },
): Promise<Uint8Array> {
  const { wire, id, body } = transactionOf(organisation, text, 'consent.grant', account);
  const leaf = body.message.document;
  if (document !== undefined || leaf !== undefined) {
    const row = document === undefined ? undefined : await keptConsent(organisation, account, document);
    if (row === undefined || row.leaf !== leaf || consent !== undefined) throw reject('CONSENT_DOCUMENT_DIFFERS');
    await linkConsent(organisation, id, row);
  } else if (consent !== undefined) {
    const { row } = await keepConsent(organisation, caller, { patientId, account, consent });
    await linkConsent(organisation, id, row);
  }
  return wire;
}

/** The custodian's transaction for an unclaimed account. */
async function attest(
  organisation: OrganisationContext,
  caller: Caller,
  account: string,
  { patientId, consent }: GrantRequest,
): Promise<Uint8Array> {
  const { ledger, signer } = organisation;
  requireAttestable(organisation, caller, account);
  if (consent === undefined) throw reject('CONSENT_REQUEST_INVALID', { member: 'consent' });
  const { row, policy } = await keepConsent(organisation, caller, { patientId, account, consent });
  const message = { ...(policy as unknown as JsonObject), document: row.leaf, type: 'consent.grant', account };
  const nowMs = Math.max(organisation.clock(), ledger.head().timeMs);
  const wire = await signTransaction({ chain: ledger.genesisHash, message, nowMs }, signer);
  await linkConsent(organisation, (parseTransaction(wire) as Transaction).id, row);
  return wire;
}

/**
 * What staff ask the custodian to sign: only for an unclaimed account. The contract refuses it otherwise; asking here
 * keeps a document from being filed for nothing. Throws Reject CONSENT_CALLER_NOT_ENTITLED, CONSENT_SIGNATURE_NEEDED.
 */
export function requireAttestable(organisation: OrganisationContext, caller: Caller, account: string): void {
  if (!isStaff(caller)) throw reject('CONSENT_SIGNATURE_NEEDED');
  if (recordOf(organisation, account).status !== 'unclaimed') throw reject('CONSENT_SIGNATURE_NEEDED');
}

/** A transaction of base64url for this ledger that carries one kind of message for one account. Signatures unverified. */
export function transactionOf(
  { ledger }: OrganisationContext,
  text: string,
  type: 'consent.grant' | 'consent.revoke',
  account: string,
): Transaction {
  const bytes = base64urlToBytes(text);
  const transaction = bytes === undefined ? undefined : parseTransaction(bytes);
  const { chain, message } = transaction?.body ?? {};
  if (transaction === undefined || chain !== ledger.genesisHash) throw reject('CONSENT_TRANSACTION_WRONG');
  if (message?.type !== type || message.account !== account) throw reject('CONSENT_TRANSACTION_WRONG');
  return transaction;
}
