import { randomBytes } from '#crypto/platform';
import type { Caller } from '../../../auth/caller.ts';
import { submitMessage } from '../../../ledger/submit-message.ts';
import { withState } from '../../../ledger/with-state.ts';
import type { OrganisationContext } from '../../../server/organisation.ts';
import { bytesToHex } from '../../../std/bytes.ts';
import { canonicalBytes, type Json, parseCanonical } from '../../../std/canonical-json.ts';
import type { VersionRow } from '../../../vault/vault.ts';
import { anchorOfGeneration, ERASURES_PER_MESSAGE } from '../contract/state.ts';
import { anchorJournal } from './anchor-journal.ts';

/** Key backups are kept at most so long (DESIGN §4), so this long after an erasure the last copy of a key is gone. */
export const KEY_BACKUP_MS = 30 * 86_400_000;

/** Leaves that one journal entry of an erasure names; a receipt takes up to 4,096. */
const LEAVES_PER_ENTRY = 1000;

/** An erasure, as a document in the vault: what was erased lives on only as places in the journal. */
export type Erasure = {
  readonly id: string;
  readonly actor: string;
  readonly organisation: string;
  readonly purpose: string;
  readonly timeMs: number;
  /** When the last backup that may hold a key ages out, milliseconds since the epoch. */
  readonly keyBackupsUntilMs: number;
  readonly places: readonly { readonly account: string; readonly generation: number; readonly index: number }[];
  /** How far it has come; each step is durable before the next. */
  readonly step: 'begun' | 'journalled' | 'erased' | 'marked';
  /** Journal indices that say who erased, in the generation open then, and the ledger's marks. */
  readonly entries: readonly number[];
  readonly transactions: readonly string[];
};

const KIND = 'erasure';

/** Begins an erasure of versions: from here on it will be carried out, also after a crash. */
export async function beginErasure(
  { vault, clock }: OrganisationContext,
  caller: Caller,
  rows: readonly VersionRow[],
): Promise<Erasure> {
  const timeMs = clock();
  const erasure: Erasure = {
    ...{ id: bytesToHex(randomBytes(16)), actor: caller.account, organisation: caller.organisation },
    ...{ purpose: caller.purpose, timeMs, keyBackupsUntilMs: timeMs + KEY_BACKUP_MS },
    places: rows.map(({ account, generation, journalIndex }) => ({ account, generation, index: journalIndex })),
    ...{ step: 'begun', entries: [], transactions: [] },
  };
  await vault.putDocument(KIND, erasure.id, canonicalBytes(erasure));
  return erasure;
}

/** The erasure of an id; undefined when there is none. */
export async function findErasure({ vault }: OrganisationContext, id: string): Promise<Erasure | undefined> {
  const bytes = await vault.getDocument(KIND, id);
  return bytes === undefined ? undefined : (parseCanonical(bytes) as Erasure | undefined);
}

/** Erasures that are not marked on the ledger yet. */
export async function openErasures({ vault }: OrganisationContext): Promise<Erasure[]> {
  const documents = await vault.listDocuments(KIND);
  return documents.map(({ bytes }) => parseCanonical(bytes) as Json as Erasure).filter(({ step }) => step !== 'marked');
}

/**
 * Carries an erasure on from where it stands: journalled, erased, marked. It resolves to how far it came: keys, salts
 * and blobs go also while the ledger stands still, and the marks follow when it moves. A crash between a step and its
 * note repeats the step, which changes nothing more but a second journal entry.
 */
export async function carryOut(organisation: OrganisationContext, given: Erasure): Promise<Erasure> {
  const { vault } = organisation;
  let erasure = given;
  const note = async (more: Partial<Erasure>): Promise<void> => {
    erasure = { ...erasure, ...more };
    await vault.putDocument(KIND, erasure.id, canonicalBytes(erasure));
  };
  if (erasure.step === 'begun')
    await note({ step: 'journalled', entries: await journalErasure(organisation, erasure) });
  if (erasure.step === 'journalled') {
    await vault.erase(await rowsOf(organisation, erasure));
    await note({ step: 'erased' });
  }
  // An entry must be anchored before it can be marked.
  if (erasure.step === 'erased' && (await anchorJournal(organisation))) {
    const transactions = await markErased(organisation, erasure);
    if (transactions !== undefined) await note({ step: 'marked', transactions });
  }
  return erasure;
}

async function rowsOf({ vault }: OrganisationContext, { places }: Erasure): Promise<VersionRow[]> {
  const rows = await Promise.all(places.map(({ generation, index }) => vault.versionAt(generation, index)));
  return rows.filter((row) => row !== undefined);
}

/** Who erased which leaves, an entry for each account and thousand. */
async function journalErasure(organisation: OrganisationContext, erasure: Erasure): Promise<readonly number[]> {
  const { actor, organisation: by, purpose, timeMs } = erasure;
  const leaves = new Map<string, string[]>();
  for (const { account, leaf } of await rowsOf(organisation, erasure)) {
    leaves.set(account, [...(leaves.get(account) ?? []), leaf]);
  }
  const entries = [...leaves].flatMap(([account, all]) =>
    Array.from({ length: Math.ceil(all.length / LEAVES_PER_ENTRY) }, (_, page) => ({
      ...{ kind: 'erasure' as const, account, timeMs, actor, organisation: by, purpose },
      ...{ decision: 'permit' as const, rules: [], permit: '' },
      versions: all.slice(page * LEAVES_PER_ENTRY, (page + 1) * LEAVES_PER_ENTRY),
    })),
  );
  return organisation.vault.journal(entries);
}

/** Entries of a closed generation beyond its last anchor were never on the ledger, and cannot be marked there. */
function anchoredSize({ ledger, account }: OrganisationContext, generation: number): number {
  return withState(ledger, (state) => anchorOfGeneration(state, account, generation)?.size ?? 0);
}

/** Ids of the transactions that mark all places; undefined when the ledger refused one. */
async function markErased(organisation: OrganisationContext, { places }: Erasure): Promise<string[] | undefined> {
  const { ledger, signer, log } = organisation;
  const transactions: string[] = [];
  for (const generation of new Set(places.map((place) => place.generation))) {
    const size = anchoredSize(organisation, generation);
    const all = places.filter((one) => one.generation === generation && one.index < size).map(({ index }) => index);
    for (let at = 0; at < all.length; at += ERASURES_PER_MESSAGE) {
      const message = { type: 'records.erase', generation, indices: all.slice(at, at + ERASURES_PER_MESSAGE) };
      const { outcome } = await submitMessage(ledger, organisation.clock(), message, signer);
      if (outcome.code !== 'OK') {
        log.warn({ code: outcome.code, generation }, 'erasure mark refused');
        return undefined;
      }
      transactions.push(outcome.id);
    }
  }
  return transactions;
}
