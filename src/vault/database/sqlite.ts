import type { CompiledQuery } from 'kysely';
import Database from 'libsql';
import { isReject, type Reject } from '../../std/reject.ts';
import { reject } from '../codes.ts';
import { decodeRow } from '../columns.ts';
import type { Change, Connection, SqlValue, Statement } from './connection.ts';
import { createRecentMap } from './recent-map.ts';
import { createFreezer } from './sqlite-freezer.ts';
import { createLogSync } from './sqlite-log-sync.ts';

/**
 * One encrypted SQLite file, held by one process. libsql runs everything at once on this thread, so a transaction is over
 * before anything else in the process can read, and one connection is enough. It is durable a little later, when its log
 * is synced: what others read of it until then they tell nobody before their own entry in the journal is durable, and
 * the log is durable from its beginning on.
 */
export interface SqliteConnection extends Connection {
  pragma(text: string): readonly Readonly<Record<string, unknown>>[];
}

interface SqliteStatement<Row> extends Statement<Row> {
  run(values: readonly SqlValue[]): void;
}

const PAGE_BYTES = 4096;
/** Pages in the write-ahead log before it goes into the file: 16 MiB. */
const CHECKPOINT_PAGES = 4000;
/** Statements whose text is made for one request, that are kept prepared. */
const MAX_RECENT = 256;

/**
 * Opens or creates a database file. `key` (hexadecimal) encrypts every page by AES-256-CBC, the only cipher that
 * libsql is built with; it does not authenticate, which is why each row carries a MAC (row-mac.ts). Throws Reject
 * VAULT_IN_USE, VAULT_KEY_WRONG (also for a damaged first page: the two cannot be told apart here), VAULT_DAMAGED.
 */
export function openSqlite(
  path: string,
  options: { key: string; cacheBytes: number; maxBytes?: number },
): SqliteConnection {
  return guarded(() => {
    const database = new Database(path, { encryptionKey: options.key } as unknown as Database.Options);
    try {
      configure(database, options);
    } catch (error) {
      release(database);
      throw error;
    }
    return connectionOf(database, path);
  });
}

function configure(database: Database.Database, options: { cacheBytes: number; maxBytes?: number }): void {
  // Exclusive before the first read: it is what keeps a second process out, and needs no shared memory file.
  database.pragma('locking_mode=EXCLUSIVE');
  database.pragma('journal_mode=WAL');
  // SQLite itself syncs at checkpoints only; the log is synced after each commit by `createLogSync`.
  database.pragma('synchronous=NORMAL');
  database.pragma('secure_delete=ON');
  // A commit of 50 versions touches some 1,200 pages, so at SQLite's 1,000 each would wait for all of them a second time.
  database.pragma(`wal_autocheckpoint=${CHECKPOINT_PAGES}`);
  database.pragma(`cache_size=-${Math.ceil(options.cacheBytes / 1024)}`);
  database.pragma('temp_store=MEMORY');
  if (options.maxBytes !== undefined)
    database.pragma(`max_page_count=${Math.max(1, Math.floor(options.maxBytes / PAGE_BYTES))}`);
  // The lock is taken by the first write, not by the pragma.
  database.exec('BEGIN IMMEDIATE');
  database.exec('COMMIT');
}

function connectionOf(database: Database.Database, path: string): SqliteConnection {
  const freezer = createFreezer(path, CHECKPOINT_PAGES, (text) => pragma(text));
  const log = createLogSync(`${path}-wal`);
  const recent = createRecentMap<Statement<unknown>>(MAX_RECENT);
  const pragma = (text: string) => guarded(() => database.pragma(text) as Record<string, unknown>[]);
  const prepare = <Row>(query: CompiledQuery<Row>) => statementOf<Row>(database, query.sql, query.parameters.length);

  /** In the log when it returns, and durable after `log.sync`. A full disk has SQLite roll back by itself. */
  function transaction(run: () => void): void {
    guarded(() => database.exec('BEGIN IMMEDIATE'));
    try {
      run();
      guarded(() => database.exec('COMMIT'));
    } catch (error) {
      try {
        if (database.inTransaction) database.exec('ROLLBACK');
      } catch {
        throw reject('VAULT_STORAGE_FAILED', { step: 'rollback' });
      }
      throw error;
    }
  }

  return {
    dialect: 'sqlite',
    prepare,
    async all<Row>(query: CompiledQuery<Row>) {
      let statement = recent.get(query.sql);
      if (statement === undefined) {
        statement = prepare(query);
        recent.set(query.sql, statement);
      }
      return (await statement.all(...(query.parameters as SqlValue[]))) as Row[];
    },
    async write(changes: readonly Change[]) {
      if (changes.length === 0) return;
      transaction(() => {
        for (const { statement, values } of changes) (statement as SqliteStatement<unknown>).run(values);
      });
      await log.sync();
    },
    async execute(queries) {
      transaction(() => {
        for (const query of queries) guarded(() => database.prepare(query.sql).run());
      });
      await log.sync();
    },
    // Freed bytes are zeroed in the file (`secure_delete`); what is left is the log, which goes into it and is truncated.
    async overwrite() {
      freezer.disturb();
      const row = pragma('wal_checkpoint(TRUNCATE)')[0];
      if (row?.busy !== 0) throw reject('VAULT_STORAGE_FAILED', { step: 'checkpoint' });
    },
    async freeze() {
      const row = pragma('wal_checkpoint(TRUNCATE)')[0];
      if (row?.busy !== 0) throw reject('VAULT_STORAGE_FAILED', { step: 'checkpoint' });
      return freezer.freeze();
    },
    async integrityFault() {
      // sqlite.org/pragma.html#pragma_integrity_check; stops at the first thing that is wrong.
      const query = 'select cast(integrity_check as blob) as integrity_check from pragma_integrity_check(1)';
      const row = await statementOf<{ integrity_check: string }>(database, query, 0).get();
      return row?.integrity_check === 'ok' ? undefined : 'file';
    },
    lost: new Promise<Reject>(() => {}),
    pragma,
    async close() {
      freezer.disturb();
      await log.close();
      try {
        // One file and no log is left behind; only out of WAL can the lock be given back.
        database.pragma('wal_checkpoint(TRUNCATE)');
        database.pragma('journal_mode=DELETE');
      } catch {
        // After a fault. What was committed is durable in the log, where the next start finds it.
      }
      release(database);
      await freezer.close();
    },
  };
}

