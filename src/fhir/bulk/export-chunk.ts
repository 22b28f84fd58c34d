import type { InteractionHeader } from '../../chain/journal-leaf.ts';
import { utf8, utf8ToText } from '../../std/bytes.ts';
import type { Reject } from '../../std/reject.ts';
import type { VersionRow } from '../../vault/vault.ts';
import type { FhirContext } from '../context.ts';
import { exactJson } from '../exact-json.ts';
import { rejectToOutcome, warningOutcome } from '../outcome.ts';
import { createVisibleSearch, type VisibleSearch } from '../search/visible-search.ts';
import { subset } from '../subset.ts';
import type { ExportFile, ExportRequest, Position } from './bulk-job.ts';
import type { BulkLimits } from './bulk-limits.ts';
import type { ExportScope } from './export-scope.ts';
import type { ExportWalk, Resources, WalkPage } from './export-walk.ts';
import { createInOrder } from './in-order.ts';

/** Lines for one list of files and type. */
export interface ChunkPart {
  readonly list: ExportFile['list'];
  readonly type: string;
  readonly lines: readonly Uint8Array[];
}

/** A stretch of an export as it is written: what to journal, what to write, and where the next one begins. */
export interface Chunk {
  readonly parts: readonly ChunkPart[];
  readonly interactions: readonly InteractionHeader[];
  /** Resources among the lines. */
  readonly resources: number;
  readonly next: Position;
}

export interface ChunkMaker {
  readonly context: FhirContext;
  readonly request: ExportRequest;
  readonly scope: ExportScope;
  readonly walk: ExportWalk;
  readonly limits: Pick<BulkLimits, 'batchRows' | 'batchBytes' | 'openedRows'>;
}

/** Deleted resources that one Bundle names. */
const DELETES_AT_ONCE = 500;
/** Versions that are looked through for deletions at a time. */
const HISTORY_ROWS = 1000;
/** The journal's order and the order of stamps differ by as much at most: clocks of a machine that is set right. */
const STAMP_SKEW_MS = 3_600_000;

/**
 * The chunk at a position. Each version is decided on for the caller at this moment, as a search's are, and what may not be
 * seen is absent. Nothing is journalled or written yet. A consent that is revoked later does not reach what was written
 * into files before, as it does not reach what was read; but nothing is ever added to a file without a decision of its
 * moment, and files go when the export expires.
 */
export async function makeChunk(maker: ChunkMaker, position: Exclude<Position, { step: 'files' }>): Promise<Chunk> {
  const search = createVisibleSearch(maker.context);
  if (position.step === 'deleted') return deletedChunk(maker, search, position.after);
  const { opened, next } = await openStretch(maker, search, position);
  const lines = new Map<string, Uint8Array[]>();
  const faults: Uint8Array[] = [];
  const shown: VersionRow[] = [];
  for (const { row, bytes } of opened) {
    if (bytes === undefined) continue;
    if (!(bytes instanceof Uint8Array)) {
      faults.push(bytes.fault);
      continue;
    }
    shown.push(row);
    const line = lineOf(maker, row.type, bytes);
    const of = lines.get(row.type);
    if (of === undefined) lines.set(row.type, [line]);
    else of.push(line);
  }
  search.visibility.show(shown);
  return {
    parts: [
      ...[...lines].map(([type, all]) => ({ list: 'output' as const, type, lines: all })),
      ...(faults.length === 0 ? [] : [errorPart(faults)]),
    ],
    interactions: search.interactions(),
    resources: shown.length,
    next,
  };
}

/** Lists of versions that are opened at a time: a page of the walk, so that the next one is looked for meanwhile. */
const MOST_LISTS = 4;
/** A stretch is given up after looking at so many times the wanted rows, when few of them are visible. */
const LOOKED_FACTOR = 4;

interface OpenedRow {
  readonly row: VersionRow;
  /** Undefined when it was erased meanwhile, and an outcome for the error file when it is damaged. */
  readonly bytes: Uint8Array | { readonly fault: Uint8Array } | undefined;
}

/**
 * Versions of the walk from a position on, opened, until there are enough rows or bytes. While some are opened beside this
 * thread the next are looked for.
 */
