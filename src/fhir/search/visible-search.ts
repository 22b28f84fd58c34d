import type { InteractionHeader } from '../../chain/journal-leaf.ts';
import { utf8ToText } from '../../std/bytes.ts';
import type { Hit } from '../../vault/index/index-query.ts';
import type { VersionRow } from '../../vault/vault.ts';
import { rejectFhir } from '../codes.ts';
import type { FhirContext } from '../context.ts';
import type { ParsedResource } from '../patient-account.ts';
import { type RowTest, resolveClauses } from './inner-search.ts';
import { accountCriteria } from './named-patients.ts';
import { createVisibility, type Visibility } from './visibility.ts';
import type { InnerSearch, VisibleMatch, VisibleMatches, VisibleQuery } from './visible-query.ts';

/**
 * One request's searches: what of them the caller may see, and nothing else, neither in matches nor in whether there are
 * more. Chains and `_has` count only through versions that the caller may see as well. What a match tells is journalled
 * by `interactions`, which the caller of this appends before anything leaves.
 */
export interface VisibleSearch {
  readonly visibility: Visibility;
  /** Rejects SEARCH_TOO_COSTLY when more would have to be looked at than the limits say, and what the vault rejects. */
  find(query: VisibleQuery): Promise<VisibleMatches>;
  /** Exact text of a version, opened once. */
  text(row: VersionRow): Promise<string>;
  /** What is to be journalled, with the versions that chains went through to what is shown. */
  interactions(): readonly InteractionHeader[];
}

/** Hits asked for beyond those wanted, since policy may take some away. */
const SPARE_HITS = 8;
/** Most hits that the vault gives at once. */
const MAX_HITS = 1000;

export function createVisibleSearch(context: FhirContext): VisibleSearch {
  const { vault, limits } = context;
  const visibility = createVisibility(context, 's', 'current');
  const texts = new Map<string, Promise<string>>();
  const between: VersionRow[] = [];
  let scanned = 0;
  let opened = 0;
  let keptChars = 0;

  function text(row: VersionRow): Promise<string> {
    let known = texts.get(row.leaf);
    if (known === undefined) {
      known = vault.open(row).then(utf8ToText);
      texts.set(row.leaf, known);
      known.then(
        ({ length }) => keepWithin(row, length),
        () => undefined,
      );
    }
    return known;
  }

  function keepWithin({ leaf }: VersionRow, chars: number): void {
    if (keptChars + chars > limits.keptChars) texts.delete(leaf);
    else keptChars += chars;
  }

  async function parsed(row: VersionRow): Promise<ParsedResource> {
    opened++;
    if (opened > limits.openedRows) throw tooCostly({ openedRows: limits.openedRows });
    return JSON.parse(await text(row)) as ParsedResource;
  }

  async function find(query: VisibleQuery): Promise<VisibleMatches> {
    const { criteria: asked, tests, none } = await resolveClauses(search, query.clauses);
    if (none) return { matches: [], more: false };
    const criteria = [...asked, ...(await accountCriteria(context, query.type, asked))];
    const matches: VisibleMatch[] = [];
    let after = query.after;
    for (;;) {
      const wanted = query.isExistence === true ? 1 : query.count + 1;
      const missing = wanted - matches.length;
      const page = await vault.find({
        ...{ type: query.type, criteria, sort: query.sort },
        limit: Math.min(MAX_HITS, missing + (query.isExistence === true ? 1 : SPARE_HITS)),
        ...(after === undefined ? {} : { after }),
        ...(query.boundTo === undefined ? {} : { boundTo: query.boundTo }),
      });
      scanned += page.hits.length;
      // In pieces of what is missing, so that little is decided about, and refused, that no page shows.
      for (let at = 0; at < page.hits.length; ) {
        const piece = page.hits.slice(at, at + wanted - matches.length);
        at += piece.length;
        for (const hit of await passing(piece, tests)) {
          if (matches.length === query.count) return { matches, more: true };
          matches.push({ row: hit.row, cursor: hit.cursor });
        }
        if (matches.length === 1 && query.isExistence === true) return { matches, more: false };
      }
      const last = page.hits.at(-1);
      if (!page.more || last === undefined) return { matches, more: false };
      if (scanned >= limits.scannedRows) throw tooCostly({ scannedRows: limits.scannedRows });
      after = last.cursor();
    }
  }

  /** Hits that may be seen and pass the tests: policy first, so that nothing is opened for who may not see it. */
  async function passing(hits: readonly Hit[], tests: readonly RowTest[]): Promise<readonly Hit[]> {
    const seen = new Set(await visibility.of(hits.map(({ row }) => row)));
    const visible = hits.filter(({ row }) => seen.has(row));
    if (tests.length === 0) return visible;
    const passed: Hit[] = [];
    for (const hit of visible) {
      let passes = true;
      for (const test of tests) passes &&= await test(hit.row);
      if (passes) passed.push(hit);
    }
    return passed;
  }

  const search: VisibleSearch & InnerSearch = {
    visibility,
    find,
    text,
    parsed,
    reveal: (rows) => void between.push(...rows),
    interactions() {
      // What a chain went through decided what is shown: it was looked at for the caller, whoever's it is.
      if (visibility.shownAccounts().size > 0) visibility.show(between);
      return visibility.interactions();
    },
  };
  return search;
}

function tooCostly(data: { readonly scannedRows: number } | { readonly openedRows: number }): Error {
  return rejectFhir('SEARCH_TOO_COSTLY', data);
}