/** Statements that are not yet collected keep libsql's handle alive after close(), so the lock is given back before. */
function release(database: Database.Database): void {
  try {
    database.pragma('locking_mode=NORMAL');
    database.prepare('SELECT count(*) FROM sqlite_schema').all();
  } catch {
    // Not readable (a wrong key, a damaged page); reading it was only to make the lock change.
  }
  database.close();
}

/**
 * A prepared statement for each way of running it: libsql 0.5.29 answers `get` with nothing on a statement whose last
 * `all` found no row. Prepared at first use, since most are run one way only.
 */
function statementOf<Row>(database: Database.Database, text: string, parameters: number): SqliteStatement<Row> {
  function checkedValues(values: readonly SqlValue[]): readonly SqlValue[] {
    if (values.length !== parameters) throw new TypeError(`statement takes ${parameters} values, not ${values.length}`);
    return values;
  }
  function runner<R>(run: (statement: Database.Statement<unknown[]>, bound: unknown) => R) {
    let statement: Database.Statement<unknown[]> | undefined;
    return (values: readonly SqlValue[]): R =>
      guarded(() => {
        statement ??= database.prepare(text);
        // One array as the only argument: libsql takes a lone Uint8Array for an object of named parameters.
        return run(statement, values);
      });
  }
  const get = runner((statement, bound) => {
    const row = statement.get(bound) as Record<string, unknown> | undefined;
    return row === undefined ? undefined : (decodeRow(row) as Row);
  });
  const all = runner((statement, bound) =>
    (statement.all(bound) as Record<string, unknown>[]).map((row) => decodeRow(row) as Row),
  );
  const made: SqliteStatement<Row> = {
    get: async (...values) => get(checkedValues(values)),
    all: async (...values) => all(checkedValues(values)),
    change: (...values) => ({ statement: made as Statement<unknown>, values: checkedValues(values) }),
    run: runner((statement, bound) => void statement.run(bound)),
  };
  return made;
}

/** Runs against SQLite, with its errors turned into refusals. */
function guarded<R>(run: () => R): R {
  try {
    return run();
  } catch (error) {
    throw storageReject(error) ?? error;
  }
}

/** Primary result codes of SQLite (sqlite.org/rescode.html). */
const CODES_OF_USE = [5]; // BUSY
const CODES_OF_FULL = [13]; // FULL
const CODES_OF_KEY = [26]; // NOTADB
const CODES_OF_DISK = [3, 8, 10, 14]; // PERM, READONLY, IOERR, CANTOPEN
/** ERROR, LOCKED, CORRUPT, TOOBIG, CONSTRAINT, MISMATCH: our statements meet them only where pages or indexes lie. */
const CODES_OF_DAMAGE = [1, 6, 11, 18, 19, 20];

/** The refusal that an error of SQLite stands for; undefined for any other error, a bug. */
function storageReject(error: unknown): Reject | undefined {
  if (isReject(error)) return error;
  const sqlite = (error as { rawCode?: unknown }).rawCode;
  if (typeof sqlite !== 'number') return undefined;
  const code = sqlite & 0xff;
  if (CODES_OF_USE.includes(code)) return reject('VAULT_IN_USE');
  if (CODES_OF_FULL.includes(code)) return reject('VAULT_FULL');
  if (CODES_OF_KEY.includes(code)) return reject('VAULT_KEY_WRONG');
  if (CODES_OF_DISK.includes(code)) return reject('VAULT_STORAGE_FAILED', { sqlite });
  return CODES_OF_DAMAGE.includes(code) ? reject('VAULT_DAMAGED', { sqlite }) : undefined;
}
