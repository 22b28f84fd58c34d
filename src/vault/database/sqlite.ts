import type { CompiledQuery } from 'kysely';
import { rowDecoder } from '../columns.ts';
import type { Change, Connection, SqlValue, Statement, StatementRole } from './connection.ts';
import { createRecentMap } from './recent-map.ts';
import { CHECKPOINT_PAGES, type SqliteOptions } from './sqlite-file.ts';
import { createFreezer } from './sqlite-freezer.ts';
import { type NamedRows, openRemoteFile, type RemoteFile } from './sqlite-thread.ts';

/** One encrypted SQLite file (sqlite-file.ts), held by one process and run on a thread of its own (sqlite-worker.ts). */
export interface SqliteConnection extends Connection {
  pragma(text: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  readonly file: RemoteFile;
}

interface SqliteStatement extends Statement<unknown> {
  readonly number: number;
}

/** Statements whose text is made for one request, that are kept prepared. */
const MAX_RECENT = 256;

/** Opens or creates a database file. Rejects with VAULT_IN_USE, VAULT_KEY_WRONG, VAULT_DAMAGED; see `openSqliteFile`. */
export async function openSqlite(path: string, options: SqliteOptions): Promise<SqliteConnection> {
  const file = await openRemoteFile(path, options);
  const freezer = createFreezer(path, CHECKPOINT_PAGES, (text) => file.pragma(text));
  const recent = createRecentMap<SqliteStatement>(MAX_RECENT);
  const prepare = <Row>(query: CompiledQuery<Row>, role?: StatementRole) =>
    statementOf<Row>(file, query.sql, query.parameters.length, role);

  const numbered = (changes: readonly Change[]) =>
    changes.map(({ statement, values }) => ({ statement: (statement as SqliteStatement).number, values }));

  return {
    dialect: 'sqlite',
    prepare,
    async all<Row>(query: CompiledQuery<Row>) {
      let statement = recent.get(query.sql);
      if (statement === undefined) {
        statement = prepare(query) as unknown as SqliteStatement;
        const gone = recent.set(query.sql, statement);
        if (gone !== undefined) file.forget(gone.number);
      }
      return (await statement.all(...(query.parameters as SqlValue[]))) as Row[];
    },
    file,
    async write(changes) {
      if (changes.length > 0) await file.write(numbered(changes));
    },
    apply: (changes, after) => file.apply(numbered(changes), (after as SqliteConnection | undefined)?.file),
    inOrder: true,
    resume: () => file.resume(),
    derivesLater: true,
    execute: (queries) => file.execute(queries.map(({ sql }) => sql)),
    // Freed bytes are zeroed in the file (`secure_delete`); what is left is the log, which goes into it and is truncated.
    async overwrite() {
      freezer.disturb();
      await file.checkpoint();
    },
    async freeze() {
      await file.checkpoint();
      return freezer.freeze();
    },
    async integrityFault() {
      // sqlite.org/pragma.html#pragma_integrity_check; stops at the first thing that is wrong.
      const query = 'select cast(integrity_check as blob) as integrity_check from pragma_integrity_check(1)';
      const row = await statementOf<{ integrity_check: string }>(file, query, 0).get();
      return row?.integrity_check === 'ok' ? undefined : 'file';
    },
    lost: file.lost,
    pragma: (text) => file.pragma(text),
    async close() {
      freezer.disturb();
      await file.close();
      await freezer.close();
    },
  };
}

function statementOf<Row>(file: RemoteFile, text: string, parameters: number, role?: StatementRole): Statement<Row> {
  const number = file.prepare(text, role);
  let decode: ((row: readonly SqlValue[]) => Record<string, unknown>) | undefined;

  function checkedValues(values: readonly SqlValue[]): readonly SqlValue[] {
    if (values.length !== parameters) throw new TypeError(`statement takes ${parameters} values, not ${values.length}`);
    return values;
  }

  function decoded({ names, rows }: NamedRows): Row[] {
    if (rows.length === 0) return [];
    decode ??= rowDecoder(names);
    return rows.map(decode) as Row[];
  }

  const made: Statement<Row> & { readonly number: number } = {
    number,
    get: async (...values) => decoded(await file.get(number, checkedValues(values)))[0],
    all: async (...values) => decoded(await file.all(number, checkedValues(values))),
    change: (...values) => ({ statement: made as Statement<unknown>, values: checkedValues(values) }),
  };
  return made;
}
