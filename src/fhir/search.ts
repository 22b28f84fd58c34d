import type { InteractionHeader } from '../chain/journal-leaf.ts';
import type { VersionRow } from '../vault/vault.ts';
import { bundleText, type EntryText } from './bundle-text.ts';
import { searchTokens } from './classify.ts';
import { rejectFhir } from './codes.ts';
import type { FhirContext, FhirResult } from './context.ts';
import { informationOutcome } from './outcome.ts';
import { textOf } from './read.ts';
import { decideRead, joinInteractions } from './read-decision.ts';
import { searchAccounts } from './search-accounts.ts';
import { nextLink, type SearchQuery, searchQuery, selfLink } from './search-parameters.ts';

/** search-type: a page of current resources in order of id, decided and journalled, each account once. */
export async function search(
  context: FhirContext,
  type: string,
  query: URLSearchParams,
  lenient: boolean,
): Promise<FhirResult> {
  const parsed = searchQuery(context, type, query, lenient);
  const { rows, interactions, next } = await findVisible(context, type, parsed);
  const entries: EntryText[] = await Promise.all(
    rows.map(async (row) => ({
      fullUrl: `${context.baseUrl}/${row.type}/${row.id}`,
      resource: await textOf(context, row),
      search: 'match',
    })),
  );
  if (parsed.ignored.length > 0) {
    const outcome = informationOutcome(`Ignored search parameters: ${parsed.ignored.join(', ')}`);
    entries.push({ resource: JSON.stringify(outcome), search: 'outcome' });
  }
  await context.vault.journal(joinInteractions(interactions));
  const address = `${context.baseUrl}/${type}`;
  const used = new URLSearchParams([...query].filter(([name]) => !parsed.ignored.includes(name)));
  const links: [string, string][] = [['self', selfLink(address, used)]];
  if (next !== undefined) links.push(['next', nextLink(address, used, next)]);
  return { status: 200, body: bundleText('searchset', links, entries) };
}

/** What a search found for its caller. */
export interface Found {
  readonly rows: readonly VersionRow[];
  readonly interactions: readonly InteractionHeader[];
  /** Where the next page begins; undefined at the end. */
  readonly next?: string;
}

/** Rows that match and may be seen, at most `query.count`. Journals nothing: the caller does, with what is returned. */
export async function findVisible(context: FhirContext, type: string, query: SearchQuery): Promise<Found> {
  const [only] = query.alternatives;
  return query.ids === undefined && query.alternatives.length === 1 && only !== undefined
    ? findByTokens(context, type, only, query)
    : findInList(context, await candidates(context, type, query), query);
}

/**
 * Asks the vault for as many as are still missing until the page is full, so that what policy hides does not end it
 * early. After `scannedRows` the page is handed out as it is, with a link to go on: never silently incomplete.
 */
async function findByTokens(
  context: FhirContext,
  type: string,
  tokens: SearchQuery['alternatives'][number],
  query: SearchQuery,
): Promise<Found> {
  const rows: VersionRow[] = [];
  const interactions: InteractionHeader[] = [];
  let { after } = query;
  const accounts = await searchAccounts(context, type, tokens);
  for (let scanned = 0; ; ) {
    const page = await context.vault.search(type, tokens, {
      accounts,
      limit: query.count - rows.length,
      ...(after === undefined ? {} : { after }),
    });
    const decided = await decideRead(
      context,
      page.rows.filter((row) => !row.erased),
    );
    rows.push(...decided.visible);
    interactions.push(...decided.interactions);
    scanned += page.rows.length;
    if (page.next === undefined) return { rows, interactions };
    if (rows.length >= query.count || scanned >= context.limits.scannedRows)
      return { rows, interactions, next: page.next };
    after = page.next;
  }
}

async function findInList(context: FhirContext, all: readonly VersionRow[], query: SearchQuery): Promise<Found> {
  const { after } = query;
  const left = after === undefined ? all : all.filter((row) => row.id > after);
  const rows = left.slice(0, query.count);
  const last = rows.at(-1);
  const { visible, interactions } = await decideRead(context, rows);
  return { rows: visible, interactions, ...(left.length > rows.length && last !== undefined ? { next: last.id } : {}) };
}

/** All rows of a search by `_id` or by several values, in order of id. */
async function candidates(context: FhirContext, type: string, query: SearchQuery): Promise<VersionRow[]> {
  const found = new Map<string, VersionRow>();
  const keep = (row: VersionRow) => {
    found.set(row.id, row);
    if (found.size > context.limits.scannedRows) throw rejectFhir('SEARCH_TOO_COSTLY');
  };
  if (query.ids !== undefined) {
    const rows = await Promise.all(query.ids.map((id) => context.vault.current(type, id)));
    const live = rows.flatMap((row) => (row === undefined || row.deleted || row.erased ? [] : [row]));
    const fits = await Promise.all(live.map((row) => hasTokens(context, row, query)));
    live.filter((_, at) => fits[at] === true).forEach(keep);
  } else {
    for (const tokens of query.alternatives) {
      const accounts = await searchAccounts(context, type, tokens);
      for (let after: string | undefined; ; ) {
        const page = await context.vault.search(type, tokens, {
          accounts,
          limit: context.limits.pageMax,
          ...(after === undefined ? {} : { after }),
        });
        page.rows.filter((row) => !row.erased).forEach(keep);
        if (page.next === undefined) break;
        after = page.next;
      }
    }
  }
  return [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

async function hasTokens(context: FhirContext, row: VersionRow, { alternatives }: SearchQuery): Promise<boolean> {
  if (alternatives.some((tokens) => tokens.length === 0)) return true;
  const resource = JSON.parse(await textOf(context, row));
  const has = new Set(
    searchTokens(resource, context.definitions, context.baseUrl).map(({ parameter, value }) => `${parameter} ${value}`),
  );
  return alternatives.some((tokens) => tokens.every(({ parameter, value }) => has.has(`${parameter} ${value}`)));
}
