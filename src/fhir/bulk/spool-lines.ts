import { concatBytes } from '../../std/bytes.ts';
import type { BulkLimits } from './bulk-limits.ts';
import { rejectBulk } from './codes.ts';
import type { SealedFiles } from './sealed-file.ts';
import type { FileExtent } from './sealed-frames.ts';

const LINE_FEED = 0x0a;
/** What is gathered before it is made durable. */
const GATHERED_BYTES = 4 * 1024 * 1024;

/**
 * Keeps a body of NDJSON, line by line, encrypted on the disk: it may take longer to import than a request may last. Blank
 * lines are kept, so that lines count as in the sender's file. Throws IMPORT_LINE_TOO_LONG {line}, IMPORT_TOO_LARGE.
 */
export async function spoolLines(
  body: AsyncIterable<Uint8Array>,
  files: SealedFiles,
  empty: FileExtent,
  limits: BulkLimits,
): Promise<FileExtent> {
  let file = empty;
  let lines: Uint8Array[] = [];
  let begun: Uint8Array[] = [];
  let [gathered, begunBytes, total, count] = [0, 0, 0, 0];

  async function flush(): Promise<void> {
    if (lines.length > 0) file = await files.append(file, lines);
    [lines, gathered] = [[], 0];
  }

  function add(part: Uint8Array): void {
    begunBytes += part.length;
    if (begunBytes > limits.lineBytes)
      throw rejectBulk('IMPORT_LINE_TOO_LONG', { line: count + 1, limitBytes: limits.lineBytes });
    begun.push(part);
  }

  function endLine(): void {
    lines.push(begun.length === 1 ? (begun[0] as Uint8Array) : concatBytes(...begun));
    gathered += begunBytes;
    [begun, begunBytes] = [[], 0];
    count += 1;
  }

  for await (const chunk of body) {
    total += chunk.length;
    if (total > limits.importBytes) throw rejectBulk('IMPORT_TOO_LARGE', { limitBytes: limits.importBytes });
    let from = 0;
    for (let at = chunk.indexOf(LINE_FEED); at !== -1; at = chunk.indexOf(LINE_FEED, from)) {
      add(chunk.subarray(from, at));
      endLine();
      from = at + 1;
    }
    if (from < chunk.length) add(chunk.subarray(from));
    if (gathered + lines.length >= GATHERED_BYTES) await flush();
  }
  if (begunBytes > 0) endLine();
  await flush();
  return file;
}
