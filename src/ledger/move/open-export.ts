import { join } from 'node:path';
import { sha256 } from '#crypto/platform';
import { bytesToHex } from '../../std/bytes.ts';
import { canonicalText } from '../../std/canonical-json.ts';
import { chunkFolder, readBoundedFile } from '../store/chunk-folder.ts';
import { chunkSource } from '../store/state-chunks.ts';
import { unproven } from '../store/state-rows.ts';
import type { StateSource } from '../store/state-store.ts';
import { reject } from './codes.ts';
import { type ExportManifest, MANIFEST_FILE, MAX_MANIFEST_BYTES, parseManifest } from './export-manifest.ts';

export interface LedgerExport {
  readonly manifest: ExportManifest;
  /**
   * What the ledger that goes on begins with: `carried` of `openCommittedChain`. Whatever in it does not lead to the
   * manifest's head is refused with LEDGER_STATE_UNPROVEN; that the head is the one that genesis names, the kernel says.
   */
  source(): StateSource;
}

/** An export by its folder. Throws Reject EXPORT_MALFORMED. */
export async function openExport(folder: string): Promise<LedgerExport> {
  const bytes = await readBoundedFile(join(folder, MANIFEST_FILE), MAX_MANIFEST_BYTES);
  const manifest = bytes === undefined ? undefined : parseManifest(bytes);
  if (manifest === undefined) throw reject('EXPORT_MALFORMED', { folder });
  const files = chunkFolder(folder);
  return {
    manifest,
    source: () =>
      chunkSource({
        chunks: manifest.chunks.length,
        async read(index) {
          const chunk = await files.read(index);
          if (chunk === undefined || bytesToHex(sha256(chunk)) !== manifest.chunks[index])
            throw unproven(`chunk ${index}`);
          return chunk;
        },
        judge(head, treeRoot) {
          if (canonicalText(head) !== canonicalText(manifest.head) || treeRoot !== manifest.treeRoot)
            throw unproven('head');
        },
        entries: 'all',
        notBeforeMs: 0,
      }),
  };
}
