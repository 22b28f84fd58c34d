import { createExclusive, type Exclusive } from '../../../jobs/exclusive.ts';
import { submitMessage } from '../../../ledger/submit-message.ts';
import type { OrganisationContext } from '../../../server/organisation.ts';
import { bytesToHex } from '../../../std/bytes.ts';
import type { JournalHead } from '../../../vault/vault.ts';
import type { JournalAnchor } from '../contract/state.ts';
import { readLastAnchor, settleJournal } from './settle-journal.ts';

/** How often the journal is anchored while it grows, in milliseconds. */
export const ANCHOR_INTERVAL_MS = 1000;

/**
 * Brings what the journal has gained to the ledger: one `journal.anchor` that extends the last one, or nothing when
 * nothing was gained. What the ledger holds is asked first, so a crash between its commit and the vault's note of it
 * costs nothing: the next call notes it, and no entry is anchored twice. Resolves to true when all entries that were
 * in the journal at the call are anchored.
 */
export function anchorJournal(organisation: OrganisationContext): Promise<boolean> {
  const { vault } = organisation;
  const turn = turns.get(vault) ?? createExclusive();
  turns.set(vault, turn);
  return turn(() => anchorOnce(organisation));
}

/** Two anchors of one journal under way at once would refuse each other. */
const turns = new WeakMap<OrganisationContext['vault'], Exclusive>();

async function anchorOnce(organisation: OrganisationContext): Promise<boolean> {
  const { vault, ledger, signer } = organisation;
  const head = vault.journalHead();
  const last = readLastAnchor(organisation);
  if (vault.status() !== 'serving' || last.generation !== head.generation || last.size > head.size) {
    await settleJournal(organisation);
    return false;
  }
  if (last.size > (vault.lastAnchor()?.size ?? 0)) await vault.anchored(last);
  if (head.size <= last.size) return head.size === last.size;
  const { outcome } = await submitMessage(
    ledger,
    organisation.clock(),
    await anchorMessage(organisation, head, last),
    signer,
  );
  if (outcome.code !== 'OK') {
    organisation.log.warn({ code: outcome.code, size: head.size }, 'journal anchor refused');
    return false;
  }
  const { generation, size } = head;
  await vault.anchored({ generation, size, root: bytesToHex(head.root), transaction: outcome.id });
  return true;
}

async function anchorMessage({ vault }: OrganisationContext, head: JournalHead, last: JournalAnchor) {
  const { generation, size } = head;
  const proof = (await vault.consistency(generation, last.size, size)).map(bytesToHex);
  return { type: 'journal.anchor', generation, size, root: bytesToHex(head.root), from: last.size, proof } as const;
}
