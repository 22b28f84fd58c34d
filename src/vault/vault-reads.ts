import { reject } from './codes.ts';
import { cursorToInteger, keyToCursor, MAX_PAGE_ROWS, pageRows } from './cursor.ts';
import { positionOf } from './position.ts';
import type { AnchorRow, JournalEntry, JournalHead, OpenedEntry, PageOf, Vault, VersionRow } from './vault.ts';
import type { VaultParts } from './vault-parts.ts';

type Reads = Pick<
  Vault,
  | (
      | 'current'
      | 'version'
      | 'history'
      | 'historyOf'
      | 'find'
      | 'open'
      | 'openAll'
      | 'blob'
      | 'salt'
      | 'entry'
      | 'entriesOf'
    )
  | ('journalEntries' | 'journalEntry' | 'journalBefore' | 'entriesFrom')
  | ('journalHead' | 'inclusion' | 'consistency' | 'lastAnchor' | 'anchorOf')
  | ('accountOf' | 'tagKey' | 'getDocument' | 'listDocuments')
>;

/** What an open vault answers, each call at the last commit. */
export function readOperations(parts: VaultParts): Reads {
  const { versions, currents, journal, log, reader, keyStore, documents, anchors, index } = parts;
  let head: JournalHead | undefined;

  /** Nothing is read while the vault is behind its anchor, failed or closed. */
  function serving<A extends readonly unknown[], R>(read: (...args: A) => Promise<R>): (...args: A) => Promise<R> {
    return async (...args) => {
      parts.requireServing();
      return read(...args);
    };
  }

  function current(type: string, id: string): Promise<VersionRow | undefined> {
    return currents.get(`${type}/${id}`, async () => {
      const version = await versions.current(type, id);
      return version === undefined ? undefined : reader.remember(version);
    });
  }

  /** Walks back from the newest: a step for each later version. */
  async function version(type: string, id: string, number: number): Promise<VersionRow | undefined> {
    const resource = await versions.resource(type, id);
    if (resource === undefined || number > resource.version) return undefined;
    // In steps of a page, since a resource may have very many versions.
    for (let [from, left] = [resource.position, resource.version - number + 1]; left > 0 && from >= 0; ) {
      const found = await versions.chain(type, id, from, Math.min(left, MAX_PAGE_ROWS));
      const last = found.at(-1);
      if (last === undefined || last.row.version === number) return last && reader.remember(last);
      left -= found.length;
      from = last.before;
    }
    return undefined;
  }

  async function history(type: string, id: string, limit: number, after?: string): Promise<PageOf<VersionRow>> {
    const most = pageRows(limit);
    const resource = await versions.resource(type, id);
    if (resource === undefined) return { rows: [] };
    // The cursor is the place to go on at, so a page costs its own rows only, however long the history is.
    const from = cursorToInteger('history', after, resource.position);
    if (after !== undefined) {
      const first = await versions.versionAt(from);
      if (first?.row.type !== type || first.row.id !== id) throw reject('CURSOR_INVALID');
    }
    const found = await versions.chain(type, id, from, most);
    const rows = found.map(reader.remember);
    const next = found.length === most ? (found.at(-1)?.before ?? -1) : -1;
    return next < 0 ? { rows } : { rows, next: keyToCursor('history', String(next)) };
  }

  async function historyOf(type: string | undefined, limit: number, after?: string): Promise<PageOf<VersionRow>> {
    const most = pageRows(limit);
    const list = `history of ${type ?? 'all'}`;
    const before = cursorToInteger(list, after, Number.MAX_SAFE_INTEGER);
    const found = await versions.versionsBefore(type, before, most + 1);
    const page = pageOf(found, most, (last) => keyToCursor(list, String(last.position)));
    return { ...page, rows: page.rows.map(reader.remember) };
  }

  async function entriesOf(account: string, limit: number, after?: string): Promise<PageOf<OpenedEntry>> {
    const most = pageRows(limit);
    const before = cursorToInteger('entries', after, Number.MAX_SAFE_INTEGER);
    const rows = await journal.entriesOf(account, before, most + 1);
    const page = pageOf(rows, most, (row) => keyToCursor('entries', String(row.position)));
    return { ...page, rows: await Promise.all(page.rows.map(reader.openEntry)) };
  }

  async function journalEntries(
    account: string | undefined,
    limit: number,
    after?: string,
  ): Promise<PageOf<JournalEntry>> {
    const most = pageRows(limit);
    const before = cursorToInteger('entries', after, Number.MAX_SAFE_INTEGER);
    const rows = await (account === undefined
      ? journal.entriesBefore(before, most + 1)
      : journal.entriesOf(account, before, most + 1));
    const page = pageOf(rows, most, (row) => keyToCursor('entries', String(row.position)));
    return { ...page, rows: await Promise.all(page.rows.map(reader.readEntry)) };
  }

  /** Rows that are seen before they are durable are not given: a crash could take them back. */
  async function entriesFrom(generation: number, index: number, limit: number): Promise<readonly JournalEntry[]> {
    const open = log.head;
    const size = open.generation === generation ? open.size : ((await journal.generation(generation))?.size ?? 0);
    const end = Math.min(index + pageRows(limit), size);
    if (index >= end) return [];
    const rows = await journal.entriesBetween(positionOf(generation, index), positionOf(generation, end));
    return Promise.all(rows.map(reader.readEntry));
  }

  /** Halves the positions, of which a generation may use few: what counts is the newest entry below one. */
  async function journalBefore(timeMs: number): Promise<string> {
    let [low, high] = [0, ((await journal.lastPosition()) ?? -1) + 1];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const [row] = await journal.entriesBefore(middle + 1, 1);
      if (row === undefined || row.position < low) {
        low = middle + 1;
        continue;
      }
      const entry = await reader.readEntry(row);
      const atMs = entry.kind === 'version' ? entry.row.timeMs : entry.header.timeMs;
      if (atMs < timeMs) low = middle + 1;
      else high = row.position;
    }
    return keyToCursor('entries', String(low));
  }

  function journalHead(): JournalHead {
    const { generation, size, root } = log.head;
    if (head?.generation !== generation || head.size !== size)
      head = { custodian: parts.custodian, generation, size, root };
    return head;
  }

  return {
    current: serving(current),
    version: serving(version),
    history: serving(history),
    historyOf: serving(historyOf),
    find: serving(async (query) => {
      index.requireBuilt();
      return index.finder.find(query);
    }),
    open: serving(reader.open),
    openAll: serving(reader.openAll),
    salt: serving(reader.salt),
    blob: serving(reader.blob),
    entry: serving(async (generation, index) => {
      const row = await journal.entry(positionOf(generation, index));
      return row === undefined ? undefined : reader.openEntry(row);
    }),
    entriesOf: serving(entriesOf),
    journalEntries: serving(journalEntries),
    journalEntry: serving(async (generation, index) => {
      const row = await journal.entry(positionOf(generation, index));
      return row === undefined ? undefined : reader.readEntry(row);
    }),
    journalBefore: serving(journalBefore),
    entriesFrom: serving(entriesFrom),
    journalHead,
    inclusion: serving(log.inclusion),
    consistency: serving(log.consistency),
    lastAnchor: anchors.last,
    anchorOf: serving(
      (generation, index): Promise<AnchorRow | undefined> => journal.firstAnchorBeyond(generation, index),
    ),
    accountOf: serving(async (type, id) => (await current(type, id))?.account),
    tagKey: serving(async (account) => {
      const keys = await keyStore.account(account);
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
