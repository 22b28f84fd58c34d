import type { CompiledQuery } from 'kysely';
import type { Reject } from '../../std/reject.ts';

export type SqlValue = string | number | Uint8Array | null;

/** One row's worth of a writing statement, made by `Statement.change`. */
export interface Change {
  readonly statement: Statement<unknown>;
  readonly values: readonly SqlValue[];
}

/**
 * What a statement's changes have to do with rows that can be made again from others. `derived`: an insert whose rows may
 * wait in memory, many together, until somebody asks for their table or there are enough of them; a crash loses them.
 * `settled`: runs whenever what waited has been written, in the same transaction. A database without use for this runs
 * derived changes like others, and settled ones never.
 */
export type StatementRole = 'derived' | 'settled';

/** A query that is prepared once; values are given in the order of its slots. */
export interface Statement<Row> {
  get(...values: readonly SqlValue[]): Promise<Row | undefined>;
  all(...values: readonly SqlValue[]): Promise<readonly Row[]>;
  /** Nothing runs before it is handed to `Connection.write`. */
  change(...values: readonly SqlValue[]): Change;
}

/** Changes that reads see. */
export interface Applied {
  /** Rejects with VAULT_STORAGE_FAILED when the disk does: what is durable is known again after a restart. */
  readonly durable: Promise<void>;
}

/** What `Connection.freeze` gives: one of `file` and `all`. */
export interface Frozen {
  readonly file?: FrozenFile;
  /** Rows of a query as of the moment. */
  readonly all?: <Row>(query: CompiledQuery<Row>) => Promise<readonly Row[]>;
  /** False when an erasure or a close had to change the file meanwhile: what was copied of it is of no use. */
  isIntact(): boolean;
  release(): Promise<void>;
}

export interface FrozenFile {
  readonly sizeBytes: number;
  /** Bytes from `offset` on, fewer than `length` only at the end. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/**
 * An open database of a vault: SQLite or PostgreSQL. One process writes; reads see the last commit and never part of
 * one. Rejects with VAULT_FULL, VAULT_STORAGE_FAILED, VAULT_DAMAGED.
 */
export interface Connection {
  readonly dialect: 'sqlite' | 'postgres';
  prepare<Row>(query: CompiledQuery<Row>, role?: StatementRole): Statement<Row>;
  /** Runs a query whose text is made for one request; prepared statements are kept by text, the latest used ones. */
  all<Row>(query: CompiledQuery<Row>): Promise<readonly Row[]>;
  /**
   * All changes, in their order, in one transaction: all or none, durable when it resolves. Changes of one statement
   * that follow each other may be sent as one.
   */
  write(changes: readonly Change[]): Promise<void>;
  /**
   * The same, where the next transaction need not wait for the disk: resolves as soon as reads see the changes. They are
   * durable once `durable` resolves, never before those of the calls before; a crash until then takes all of them back.
   * With `after`, another database that is `inOrder`, they are not made before what that one was given is durable, and are
   * refused when that is refused.
   */
  apply(changes: readonly Change[], after?: Connection): Promise<Applied>;
  /**
   * Whether everything runs in the order in which it is asked for, so that nobody need wait for `apply` before asking for
   * more: later reads see its changes, and after one that is refused every later `apply` is refused with the same, until
   * `resume`.
   */
  readonly inOrder: boolean;
  /** Takes changes again after `apply` was refused. To be called when all that were under way are settled. */
  resume(): void;
  /** Whether derived changes wait, so that what they were made from has to be noted in their transaction. */
  readonly derivesLater: boolean;
  /** Statements without values that make tables and indexes, in one transaction. */
  execute(queries: readonly CompiledQuery<unknown>[]): Promise<void>;
  /** Resolves once what was deleted is gone from where it was written; see each database for what that means. */
  overwrite(): Promise<void>;
  /**
   * The database as it is now, to be copied while it is written on: of SQLite the bytes of its file, of PostgreSQL reads of
   * one moment. Called between commits. One at a time; a SQLite file keeps its log until `release`, which grows meanwhile.
   */
  freeze(): Promise<Frozen>;
  /** What the database itself finds wrong with its files; undefined when nothing. */
  integrityFault(): Promise<string | undefined>;
  /** Resolves when the database is gone for this process, with why; never while it can be used. */
  readonly lost: Promise<Reject>;
  close(): Promise<void>;
}
