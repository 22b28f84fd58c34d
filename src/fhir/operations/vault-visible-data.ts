import { journalLooks } from '../journal-looks.ts';
import { parseSearch } from '../search/parse-search.ts';
import { createVisibleSearch } from '../search/visible-search.ts';
import type { OpenVisibleData } from './visible-data.ts';

/** What operations see of a vault, by the same search, policy and journal as `search-type`. */
export const openVisibleData: OpenVisibleData = (context) => {
  const search = createVisibleSearch(context);
  const { vault, registry, baseUrl, clock } = context;
  return {
    find: (query) => search.find({ ...query, sort: [] }),
    async current(names, wanted = () => true) {
      const rows = await Promise.all(names.map(({ type, id }) => vault.current(type, id)));
      const live = rows.filter((row) => row !== undefined && !row.deleted && !row.erased && wanted(row));
      return search.visibility.of(live.filter((row) => row !== undefined));
    },
    clauses(type, parameters) {
      const query = new URLSearchParams(parameters.map(([name, value]) => [name, value]));
      return parseSearch(registry, type, query, { baseUrl, nowMs: clock(), lenient: false }).clauses;
    },
    indexNames: (type, parameter) => registry.ofType(type)?.get(parameter)?.indexed.names ?? [],
    text: (row) => search.text(row),
    show: (rows) => search.visibility.show(rows),
    journal: () => journalLooks(context, search.interactions()),
  };
};
