import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '#crypto/platform';
import { readTreeRoot } from '../../state/tree.ts';
import { bytesToHex } from '../../std/bytes.ts';
import { chunkFolder } from '../store/chunk-folder.ts';
import type { CommittedChain } from '../store/committed-chain.ts';
import { type EntryReads, readEntries } from '../store/log-entries.ts';
import { replaceFile } from '../store/replace-file.ts';
import { cutChunks } from '../store/state-chunks.ts';
import { type StateRow, stateRows } from '../store/state-rows.ts';
import type { LogEntry } from '../store/state-store.ts';
import { reject } from './codes.ts';
import { type ExportManifest, MANIFEST_FILE, manifestToBytes } from './export-manifest.ts';

export interface ExportOptions {
  /** The ledger, opened; nothing is committed on it any more, or what comes is not in the export. */
  readonly chain: EntryReads & Pick<CommittedChain, 'head' | 'snapshot'>;
  /** Made when it is not there; must hold nothing. */
  readonly folder: string;
  /** Told after each chunk of about 4 MiB. */
  readonly onProgress?: (done: ExportManifest['counts'] & { readonly ofLeaves: number }) => void;
}

/**
 * Writes a ledger's last state, all leaves of its log and all its transactions, for the ledger that goes on from there:
 * what old receipts are issued from again. The manifest is written last: without it the folder is no export. Throws
 * Reject EXPORT_FOLDER_IN_USE, EXPORT_LOG_INCOMPLETE.
 */
export async function exportLedger({ chain, folder, onProgress = () => {} }: ExportOptions): Promise<ExportManifest> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if ((await readdir(folder)).length > 0) throw reject('EXPORT_FOLDER_IN_USE', { folder });
  const { timeMs, ...head } = chain.head();
  const state = chain.snapshot();
  const target = chunkFolder(folder);
  const counts = { rows: 0, leaves: 0, transactions: 0 };
  const chunks: string[] = [];
  try {
    const rows = counted(stateRows(state), () => counts.rows++);
    const entries = countedEntries(readEntries(chain, 0, head.logSize), counts);
    for await (const chunk of cutChunks(rows, 0, entries)) {
      chunks.push(bytesToHex(sha256(chunk)));
      await target.write(chunks.length - 1, chunk);
      onProgress({ ...counts, ofLeaves: head.logSize });
    }
    if (counts.leaves !== head.logSize) throw reject('EXPORT_LOG_INCOMPLETE', { index: counts.leaves });
    await target.sync();
    const manifest = { head, treeRoot: bytesToHex(readTreeRoot(state)), timeMs, counts, chunks };
    await replaceFile(join(folder, MANIFEST_FILE), manifestToBytes(manifest));
    return manifest;
  } finally {
    state.release();
  }
}

function* counted(rows: Iterable<StateRow>, count: () => void): Generator<StateRow> {
  for (const row of rows) {
    count();
    yield row;
  }
}

async function* countedEntries(
  entries: AsyncIterable<LogEntry>,
  counts: { leaves: number; transactions: number },
): AsyncGenerator<LogEntry> {
  for await (const entry of entries) {
    counts.leaves++;
    if (entry.wire !== undefined) counts.transactions++;
    yield entry;
  }
}