async function openStretch(
  { context, walk, limits }: ChunkMaker,
  search: VisibleSearch,
  from: Resources,
): Promise<{ readonly opened: readonly OpenedRow[]; readonly next: Position }> {
  const opened: OpenedRow[] = [];
  let [bytes, looked] = [0, 0];
  const open = createInOrder(
    (rows: readonly VersionRow[]) => openRows(context, rows),
    (some) => {
      opened.push(...some);
      for (const one of some) bytes += one.bytes instanceof Uint8Array ? one.bytes.length : 0;
    },
    // One until it is known how large they are: as many as a chunk's bytes have room for by their mean.
    () => (bytes === 0 ? 1 : Math.min(MOST_LISTS, limits.batchBytes / ((bytes / opened.length) * limits.openedRows))),
  );
  let next: Position = from;
  /** The page behind the one whose rows are opened: asked for first, so that the database is never idle. */
  let ahead: Promise<WalkPage> | undefined;
  const isEnough = () =>
    looked >= limits.batchRows * LOOKED_FACTOR || open.taken >= limits.batchRows || bytes >= limits.batchBytes;
  while (next.step === 'resources' && !isEnough()) {
    const page: WalkPage = await (ahead ?? walk.page(search, next, limits.batchRows - open.taken));
    looked += page.looked;
    next = page.next;
    const left = limits.batchRows - open.taken - page.rows.length;
    // Not where it would hardly be used: what is denied on it would be journalled with this chunk and with the next.
    const isUsed = left > 0 && looked < limits.batchRows && bytes < limits.batchBytes / 2;
    ahead = next.step === 'resources' && isUsed ? walk.page(search, next, left) : undefined;
    ahead?.catch(() => undefined);
    for (let at = 0; at < page.rows.length; at += limits.openedRows) {
      const some = page.rows.slice(at, at + limits.openedRows);
      await open.take(some);
      const isLast = at + limits.openedRows >= page.rows.length;
      if (isLast || bytes < limits.batchBytes) continue;
      next = page.behind(some.at(-1) as VersionRow);
      break;
    }
  }
  await open.end();
  await ahead?.catch(() => undefined);
  return { opened, next };
}

/** The first part of every export: what of the request was ignored. */
export function notesPart({ notes }: Pick<ExportRequest, 'notes'>): readonly ChunkPart[] {
  return notes.length === 0 ? [] : [errorPart(notes.map((note) => utf8(JSON.stringify(warningOutcome(note)))))];
}

function errorPart(lines: readonly Uint8Array[]): ChunkPart {
  return { list: 'error', type: 'OperationOutcome', lines };
}

async function openRows({ vault }: FhirContext, rows: readonly VersionRow[]): Promise<readonly OpenedRow[]> {
  const opened = await vault.openAll(rows);
  return rows.map((row, at) => ({ row, bytes: bytesOrFault(opened[at] as Uint8Array | Reject) }));
}

function bytesOrFault(opened: Uint8Array | Reject): OpenedRow['bytes'] {
  if (opened instanceof Uint8Array) return opened;
  if (opened.code === 'VERSION_ERASED') return undefined;
  if (opened.code !== 'BLOB_DAMAGED' && opened.code !== 'VAULT_DAMAGED') throw opened;
  return { fault: utf8(JSON.stringify(rejectToOutcome(opened))) };
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** Exact bytes as stored. No whitespace stands between their tokens; where some did, it would be dropped. */
function lineOf({ context, request }: ChunkMaker, type: string, bytes: Uint8Array): Uint8Array {
  const { elements } = request;
  if (elements !== undefined) {
    const kept = [...(elements['*'] ?? []), ...(elements[type] ?? [])];
    return utf8(subset(utf8ToText(bytes), context.definitions, { elements: kept }));
  }
  return bytes.includes(LINE_FEED) || bytes.includes(CARRIAGE_RETURN) ? utf8(exactJson(bytes)) : bytes;
}

/** What was deleted since, by the newest versions; who may see that there was such a resource is told that it is gone. */
async function deletedChunk(maker: ChunkMaker, search: VisibleSearch, after: string | undefined): Promise<Chunk> {
  const { context, request, scope } = maker;
  const { sinceMs = 0, types } = request;
  const { rows, next } = await context.vault.historyOf(undefined, HISTORY_ROWS, after);
  const deleted = rows.filter(
    (row) => row.deleted && !row.erased && row.timeMs > sinceMs && types.includes(row.type) && scope.has(row.account),
  );
  const gone: VersionRow[] = [];
  for (const row of deleted) {
    // Written again since, it is among the resources.
    if ((await context.vault.current(row.type, row.id))?.leaf === row.leaf) gone.push(row);
  }
  const visible = await search.visibility.of(gone);
  search.visibility.show(visible);
  const lines: Uint8Array[] = [];
  for (let at = 0; at < visible.length; at += DELETES_AT_ONCE)
    lines.push(deletesLine(visible.slice(at, at + DELETES_AT_ONCE)));
  const isBeyond = rows.some(({ timeMs }) => timeMs < sinceMs - STAMP_SKEW_MS);
  return {
    parts: lines.length === 0 ? [] : [{ list: 'deleted', type: 'Bundle', lines }],
    interactions: search.interactions(),
    resources: 0,
    next: next === undefined || isBeyond ? { step: 'files' } : { step: 'deleted', after: next },
  };
}

/** Bulk Data 2.0.0, "Response - Complete Status", `deleted`: a transaction of DELETEs. */
function deletesLine(rows: readonly VersionRow[]): Uint8Array {
  const entry = rows.map(({ type, id }) => ({ request: { method: 'DELETE', url: `${type}/${id}` } }));
  return utf8(JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry }));
}
