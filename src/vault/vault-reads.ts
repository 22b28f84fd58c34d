import { reject } from './codes.ts';
import { cursorToInteger, keyToCursor, pageRows } from './cursor.ts';
import { positionOf } from './position.ts';
import { currentOf, search } from './search.ts';
import type { AnchorRow, JournalHead, OpenedEntry, PageOf, Vault, VersionRow } from './vault.ts';
import type { VaultParts } from './vault-parts.ts';

type Reads = Pick<
  Vault,
  | ('current' | 'version' | 'history' | 'search' | 'open' | 'blob' | 'salt' | 'entry' | 'entriesOf')
  | ('journalHead' | 'inclusion' | 'consistency' | 'lastAnchor' | 'anchorOf')
  | ('accountOf' | 'tagKey' | 'getDocument' | 'listDocuments')
>;

/** What an open vault answers, each call at the last commit. */
export function readOperations(parts: VaultParts): Reads {
  const { versions, currents, journal, log, reader, keyStore, documents } = parts;
  let head: JournalHead | undefined;

  /** Nothing is read while the vault is behind its anchor, failed or closed. */
  function serving<A extends readonly unknown[], R>(read: (...args: A) => R): (...args: A) => Promise<R> {
    return async (...args) => {
      parts.requireServing();
      return read(...args);
    };
  }

  function current(type: string, id: string): VersionRow | undefined {
    const known = currents.get(type, id);
    if (known !== undefined) return known;
    const resource = versions.resource(type, id);
    const row = resource === undefined ? undefined : currentOf(parts, resource);
    if (row !== undefined) currents.set(row);
    return row;
  }

  /** Walks back from the newest: a step for each later version. */
  function version(type: string, id: string, number: number): VersionRow | undefined {
    const resource = versions.resource(type, id);
    if (resource === undefined || number > resource.version) return undefined;
    for (const found of versions.chain(type, id, resource.position)) {
      if (found.row.version === number) return reader.remember(found);
    }
    return undefined;
  }

  function history(type: string, id: string, limit: number, after?: string): PageOf<VersionRow> {
    const most = pageRows(limit);
    const resource = versions.resource(type, id);
    if (resource === undefined) return { rows: [] };
    // The cursor is the place to go on at, so a page costs its own rows only, however long the history is.
    const from = cursorToInteger('history', after, resource.position);
    const first = versions.versionAt(from);
    if (first?.row.type !== type || first.row.id !== id) throw reject('CURSOR_INVALID');
    const rows: VersionRow[] = [];
    for (const found of versions.chain(type, id, from)) {
      if (rows.length === most) return { rows, next: keyToCursor('history', String(found.position)) };
      rows.push(reader.remember(found));
    }
    return { rows };
  }

  function entriesOf(account: string, limit: number, after?: string): PageOf<OpenedEntry> {
    const most = pageRows(limit);
    const before = cursorToInteger('entries', after, Number.MAX_SAFE_INTEGER);
    const rows = journal.entriesOf(account, before, most + 1);
    const page = pageOf(rows, most, (row) => keyToCursor('entries', String(row.position)));
    return { ...page, rows: page.rows.map(reader.openEntry) };
  }

  function journalHead(): JournalHead {
    const { generation, size } = log;
    if (head?.generation !== generation || head.size !== size) {
      head = { custodian: parts.custodian, generation, size, root: log.root(generation, size) };
    }
    return head;
  }

  return {
    current: serving(current),
    version: serving(version),
    history: serving(history),
    search: serving((type, tokens, options) => search(parts, type, tokens, options)),
    open: serving(reader.open),
    salt: serving(reader.salt),
    blob: serving(reader.blob),
    entry: serving((generation, index) => {
      const row = journal.entry(positionOf(generation, index));
      return row === undefined ? undefined : reader.openEntry(row);
    }),
    entriesOf: serving(entriesOf),
    journalHead,
    inclusion: serving(log.inclusion),
    consistency: serving(log.consistency),
    lastAnchor: () => journal.lastAnchor(),
    anchorOf: serving((generation, index): AnchorRow | undefined => journal.firstAnchorBeyond(generation, index)),
    accountOf: serving((type, id) => versions.resource(type, id)?.account),
    tagKey: serving((account) => {
      const keys = keyStore.account(account);
      if (keys === undefined) throw reject('ACCOUNT_UNKNOWN', { account });
      return keys.tag;
    }),
    getDocument: serving(documents.get),
    listDocuments: serving(documents.list),
  };
}

/** A page of at most `most` rows out of one row more than that. */
function pageOf<T>(rows: readonly T[], most: number, cursorOf: (last: T) => string): PageOf<T> {
  const last = rows[most - 1];
  if (rows.length <= most || last === undefined) return { rows };
  return { rows: rows.slice(0, most), next: cursorOf(last) };
}
