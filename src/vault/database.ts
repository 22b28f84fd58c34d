import {
  type CompiledQuery,
  DummyDriver,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
} from 'kysely';
import Database from 'libsql';
import { isReject, type Reject } from '../std/reject.ts';
import { reject } from './codes.ts';
import { decodeRow } from './columns.ts';

/**
 * One encrypted SQLite file, held by one process. Kysely writes the SQL and knows its types, but once only: each query
 * is compiled and prepared at start, since building it takes about as long (0.01 ms) as running it.
 */
export interface Connection {
  prepare<Row>(query: CompiledQuery<Row>): Statement<Row>;
  execute(query: CompiledQuery<unknown>): void;
  pragma(text: string): readonly Readonly<Record<string, unknown>>[];
  /** False again once SQLite has rolled a transaction back by itself, as it does on a full disk. */
  readonly inTransaction: boolean;
  begin(): void;
  /** Durable when it returns (`synchronous=FULL`). */
  commit(): void;
  /** No-op outside a transaction. */
  rollback(): void;
  /** Moves the write-ahead log into the file and truncates it, so that no page of before is left in it. */
  truncateLog(): void;
  close(): void;
}

export type SqlValue = string | number | Uint8Array | null;

export interface Statement<Row> {
  get(...values: readonly SqlValue[]): Row | undefined;
  all(...values: readonly SqlValue[]): readonly Row[];
  /** Number of rows changed. */
  run(...values: readonly SqlValue[]): number;
}

/** Stands for a value in a query that is compiled once: the values follow in the order of the text. */
export const slot = 0 as never;

/** A limit of one row, as part of the text: a plain 1 would become one more value to give. */
export const ONE = sql.lit(1);

/** A query builder that only compiles. */
export function createQueryBuilder<Tables>(): Kysely<Tables> {
  return new Kysely<Tables>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  });
}

const PAGE_BYTES = 4096;

/**
 * Opens or creates a database file. `key` (hexadecimal) encrypts every page by AES-256-CBC, the only cipher that
 * libsql is built with; it does not authenticate, which is why each row carries a MAC (row-mac.ts). Throws Reject
 * VAULT_IN_USE, VAULT_KEY_WRONG (also for a damaged first page: the two cannot be told apart here), VAULT_DAMAGED.
 */
export function openDatabase(
  path: string,
  options: { key: string; cacheBytes: number; maxBytes?: number },
): Connection {
  return guarded(() => {
    const database = new Database(path, { encryptionKey: options.key } as unknown as Database.Options);
    try {
      configure(database, options);
    } catch (error) {
      release(database);
      throw error;
    }
    return connectionOf(database);
  });
}

function configure(database: Database.Database, options: { cacheBytes: number; maxBytes?: number }): void {
  // Exclusive before the first read: it is what keeps a second process out, and needs no shared memory file.
  database.pragma('locking_mode=EXCLUSIVE');
  database.pragma('journal_mode=WAL');
  database.pragma('synchronous=FULL');
  database.pragma('secure_delete=ON');
  database.pragma(`cache_size=-${Math.ceil(options.cacheBytes / 1024)}`);
  database.pragma('temp_store=MEMORY');
  if (options.maxBytes !== undefined)
    database.pragma(`max_page_count=${Math.max(1, Math.floor(options.maxBytes / PAGE_BYTES))}`);
  // The lock is taken by the first write, not by the pragma.
  database.exec('BEGIN IMMEDIATE');
  database.exec('COMMIT');
}

function connectionOf(database: Database.Database): Connection {
  const pragma = (text: string) => guarded(() => database.pragma(text) as Record<string, unknown>[]);
  return {
    prepare: (query) => statementOf(database, query),
    execute: (query) => guarded(() => database.prepare(query.sql).run([...query.parameters])),
    pragma,
    get inTransaction() {
      return database.inTransaction;
    },
    begin: () => guarded(() => database.exec('BEGIN IMMEDIATE')),
    commit: () => guarded(() => database.exec('COMMIT')),
    rollback: () => guarded(() => database.inTransaction && database.exec('ROLLBACK')),
    truncateLog() {
      const row = pragma('wal_checkpoint(TRUNCATE)')[0];
      if (row?.busy !== 0) throw reject('VAULT_STORAGE_FAILED', { step: 'checkpoint' });
    },
    close() {
      try {
        // One file and no log is left behind; only out of WAL can the lock be given back.
        database.pragma('wal_checkpoint(TRUNCATE)');
        database.pragma('journal_mode=DELETE');
      } catch {
        // After a fault. What was committed is durable in the log, where the next start finds it.
      }
      release(database);
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
function statementOf<Row>(database: Database.Database, query: CompiledQuery<Row>): Statement<Row> {
  const parameters = query.parameters.length;
  function runner<R>(
    run: (statement: Database.Statement<unknown[]>, bound: unknown) => R,
  ): (...values: readonly SqlValue[]) => R {
    let statement: Database.Statement<unknown[]> | undefined;
    return (...values) => {
      if (values.length !== parameters)
        throw new TypeError(`statement takes ${parameters} values, not ${values.length}`);
      return guarded(() => {
        statement ??= database.prepare(query.sql);
        // One array as the only argument: libsql takes a lone Uint8Array for an object of named parameters.
        return run(statement, values);
      });
    };
  }
  return {
    get: runner((statement, bound) => {
      const row = statement.get(bound) as Record<string, unknown> | undefined;
      return row === undefined ? undefined : (decodeRow(row) as Row);
    }),
    all: runner((statement, bound) =>
      (statement.all(bound) as Record<string, unknown>[]).map((row) => decodeRow(row) as Row),
    ),
    run: runner((statement, bound) => statement.run(bound).changes),
  };
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
