import { hexToBytes } from '../../std/bytes.ts';
import type { FhirContext } from '../context.ts';
import { interactionHeader } from '../interaction.ts';
import type { ExportFile, ExportJob, ExportProgress, Position } from './bulk-job.ts';
import type { BulkLimits } from './bulk-limits.ts';
import type { BulkStorage } from './bulk-storage.ts';
import { type Chunk, type ChunkMaker, type ChunkPart, makeChunk, notesPart } from './export-chunk.ts';
import { createExportScope } from './export-scope.ts';
import { createExportWalk } from './export-walk.ts';
import { createSealedFiles, type SealedFiles } from './sealed-file.ts';

export interface ExportRun {
  readonly job: ExportJob;
  /** What the next chunk stands on: its caller is who began the export, as that one is now. */
  readonly contextNow: () => Promise<FhirContext>;
  readonly storage: BulkStorage;
  readonly limits: BulkLimits;
  /** Makes progress durable. */
  save(progress: ExportProgress): Promise<void>;
  /** Ends the run after the chunk under way when it is aborted; what is durable is gone on from later. */
  readonly signal: AbortSignal;
}

/**
 * Runs an export from where it is to its end, or until it is stopped. Of each chunk the journal's entries and the files are
 * made durable first, side by side, and then the position behind it. Crash before that: the chunk is made again, and
 * written over what the files have beyond the lengths that are counted on; what it shows is journalled twice, which tells
 * more than was given out and never less. No file can be fetched before all of that is durable. While a chunk is on its
 * way to the disk the next one is made.
 */
export async function runExport(run: ExportRun, from: ExportProgress): Promise<ExportProgress> {
  const { job, limits, signal } = run;
  const { request } = job;
  const scope = createExportScope(request, job.custodian, limits.accountsAtOnce);
  // Whoever it is for: who may see what it meets is asked by the search of each chunk.
  const context = await run.contextNow();
  const walk = createExportWalk({ context, scope, job: job.id, request, pageRows: limits.pageRows });
  const parts = { scope, limits, request, walk };
  const place = { custodian: job.custodian, job: job.id };
  const files = createSealedFiles(run.storage, place, hexToBytes(job.key) as Uint8Array, limits.frameBytes);
  try {
    let progress = isBegin(from) ? await withParts(run, files, from, notesPart(job.request)) : from;
    let next = chunkAt(run, parts, progress.position);
    while (next !== undefined && !signal.aborted) {
      const chunk = await next;
      // Seen to even when the write of this one fails first.
      next = chunkAt(run, parts, chunk.next);
      next?.catch(() => undefined);
      progress = await writeChunk(run, files, progress, chunk);
    }
    return progress.position.step === 'files' && !signal.aborted ? await finish(run, files, progress) : progress;
  } finally {
    await files.release();
  }
}

function isBegin({ position, files }: ExportProgress): boolean {
  return position.step === 'resources' && position.type + position.slice === 0 && !position.after && files.length === 0;
}

type RunParts = Omit<ChunkMaker, 'context'>;

function chunkAt(run: ExportRun, parts: RunParts, position: Position): Promise<MadeChunk> | undefined {
  return position.step === 'files' ? undefined : madeChunk(run, parts, position);
}

interface MadeChunk extends Chunk {
  /** What it was made on. */
  readonly context: FhirContext;
}

async function madeChunk(
  { contextNow }: ExportRun,
  parts: RunParts,
  position: Exclude<Position, { step: 'files' }>,
): Promise<MadeChunk> {
  const context = await contextNow();
  return { ...(await makeChunk({ ...parts, context }, position)), context };
}

async function writeChunk(
  run: ExportRun,
  files: SealedFiles,
  progress: ExportProgress,
  { parts, interactions, resources, next, context }: MadeChunk,
): Promise<ExportProgress> {
  const [grown] = await bothOf(
    withParts(run, files, progress, parts),
    interactions.length === 0 ? undefined : context.vault.journal(interactions),
  );
  const moved = { ...grown, position: next, resources: progress.resources + resources };
  await run.save(moved);
  return moved;
}

/** Appends lines to the last file of their list and type, or to a new one where that is full. */
async function withParts(
  { limits }: ExportRun,
  files: SealedFiles,
  progress: ExportProgress,
  parts: readonly ChunkPart[],
): Promise<ExportProgress> {
  const all = [...progress.files];
  const append = async ({ list, type, lines }: ChunkPart, count: number) => {
    let at = all.findLastIndex((file) => file.list === list && file.type === type);
    if (at === -1 || (all[at] as ExportFile).bytes >= limits.fileBytes) {
      at = all.length;
      all.push({ number: at, list, type, count: 0, sealedBytes: 0, frames: 0, bytes: 0 });
    }
    const file = all[at] as ExportFile;
    all[at] = { ...(await files.append(file, lines)), count: file.count + count };
  };
  for (const one of await Promise.allSettled(parts.map((part) => append(part, part.lines.length))))
    if (one.status === 'rejected') throw one.reason;
  return { ...progress, files: all };
}

/** Both, once neither goes on any more: a run that fails must not leave writes behind that it does not know of. */
async function bothOf<A, B>(first: Promise<A>, second: Promise<B> | undefined): Promise<[A, B | undefined]> {
  const [one, other] = await Promise.allSettled([first, second]);
  if (one.status === 'rejected') throw one.reason;
  if (other.status === 'rejected') throw other.reason;
  return [one.value, other.value];
}

/**
 * The end: each file's SHA-256 goes into the journal as a read of the custodian's own, which is what its receipt proves.
 * Entries about patients name the versions; this one names the file that they are in.
 */
async function finish(run: ExportRun, files: SealedFiles, progress: ExportProgress): Promise<ExportProgress> {
  const context = await run.contextNow();
  const { vault, clock } = context;
  const hashes: string[] = [];
  for (const file of progress.files) hashes.push(await files.digest(file));
  const headers = hashes.map((hash) => interactionHeader(context, vault.custodian, false, ['bulk:file'], [hash]));
  const { generation } = vault.journalHead();
  const indices = headers.length === 0 ? [] : await vault.journal(headers);
  const done: ExportProgress = {
    ...progress,
    files: progress.files.map((file, at) => ({
      ...file,
      sha256: hashes[at] as string,
      entry: { generation, index: indices[at] as number },
    })),
    ended: { status: 'complete', atMs: clock() },
  };
  await run.save(done);
  return done;
}
