import type { VersionRow } from '../../vault/vault.ts';
import { bundleText, type EntryText } from '../bundle-text.ts';
import { rejectFhir } from '../codes.ts';
import type { FhirContext, FhirResult } from '../context.ts';
import { fittingCount } from '../fitting.ts';
import { journalLooks } from '../journal-looks.ts';
import { warningOutcome } from '../outcome.ts';
import { subset } from '../subset.ts';
import { includedRows } from './include.ts';
import { parseSearch } from './parse-search.ts';
import type { SearchClause, SearchRequest } from './search-clause.ts';
import type { VisibleMatches } from './visible-query.ts';
import { createVisibleSearch, type VisibleSearch } from './visible-search.ts';

/** `_total=estimate` gives the exact total up to here, and none beyond. */
const ESTIMATED_ROWS = 1000;

/** What is searched: a type, perhaps within a compartment, whose condition is added to those asked for. */
export interface SearchScope {
  readonly type: string;
  /** Path below the base that the search is at, e.g. `Patient/1/Observation`. */
  readonly path: string;
  readonly compartment?: SearchClause;
}

/**
 * search-type and compartment search (R4 §3.1.0.9). Only what the caller may see is found, counted, paged and included;
 * all of it is journalled before it leaves. Rejects PARAMETER_UNKNOWN unless `lenient`, PARAMETER_INVALID,
 * SEARCH_TOO_COSTLY, CURSOR_INVALID.
 */
export async function answerSearch(
  context: FhirContext,
  scope: SearchScope,
  query: URLSearchParams,
  lenient: boolean,
): Promise<FhirResult> {
  const { registry, baseUrl, limits } = context;
  const { pageDefault, pageMax } = limits;
  const options = { lenient, baseUrl, nowMs: context.clock(), limits: { pageDefault, pageMax } };
  const request = parseSearch(registry, scope.type, query, options);
  const clauses = scope.compartment === undefined ? request.clauses : [scope.compartment, ...request.clauses];
  const search = createVisibleSearch(context);
  const found = await fittingPage(search, await findPage(search, request, clauses, scope.path), limits.bundleBytes);
  const rows = found.matches.map(({ row }) => row);
  const included = await includedRows(context, search, rows, request.includes);
  if ((await fittingCount(included, search.text, limits.bundleBytes)) < included.length)
    throw rejectFhir('SEARCH_TOO_COSTLY', { includedBytes: limits.bundleBytes });
  search.visibility.show(rows);
  search.visibility.show(included);
  const total = await totalOf(search, request, clauses, found, limits.scannedRows);
  // Opened before it is journalled, so that the journal tells of no read of a version that cannot be opened.
  const entries = [
    ...(await Promise.all(rows.map((row) => entryOf(context, search, request, row, 'match')))),
    ...(await Promise.all(included.map((row) => entryOf(context, search, request, row, 'include')))),
  ];
  if (request.ignored.length > 0) entries.push(ignoredEntry(request.ignored));
  await journalLooks(context, search.interactions());
  const links = linksOf(`${baseUrl}/${scope.path}`, request, found);
  return { status: 200, body: bundleText('searchset', links, entries, total) };
}

/** The page up to where it gets too large; the next one goes on there. */
async function fittingPage(search: VisibleSearch, found: VisibleMatches, maxChars: number): Promise<VisibleMatches> {
  const count = await fittingCount(found.matches, ({ row }) => search.text(row), maxChars);
  return count === found.matches.length ? found : { matches: found.matches.slice(0, count), more: true };
}

async function findPage(
  search: VisibleSearch,
  { type, sort, count, cursor, understood }: SearchRequest,
  clauses: readonly SearchClause[],
  path: string,
): Promise<VisibleMatches> {
  if (count === 0) return { matches: [], more: false };
  const boundTo = JSON.stringify([path, understood.filter(([name]) => name !== '_count')]);
  return search.find({ type, clauses, sort, count, boundTo, ...(cursor === undefined ? {} : { after: cursor }) });
}

/**
 * Number of matches that the caller may see. Given when it was asked for, and where it costs nothing: when all of them
 * are on this page. What was counted was looked at, and is journalled as read.
 */
async function totalOf(
  search: VisibleSearch,
  { type, total, count, cursor, summary }: SearchRequest,
  clauses: readonly SearchClause[],
  found: VisibleMatches,
  scannedRows: number,
): Promise<number | undefined> {
  const onlyCount = count === 0 || summary === 'count';
  if (!onlyCount && cursor === undefined && !found.more) return found.matches.length;
  if (!onlyCount && total === 'none') return undefined;
  const most = total === 'estimate' && !onlyCount ? ESTIMATED_ROWS : scannedRows;
  const { matches, more } = await search.find({ type, clauses, sort: [], count: most });
  // An estimate may be left out; a number that was asked for is right or refused.
  if (more && most === scannedRows) throw rejectFhir('SEARCH_TOO_COSTLY', { scannedRows });
  if (more) return undefined;
  search.visibility.show(matches.map(({ row }) => row));
  return matches.length;
}

async function entryOf(
  { baseUrl, definitions }: FhirContext,
  search: VisibleSearch,
  { summary, elements }: SearchRequest,
  row: VersionRow,
  mode: 'match' | 'include',
): Promise<EntryText> {
  const text = await search.text(row);
  const isWhole = elements === undefined && (summary === undefined || summary === 'false');
  const part = { ...(summary === undefined ? {} : { summary }), ...(elements === undefined ? {} : { elements }) };
  const resource = isWhole ? text : subset(text, definitions, part);
  return { fullUrl: `${baseUrl}/${row.type}/${row.id}`, resource, search: mode };
}

/** Says what `handling=lenient` passed over, in the answer itself (R4 §3.1.1.1). */
function ignoredEntry(ignored: readonly string[]): EntryText {
  const outcome = warningOutcome(`Ignored, since unknown here: ${ignored.join(', ')}`);
  return { resource: JSON.stringify(outcome), search: 'outcome' };
}

/** `self` echoes what was understood; `next` goes on after the last match. */
function linksOf(
  address: string,
  { understood, cursor }: SearchRequest,
  { matches, more }: VisibleMatches,
): [string, string][] {
  const addressAfter = (after: string | undefined) => {
    const query = new URLSearchParams(understood.map(([name, value]) => [name, value]));
    if (after !== undefined) query.set('_cursor', after);
    return query.size === 0 ? address : `${address}?${query}`;
  };
  const links: [string, string][] = [['self', addressAfter(cursor)]];
  const last = matches.at(-1);
  if (more && last !== undefined) links.push(['next', addressAfter(last.cursor())]);
  return links;
}
