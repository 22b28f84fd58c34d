import { randomBytes } from '#crypto/platform';
import { submitMessage } from '../../../ledger/submit-message.ts';
import { withState } from '../../../ledger/with-state.ts';
import { createExclusive } from '../../../server/exclusive.ts';
import type { OrganisationContext } from '../../../server/organisation.ts';
import { bytesToHex } from '../../../std/bytes.ts';
import { canonicalBytes, parseCanonical } from '../../../std/canonical-json.ts';
import { rejecter } from '../../../std/reject.ts';
import { hasRole } from '../contract/queries.ts';
import { LIMITS } from '../contract/state.ts';
import { CODES } from './codes.ts';

const reject = rejecter(CODES);

/** Accounts kept open ahead, so that registering a patient need not wait for a block, nor for the ledger to move. */
export const RESERVE_TARGET = 64;
const DOCUMENT_KIND = 'membership';
const DOCUMENT_ID = 'account-reserve';

/** Patients' accounts of one organisation: opened on the ledger in bulk, handed out one by one. */
export interface AccountReserve {
  /** `count` accounts, each known to the vault. Throws Reject REGISTRATION_UNAVAILABLE. */
  take(count: number): Promise<readonly string[]>;
  /** Fills the reserve up to its target. */
  refill(): Promise<void>;
}

/**
 * The reserve is a document of the vault, written before an account leaves it: a crash may lose an opened account,
 * which then stays unclaimed and unused, but never gives one to two patients.
 */
export function createAccountReserve(organisation: OrganisationContext): AccountReserve {
  const { vault } = organisation;
  const exclusively = createExclusive();
  const take = async (count: number): Promise<readonly string[]> => {
    const reserve = await readReserve(organisation);
    const missing = count - reserve.length;
    const available = missing > 0 ? [...reserve, ...(await openAccounts(organisation, missing))] : reserve;
    const taken = available.slice(0, count);
    await writeReserve(organisation, available.slice(count));
    await Promise.all(taken.map((account) => vault.openAccount(account)));
    return taken;
  };
  const refill = async (): Promise<void> => {
    const reserve = await readReserve(organisation);
    if (!isProvider(organisation) || reserve.length >= RESERVE_TARGET / 2) return;
    await writeReserve(organisation, [
      ...reserve,
      ...(await openAccounts(organisation, RESERVE_TARGET - reserve.length)),
    ]);
  };
  return { take: (count) => exclusively(() => take(count)), refill: () => exclusively(refill) };
}

/** Only providers open patients' accounts. */
function isProvider({ ledger, account }: OrganisationContext): boolean {
  return withState(ledger, (state) => hasRole(state, account, 'provider'));
}

async function readReserve({ vault }: OrganisationContext): Promise<string[]> {
  const bytes = await vault.getDocument(DOCUMENT_KIND, DOCUMENT_ID);
  const value = bytes === undefined ? [] : parseCanonical(bytes);
  return Array.isArray(value) ? (value as string[]) : [];
}

async function writeReserve({ vault }: OrganisationContext, accounts: readonly string[]): Promise<void> {
  await vault.putDocument(DOCUMENT_KIND, DOCUMENT_ID, canonicalBytes([...accounts]));
}

/** Opens accounts on the ledger, as many to a message as it takes, messages side by side. */
async function openAccounts(organisation: OrganisationContext, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => bytesToHex(randomBytes(16)));
  const batches: string[][] = [];
  for (let at = 0; at < count; at += LIMITS.accountsPerOpen) batches.push(ids.slice(at, at + LIMITS.accountsPerOpen));
  const { ledger, signer } = organisation;
  const open = (accounts: string[]) =>
    submitMessage(ledger, organisation.clock(), { type: 'account.open', accounts }, signer);
  const outcomes = await Promise.all(batches.map(open)).catch((error: Error) => {
    organisation.log.warn({ err: error }, 'accounts could not be opened');
    throw reject('REGISTRATION_UNAVAILABLE');
  });
  const refused = outcomes.find(({ outcome }) => outcome.code !== 'OK');
  if (refused !== undefined) {
    organisation.log.error({ code: refused.outcome.code }, 'account.open refused');
    throw reject('REGISTRATION_UNAVAILABLE', { code: refused.outcome.code });
  }
  return ids;
}
