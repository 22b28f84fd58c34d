import type { InteractionHeader } from '../chain/journal-leaf.ts';
import type { PageOf, VersionRow } from '../vault/vault.ts';
import { bundleText, type EntryText } from './bundle-text.ts';
import { rejectFhir } from './codes.ts';
import type { FhirContext, FhirRequest, FhirResult } from './context.ts';
import { fittingCount } from './fitting.ts';
import { journalLooks } from './journal-looks.ts';
import { etagOf, textOf } from './read.ts';
import { decideRead, joinInteractions } from './read-decision.ts';
import { instant } from './resource-text.ts';

/** What history is of: a resource, a type, or everything here. */
export interface HistoryScope {
  readonly type?: string;
  readonly id?: string;
}

interface HistoryQuery {
  readonly count: number;
  readonly after?: string;
  readonly sinceMs?: number;
  readonly understood: readonly (readonly [name: string, value: string])[];
}

type Fetch = (limit: number, after: string | undefined) => Promise<PageOf<VersionRow>>;

/** Versions of all resources come by their place in the journal, which may differ from that of their times by this. */
const DISORDER_MS = 60 * 60 * 1000;
/** Rows looked at beyond a full page, to tell whether the caller may see more. */
const PEEKED_ROWS = 20;

/**
 * history (R4 §3.1.0.12) of a resource, a type or the whole server, newest first, a page at a time, without a total.
 * Versions that the caller may not see are left out, and pages are full all the same. `_count`, `_since`. Throws
 * NOT_FOUND, PARAMETER_INVALID, PARAMETER_UNKNOWN, PAGE_INVALID, SEARCH_TOO_COSTLY.
 */
export async function history(context: FhirContext, scope: HistoryScope, request: FhirRequest): Promise<FhirResult> {
  const query = historyQuery(context, request);
  const { type, id } = scope;
  const page = await fittingPage(context, query, scope);
  const entries = await Promise.all(page.rows.map((row) => historyEntry(context, row)));
  const unseen = page.rows.length === 0 ? await unseenResource(context, scope) : undefined;
  const interactions = joinInteractions([...page.interactions, ...(unseen ?? [])]);
  await journalLooks(context, interactions);
  if (unseen !== undefined) throw rejectFhir('NOT_FOUND');
  const address = [context.baseUrl, type, id, '_history'].filter((part) => part !== undefined).join('/');
  const links: [string, string][] = [['self', linkOf(address, query.understood, query.after)]];
  if (page.next !== undefined) links.push(['next', linkOf(address, query.understood, page.next)]);
  return { status: 200, body: bundleText('history', links, entries) };
}

/** The page, and where it is too large one of fewer rows: cursors of a history are those of whole pages. */
async function fittingPage(context: FhirContext, query: HistoryQuery, scope: HistoryScope): Promise<VisibleHistory> {
  const page = await visiblePage(context, query, scope);
  const textOfShown = async (row: VersionRow) => (row.deleted || row.erased ? '' : textOf(context, row));
  const count = await fittingCount(page.rows, textOfShown, context.limits.bundleBytes);
  return count === page.rows.length ? page : visiblePage(context, { ...query, count }, scope);
}

/**
 * What is to be journalled of a resource that is not there or of which nothing may be seen; undefined for one that is
 * seen and has nothing on this page, such as one that did not change since then.
 */
async function unseenResource(
  context: FhirContext,
  { type, id }: HistoryScope,
): Promise<readonly InteractionHeader[] | undefined> {
  if (type === undefined || id === undefined) return undefined;
  const current = await context.vault.current(type, id);
  if (current === undefined) return [];
  const { visible, interactions } = await decideRead(context, [current]);
  return visible.length > 0 ? undefined : interactions;
}

function fetchOf({ vault }: FhirContext, { type, id }: HistoryScope): Fetch {
  if (type !== undefined && id !== undefined) return (limit, after) => vault.history(type, id, limit, after);
  return (limit, after) => vault.historyOf(type, limit, after);
}

interface VisibleHistory {
  readonly rows: readonly VersionRow[];
  readonly interactions: readonly InteractionHeader[];
  readonly next?: string;
}

