import { randomBytes } from '#crypto/platform';
import { createExclusive } from '../../../jobs/exclusive.ts';
import { submitMessage } from '../../../ledger/submit-message.ts';
import { withState } from '../../../ledger/with-state.ts';
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

interface Waiting {
  readonly count: number;
  resolve(accounts: readonly string[]): void;
  reject(reason: unknown): void;
}

/**
 * The reserve is a document of the vault, written before an account leaves it: a crash may lose an opened account,
 * which then stays unclaimed and unused, but never gives one to two patients.
 */
export function createAccountReserve(organisation: OrganisationContext): AccountReserve {
  const { vault } = organisation;
  const exclusively = createExclusive();
  let waiting: Waiting[] = [];

  /** For all who wait: the reserve is written once for them, as often as there would be time to write it for one. */
  const serve = async (): Promise<void> => {
    const served = waiting;
    waiting = [];
    if (served.length === 0) return;
    try {
      let available = await readReserve(organisation);
      const missing = served.reduce((sum, { count }) => sum + count, 0) - available.length;
      let refusal: unknown;
      if (missing > 0) {
        try {
          available = [...available, ...(await openAccounts(organisation, missing))];
        } catch (error) {
          refusal = error;
        }
      }
      const handOut: (() => void)[] = [];
      for (const { count, resolve, reject: refuse } of served) {
        if (count > available.length) {
          refuse(refusal);
          continue;
        }
        const taken = available.slice(0, count);
        available = available.slice(count);
        handOut.push(() => resolve(taken));
      }
      await writeReserve(organisation, available);
      for (const give of handOut) give();
    } catch (error) {
      for (const { reject: refuse } of served) refuse(error);
    }
  };

  const take = async (count: number): Promise<readonly string[]> => {
    const taken = await new Promise<readonly string[]>((resolve, refuse) => {
      waiting.push({ count, resolve, reject: refuse });
      void exclusively(serve);
    });
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
  return { take, refill: () => exclusively(refill) };
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
