import type { VersionRow } from '../../vault/vault.ts';
import { rejectFhir } from '../codes.ts';
import type { FhirContext } from '../context.ts';
import type { ParsedResource } from '../patient-account.ts';
import { resourceToEntries } from './resource-entries.ts';
import type { IncludeRule } from './search-clause.ts';
import type { VisibleSearch } from './visible-search.ts';

/** How often `:iterate` goes on from what it has found. Loops end earlier: nothing is included twice. */
const MAX_ROUNDS = 8;
/** Current rows looked up at a time. */
const AT_ONCE = 50;

/**
 * What `_include` and `_revinclude` add to the matches of one page (R4 §3.1.1.5.4): each resource once, none that is a
 * match, only what the caller may see. Rejects SEARCH_TOO_COSTLY beyond `limits.includedRows`, rather than leave out.
 */
export async function includedRows(
  context: FhirContext,
  search: VisibleSearch,
  matches: readonly VersionRow[],
  rules: readonly IncludeRule[],
): Promise<readonly VersionRow[]> {
  const known = new Set(matches.map(nameOf));
  const included: VersionRow[] = [];
  let from = matches;
  for (let round = 0; round < MAX_ROUNDS && from.length > 0; round++) {
    const found: VersionRow[] = [];
    for (const rule of rules) {
      if (round > 0 && !rule.iterate) continue;
      const rows = rule.reverse
        ? await referringRows(context, search, from, rule)
        : await referredRows(context, search, from, rule);
      for (const row of rows) {
        if (known.has(nameOf(row))) continue;
        known.add(nameOf(row));
        found.push(row);
        if (included.length + found.length > context.limits.includedRows)
          throw rejectFhir('SEARCH_TOO_COSTLY', { includedRows: context.limits.includedRows });
      }
    }
    included.push(...found);
    from = found;
  }
  return included;
}

function nameOf({ type, id }: { readonly type: string; readonly id: string }): string {
  return `${type}/${id}`;
}

/** Resources that the rule's parameter of these versions refers to. */
async function referredRows(
  context: FhirContext,
  search: VisibleSearch,
  from: readonly VersionRow[],
  { source, parameter, target }: IncludeRule,
): Promise<readonly VersionRow[]> {
  const wanted = new Map<string, { readonly type: string; readonly id: string }>();
  for (const row of from) {
    if (source !== '*' && row.type !== source) continue;
    const resource = JSON.parse(await search.text(row)) as ParsedResource;
    const { links } = resourceToEntries(resource, context.registry, context.baseUrl, row.timeMs);
    for (const link of links) {
      const isWanted = (parameter === '*' || link.parameter === parameter) && (target ?? link.type) === link.type;
      if (isWanted) wanted.set(nameOf(link), link);
    }
  }
  const rows: VersionRow[] = [];
  const all = [...wanted.values()];
  for (let at = 0; at < all.length; at += AT_ONCE) {
    const found = await Promise.all(all.slice(at, at + AT_ONCE).map(({ type, id }) => context.vault.current(type, id)));
    for (const row of found) if (row !== undefined && !row.deleted && !row.erased) rows.push(row);
  }
  return search.visibility.of(rows);
}

/** Resources of the rule's type that refer to these versions by its parameter. */
async function referringRows(
  { limits }: FhirContext,
  search: VisibleSearch,
  from: readonly VersionRow[],
  { source, parameter, target }: IncludeRule,
): Promise<readonly VersionRow[]> {
  const targets = from.filter((row) => target === undefined || row.type === target);
  if (targets.length === 0) return [];
  const { matches } = await search.find({
    type: source,
    clauses: [{ kind: 'value', criterion: { kind: 'link', parameter, targets } }],
    sort: [],
    count: limits.includedRows + 1,
  });
  return matches.map(({ row }) => row);
}