/** Fills the page with what may be seen, and looks on until it is known whether there is more to be seen. */
async function visiblePage(context: FhirContext, query: HistoryQuery, scope: HistoryScope): Promise<VisibleHistory> {
  const fetch = fetchOf(context, scope);
  // SMART App Launch 2.2: the history of a resource is a read, that of a type or of all a search.
  const permission = scope.id === undefined ? 's' : 'r';
  const rows: VersionRow[] = [];
  const interactions: InteractionHeader[] = [];
  let next: string | undefined;
  for (let after = query.after, scanned = 0; ; ) {
    const isFull = rows.length === query.count;
    const page = await fetch(isFull ? PEEKED_ROWS : query.count - rows.length, after);
    const { left, isEnd } = sinceThen(page, query.sinceMs);
    const decided = await decideRead(context, left, permission);
    if (isFull && decided.visible.length > 0) break;
    if (!isFull) {
      rows.push(...decided.visible);
      interactions.push(...decided.interactions);
      if (rows.length === query.count) next = page.next;
    }
    scanned += page.rows.length;
    after = page.next;
    if (after === undefined || isEnd) {
      next = undefined;
      break;
    }
    if (scanned >= context.limits.scannedRows) throw rejectFhir('SEARCH_TOO_COSTLY', { scannedRows: scanned });
  }
  return { rows, interactions, ...(next === undefined ? {} : { next }) };
}

function sinceThen({ rows }: PageOf<VersionRow>, sinceMs: number | undefined) {
  if (sinceMs === undefined) return { left: rows, isEnd: false };
  const left = rows.filter((row) => row.timeMs >= sinceMs);
  return { left, isEnd: rows.some((row) => row.timeMs < sinceMs - DISORDER_MS) };
}

const FORM = new Set(['_format', '_pretty']);
const INSTANT = /^\d{4}(?:-\d{2}(?:-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})?)?)?)?$/;

function historyQuery({ limits }: FhirContext, { query, prefer }: FhirRequest): HistoryQuery {
  let count = limits.pageDefault as number;
  let after: string | undefined;
  let sinceMs: number | undefined;
  const understood: [string, string][] = [];
  for (const [name, value] of query) {
    if (name === '_cursor') {
      if (value === '' || value.length > 512) throw rejectFhir('PAGE_INVALID');
      after = value;
      continue;
    }
    if (name === '_count') {
      if (!/^[1-9][0-9]{0,8}$/.test(value)) throw rejectFhir('PARAMETER_INVALID', { parameter: name });
      count = Math.min(Number(value), limits.pageMax);
    } else if (name === '_since') {
      // A plus that was not escaped comes as a space.
      const text = value.replace(' ', '+');
      sinceMs = INSTANT.test(text) ? Date.parse(text) : Number.NaN;
      if (Number.isNaN(sinceMs)) throw rejectFhir('PARAMETER_INVALID', { parameter: name });
    } else if (!FORM.has(name)) {
      if (prefer.lenient) continue;
      throw rejectFhir('PARAMETER_UNKNOWN', { parameter: name.slice(0, 64).replace(/[^\x20-\x7e]/g, '?') });
    }
    understood.push([name, value]);
  }
  const since = sinceMs === undefined ? {} : { sinceMs };
  return { count, understood, ...since, ...(after === undefined ? {} : { after }) };
}

function linkOf(address: string, understood: HistoryQuery['understood'], after: string | undefined): string {
  const query = new URLSearchParams(understood.map(([name, value]) => [name, value]));
  if (after !== undefined) query.set('_cursor', after);
  return query.size === 0 ? address : `${address}?${query}`;
}

async function historyEntry(context: FhirContext, row: VersionRow): Promise<EntryText> {
  const address = `${row.type}/${row.id}`;
  const method = row.deleted ? 'DELETE' : row.action === 'create' && row.version === 1 ? 'POST' : 'PUT';
  return {
    fullUrl: `${context.baseUrl}/${address}`,
    ...(row.deleted || row.erased ? {} : { resource: await textOf(context, row) }),
    request: { method, url: method === 'POST' ? row.type : address },
    response: {
      status: row.deleted ? '204' : row.action === 'create' ? '201' : '200',
      etag: etagOf(row.version),
      lastModified: instant(row.timeMs),
    },
  };
}
