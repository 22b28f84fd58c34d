import Database from 'libsql';
import { isReject, type Reject } from '../../std/reject.ts';
import { reject } from '../codes.ts';
import type { SqlValue } from './connection.ts';
import { createLogSync } from './sqlite-log-sync.ts';

/** What a file is opened with. `key` is hexadecimal. */
export interface SqliteOptions {
  readonly key: string;
  readonly cacheBytes: number;
  readonly maxBytes?: number;
}

/** A row's values, in the order of its statement's columns. */
export type SqliteRow = readonly unknown[];

/** A statement of an open file; each way of running it is prepared when it is first gone. */
export interface SqliteStatement {
  /** Names of what a row has. */
  columns(): readonly string[];
  get(values: readonly SqlValue[]): SqliteRow | undefined;
  all(values: readonly SqlValue[]): readonly SqliteRow[];
  run(values: readonly SqlValue[]): void;
}

/**
 * One encrypted SQLite file, held by one process. libsql runs everything at once on the thread that asks, so a transaction
 * is over before anything else can read, and one connection is enough. It is durable a little later, when its log is
 * synced: what others read of it until then they tell nobody before their own entry in the journal is durable, and the
 * log is durable from its beginning on. Throws Reject VAULT_FULL, VAULT_STORAGE_FAILED, VAULT_DAMAGED.
 */
export interface SqliteFile {
  prepare(text: string): SqliteStatement;
  /**
   * Runs `change` in a transaction before it returns, and throws what refuses it; a full disk has SQLite roll back by
   * itself. Resolves when the transaction is durable.
   */
  write(change: () => void): Promise<void>;
  pragma(text: string): readonly Readonly<Record<string, unknown>>[];
  /** The log goes into the file and is truncated. */
  checkpoint(): void;
  close(): Promise<void>;
}

const PAGE_BYTES = 4096;
/** Pages in the write-ahead log before it goes into the file: 16 MiB. */
export const CHECKPOINT_PAGES = 4000;

/**
 * Opens or creates a database file. `key` encrypts every page by AES-256-CBC, the only cipher that libsql is built with; it
 * does not authenticate, which is why each row carries a MAC (row-mac.ts). Throws Reject VAULT_IN_USE, VAULT_KEY_WRONG
 * (also for a damaged first page: the two cannot be told apart here), VAULT_DAMAGED.
 */
export function openSqliteFile(path: string, options: SqliteOptions): SqliteFile {
  return guarded(() => {
    const database = new Database(path, { encryptionKey: options.key } as unknown as Database.Options);
    try {
      configure(database, options);
    } catch (error) {
      release(database);
      throw error;
    }
    return fileOf(database, path);
  });
}

function configure(database: Database.Database, options: SqliteOptions): void {
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

function fileOf(database: Database.Database, path: string): SqliteFile {
  const log = createLogSync(`${path}-wal`);
  const pragma = (text: string) => guarded(() => database.pragma(text) as Record<string, unknown>[]);

  /** In the log when it returns, and durable after `log.sync`. */
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
    prepare: (text) => statementOf(database, text),
    write(change) {
      transaction(change);
      return log.sync();
    },
    pragma,
    checkpoint() {
      const row = pragma('wal_checkpoint(TRUNCATE)')[0];
      if (row?.busy !== 0) throw reject('VAULT_STORAGE_FAILED', { step: 'checkpoint' });
    },
    async close() {
      await log.close();
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
function statementOf(database: Database.Database, text: string): SqliteStatement {
  function runner<R>(run: (statement: Database.Statement<unknown[]>, bound: unknown) => R, isRead: boolean) {
    let statement: Database.Statement<unknown[]> | undefined;
    return (values: readonly SqlValue[]): R =>
      guarded(() => {
        if (statement === undefined) {
          statement = database.prepare(text);
          if (isRead) statement.raw(true);
        }
        // One array as the only argument: libsql takes a lone Uint8Array for an object of named parameters.
        return run(statement, values);
      });
  }
  return {
    columns: () =>
      guarded(() =>
        database
          .prepare(text)
          .columns()
          .map(({ name }) => name),
      ),
    get: runner((statement, bound) => statement.get(bound) as SqliteRow | undefined, true),
    all: runner((statement, bound) => statement.all(bound) as SqliteRow[], true),
    run: runner((statement, bound) => void statement.run(bound), false),
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
