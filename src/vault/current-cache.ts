import type { VersionRow } from './vault.ts';

/** Rows of current versions in memory, about a kilobyte each: a reference or a read asks for the same few again. */
const MAX_ROWS = 4096;

/**
 * Current rows as they were last read at a commit. Whatever changes a resource's row forgets it within its own
 * transaction, before anybody can read; if that is rolled back, the row is merely read again.
 */
export interface CurrentCache {
  get(type: string, id: string): VersionRow | undefined;
  set(row: VersionRow): void;
  forget(type: string, id: string): void;
}

export function createCurrentCache(): CurrentCache {
  const rows = new Map<string, VersionRow>();
  const nameOf = (type: string, id: string): string => `${type}/${id}`;
  return {
    get: (type, id) => rows.get(nameOf(type, id)),
    set(row) {
      // The oldest goes first: simpler than the least used, and as good for a few patients' charts.
      if (rows.size >= MAX_ROWS) rows.delete(rows.keys().next().value as string);
      rows.set(nameOf(row.type, row.id), row);
    },
    forget: (type, id) => void rows.delete(nameOf(type, id)),
  };
}
