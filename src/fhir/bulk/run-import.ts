import { setImmediate } from 'node:timers/promises';
import { utf8 } from '../../std/bytes.ts';
import type { Reject } from '../../std/reject.ts';
import type { ImportOptions } from '../import-bundle.ts';
import { rejectToOutcome } from '../outcome.ts';
import type { BulkLimits } from './bulk-limits.ts';
import { type ImportProgress, nextPass } from './import-job.ts';
import { importLines, type Line } from './import-lines.ts';
import type { SealedFiles } from './sealed-file.ts';

export interface ImportRun {
  readonly files: SealedFiles;
  readonly options: ImportOptions;
  readonly limits: BulkLimits;
  save(progress: ImportProgress): Promise<void>;
  readonly signal: AbortSignal;
}

const LINE_FEED = 0x0a;
/** A reference that leads nowhere may lead to a line further on, which is there in the next pass. */
const UNRESOLVED = 'REFERENCE_UNRESOLVED';

/**
 * Imports what was spooled, from where it is to its end, or until it is stopped. After each piece of the input, what it
 * came to is made durable; a piece that is done twice changes nothing the second time. Passes go on as long as lines
 * refer to what is not there and the last pass wrote something that they may mean.
 */
export async function runImport(run: ImportRun, from: ImportProgress): Promise<ImportProgress> {
  const { signal, options, files } = run;
  let progress = from;
  for (;;) {
    progress = await onePass(run, progress);
    if (signal.aborted) return progress;
    if (progress.unresolved === 0 || progress.changed === 0) break;
    progress = nextPass(progress);
    await run.save(progress);
  }
  const done: ImportProgress = { ...progress, ended: { status: 'complete', atMs: options.clock() } };
  await run.save(done);
  await files.clear(progress.input);
  return done;
}

async function onePass(run: ImportRun, from: ImportProgress): Promise<ImportProgress> {
  const { files, options, limits, signal } = run;
  let progress = from;
  let frame = 0;
  for await (const piece of files.read(from.input)) {
    frame += 1;
    if (frame <= from.frame) continue;
    const lines = linesOf(piece, progress.line);
    const tally = { created: 0, updated: 0, unchanged: 0, unresolved: 0 };
    const errors: Uint8Array[] = [];
    for (let at = 0; at < lines.length; at += limits.importBatch) {
      const done = await importLines(lines.slice(at, at + limits.importBatch), options, limits);
      tally.created += done.created;
      tally.updated += done.updated;
      tally.unchanged += done.unchanged;
      for (const { line, refusal } of done.failures) {
        if (refusal.code === UNRESOLVED) tally.unresolved += 1;
        errors.push(errorLine(line, refusal));
      }
      // Requests that came meanwhile go first.
      await setImmediate();
      if (signal.aborted) return progress;
    }
    progress = {
      ...progress,
      frame,
      errors: errors.length === 0 ? progress.errors : await files.append(progress.errors, errors),
      line: progress.line + lines.length,
      created: progress.created + tally.created,
      updated: progress.updated + tally.updated,
      unchanged: progress.unchanged + tally.unchanged,
      failed: progress.failed + errors.length,
      unresolved: progress.unresolved + tally.unresolved,
      changed: progress.changed + tally.created + tally.updated,
    };
    await run.save(progress);
  }
  return progress;
}

function linesOf(piece: Uint8Array, first: number): Line[] {
  const lines: Line[] = [];
  let from = 0;
  for (let at = piece.indexOf(LINE_FEED); at !== -1; at = piece.indexOf(LINE_FEED, from)) {
    lines.push({ number: first + lines.length, bytes: piece.subarray(from, at) });
    from = at + 1;
  }
  return lines;
}

/** Of a line, so that what a body is answered with stays about as long as it. */
const MAX_ISSUES = 5;

/** OperationOutcome of a line that was refused: what every refusal says, and which line. */
function errorLine(line: number, refusal: Reject): Uint8Array {
  const outcome = rejectToOutcome(refusal);
  const issue = outcome.issue.slice(0, MAX_ISSUES).map((one) => ({
    ...one,
    diagnostics: `line ${line}${one.diagnostics === undefined ? '' : `: ${one.diagnostics}`}`,
  }));
  return utf8(JSON.stringify({ ...outcome, issue }));
}
