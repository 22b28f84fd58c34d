import { withState } from '../../../ledger/with-state.ts';
import type { OrganisationContext } from '../../../server/organisation.ts';
import type { VersionRow } from '../../../vault/vault.ts';
import { erasedIndices, type JournalAnchor, lastAnchor } from '../contract/state.ts';

/** Where the ledger has the organisation's journal at this moment. */
export function readLastAnchor({ ledger, account }: Pick<OrganisationContext, 'ledger' | 'account'>): JournalAnchor {
  return withState(ledger, (state) => lastAnchor(state, account));
}

/** `settleJournal` for each organisation, before any of them serves. */
export async function settleJournals(organisations: readonly OrganisationContext[]): Promise<void> {
  for (const organisation of organisations) await settleJournal(organisation);
}

/**
 * Holds the journal against the ledger (DESIGN §4): behind its last anchor, as after an old backup, it serves nothing
 * until the members vote `journal.restart`; once they did, the next generation is begun. A vault that serves first
 * loses what the ledger marks as erased and a backup brought back. Every step may be repeated after a crash.
 */
export async function settleJournal(organisation: OrganisationContext): Promise<'serving' | 'behind'> {
  const { vault, log } = organisation;
  const anchor = readLastAnchor(organisation);
  // Only a vote opens a generation, and its first anchor is at a size beyond 0.
  if (anchor.generation > vault.journalHead().generation && anchor.size === 0) {
    await vault.startGeneration(anchor.generation);
  }
  const status = await vault.checkAgainst(anchor);
  if (status === 'serving') {
    told.delete(vault);
    await applyErasures(organisation, anchor.generation);
  } else if (!told.has(vault)) {
    told.add(vault);
    const { generation, size } = vault.journalHead();
    log.error(
      { anchor: { generation: anchor.generation, size: anchor.size }, held: { generation, size } },
      'behind the last anchor: restore a newer backup, or ask a member to propose journal.restart with keptSize as held',
    );
  }
  return status;
}

/** Vaults that were said to be behind already: the anchor job asks every second. */
const told = new WeakSet<OrganisationContext['vault']>();

const ERASURES_PER_PAGE = 1000;

/** Erases again what the ledger marks as erased; costs one look for each mark. */
async function applyErasures(organisation: OrganisationContext, newest: number): Promise<void> {
  for (let generation = 0; generation <= newest; generation++) {
    let page = erasedPage(organisation, generation);
    while (page.length > 0) {
      await eraseAgain(organisation, generation, page);
      page = page.length < ERASURES_PER_PAGE ? [] : erasedPage(organisation, generation, page.at(-1));
    }
  }
}

function erasedPage({ ledger, account }: OrganisationContext, generation: number, after?: number): readonly number[] {
  return withState(ledger, (state) => erasedIndices(state, account, generation, ERASURES_PER_PAGE, after));
}

async function eraseAgain({ vault, log }: OrganisationContext, generation: number, indices: readonly number[]) {
  const rows = await Promise.all(indices.map((index) => vault.versionAt(generation, index)));
  const held = rows.filter((row): row is VersionRow => row !== undefined && !row.erased);
  if (held.length === 0) return;
  await vault.erase(held);
  log.warn({ generation, versions: held.length }, 'erased again what a backup had brought back');
}
