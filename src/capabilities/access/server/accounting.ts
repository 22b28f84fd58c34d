import { withState } from '../../../ledger/with-state.ts';
import type { OrganisationContext } from '../../../server/organisation.ts';
import { utf8ToText } from '../../../std/bytes.ts';
import type { OpenedEntry } from '../../../vault/vault.ts';
import { breakGlassActs } from '../contract/state.ts';
import { statedReason } from './break-glass.ts';

/** Most journal entries on one page of an accounting. */
export const ACCOUNTING_PAGE = 100;

export interface Accounting {
  /** What this custodian's journal holds about the account, newest first. */
  readonly entries: readonly AccountingEntry[];
  readonly next?: string;
  /** Broken glass at any member, from the ledger; the stated reason where it was stated here. */
  readonly breakGlass: readonly BreakGlassEntry[];
}

export interface AccountingEntry {
  readonly generation: number;
  readonly index: number;
  readonly kind: string;
  readonly timeMs: number;
  readonly actor: string;
  readonly organisation: string;
  readonly purpose: string;
  /** App that asked, '' for a token that the organisation itself issued; absent where it is not recorded. */
  readonly client?: string;
  readonly decision: string;
  readonly rules: readonly string[];
  /** Number of versions shown or refused. */
  readonly versions: number;
  /** `Type/id/_history/n` of a version that was written. */
  readonly version?: string;
}

export interface BreakGlassEntry {
  readonly act: string;
  readonly atMs: number;
  readonly expiresAtMs: number;
  readonly practitioner: string;
  readonly organisation: string;
  readonly origin: string;
  readonly reason: number;
  readonly statedReason?: string;
  readonly reviews: number;
}

/** Who saw what of an account, and who asked in vain: from the journal, each entry of which has a receipt. */
export async function accountingOf(
  organisation: OrganisationContext,
  account: string,
  after?: string,
): Promise<Accounting> {
  const page = await organisation.vault.entriesOf(account, ACCOUNTING_PAGE, after);
  const entries = page.rows.map(entryOf);
  const breakGlass = after === undefined ? await actsOf(organisation, account) : [];
  return { entries, ...(page.next === undefined ? {} : { next: page.next }), breakGlass };
}

function entryOf({ generation, index, entry }: OpenedEntry): AccountingEntry {
  const place = { generation, index };
  if (entry.kind === 'interaction') {
    const { kind, timeMs, actor, organisation, purpose, decision, rules, versions } = entry.header;
    const about = { kind, timeMs, actor, organisation, purpose, decision, rules, versions: versions.length };
    return { ...place, ...about, ...('client' in entry.header ? { client: entry.header.client } : {}) };
  }
  const { action, timeMs, author, type, id, version } = entry.header;
  const written = { timeMs, actor: author, organisation: '', purpose: '', decision: 'permit', rules: [], versions: 1 };
  return { ...place, kind: action, ...written, version: `${type}/${id}/_history/${version}` };
}

async function actsOf(organisation: OrganisationContext, account: string): Promise<BreakGlassEntry[]> {
  const acts = withState(organisation.ledger, (state) => [...state.entries(breakGlassActs, [account])]);
  return Promise.all(
    acts.map(async ([[, act], { atMs, expiresAtMs, practitioner, organisation: by, origin, reason, reviews }]) => {
      const stated = await statedReason(organisation, act);
      const text = stated === undefined ? {} : { statedReason: utf8ToText(stated) };
      const broken = { act, atMs, expiresAtMs, practitioner, organisation: by, origin, reason };
      return { ...broken, ...text, reviews: reviews.length };
    }),
  );
}
