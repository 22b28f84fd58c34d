import { bytesToHex } from '../std/bytes.ts';
import type { JournalLog } from './journal-log.ts';
import type { JournalTable } from './journal-table.ts';
import type { LedgerAnchor } from './vault.ts';

/**
 * True when the journal is at or beyond an anchor and has its root at that size. A generation that the vault does not
 * know is one that was started after the copy it was restored from.
 */
export async function extendsAnchor(log: JournalLog, table: JournalTable, anchor: LedgerAnchor): Promise<boolean> {
  if (anchor.generation > log.generation) return false;
  const isOpen = anchor.generation === log.generation;
  const size = isOpen ? log.size : (await table.generation(anchor.generation))?.size;
  if (size === undefined) return false;
  if (anchor.size === 0) return true;
  return size >= anchor.size && bytesToHex(await log.root(anchor.generation, anchor.size)) === anchor.root;
}
