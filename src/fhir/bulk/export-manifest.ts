import { instant } from '../resource-text.ts';
import type { ExportFile, ExportJob, ExportProgress } from './bulk-job.ts';

/** A file of the manifest (Bulk Data 2.0.0, "Response - Complete Status"). */
interface ManifestFile {
  readonly type: string;
  readonly url: string;
  readonly count: number;
  readonly extension: Readonly<Record<string, object>>;
}

/** Names of the extensions with which a file carries its receipt, and the manifest what it cost. */
const RECEIPT_EXTENSION = 'urn:aceso:receipt';
const RUN_EXTENSION = 'urn:aceso:export';

/**
 * The manifest of a complete export. `transactionTime` is when it was asked for: all that was written up to it is in the
 * files, as it was when the walk met it. A file's receipt proves that the journal holds its SHA-256; `addressOf` says
 * where a file is; its receipt is below it.
 */
export function exportManifest(
  { request, startedMs }: ExportJob,
  { files, resources, begunMs, ended }: ExportProgress,
  addressOf: (file: number) => string,
): object {
  const entries = (list: ExportFile['list']): ManifestFile[] =>
    files.flatMap((file) => {
      const { type, count, number, sha256 = '', entry } = file;
      if (file.list !== list || entry === undefined) return [];
      const url = addressOf(number);
      const receipt = `${url}/receipt`;
      return [{ type, url, count, extension: { [RECEIPT_EXTENSION]: { sha256, receipt } } }];
    });
  return {
    transactionTime: instant(startedMs),
    request: request.url,
    requiresAccessToken: true,
    output: entries('output'),
    ...(request.sinceMs === undefined ? {} : { deleted: entries('deleted') }),
    error: entries('error'),
    extension: {
      [RUN_EXTENSION]: {
        resources,
        begun: instant(begunMs ?? startedMs),
        ...(ended === undefined ? {} : { ended: instant(ended.atMs) }),
      },
    },
  };
}

/** Whole words of how far it is, below 100 characters (`X-Progress`). */
export function exportProgressText({ request }: ExportJob, { position, resources }: ExportProgress): string {
  const written = `${resources} resources`;
  if (position.step === 'files') return `${written}, closing files`;
  if (position.step === 'deleted') return `${written}, looking for deletions`;
  const { types } = request;
  return `${written}, ${types[position.type] ?? 'last type'} (${Math.min(position.type + 1, types.length)} of ${types.length} types)`;
}
