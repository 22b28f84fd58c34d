import type { SqlValue, StatementRole } from './connection.ts';
import type { SqliteFile, SqliteStatement } from './sqlite-file.ts';

/** A statement, and what it has to do with rows that wait. */
export interface DerivedStatement extends SqliteStatement {
  readonly text: string;
  readonly role: StatementRole | undefined;
}

interface Row {
  readonly statement: DerivedStatement;
  readonly values: readonly SqlValue[];
}

/**
 * Rows of derived statements wait in memory, so that a page that many versions have rows on is written once for all of them:
 * a version's own rows are on ten pages, those of its index on twenty more, most of which the next version writes to as
 * well. Whoever asks for a table that rows wait for has them written first, so nobody can tell that they waited. They are
 * lost by a crash; who derives them notes what they are of in the transaction of the change itself.
 */
export interface DerivedRows {
  prepare(text: string, role: StatementRole | undefined): DerivedStatement;
  /** To be called before a statement is run. Throws as `SqliteFile.write` does. */
  before(statement: DerivedStatement): void;
  /** A transaction of all changes but the derived ones, which wait from then on. Throws, and resolves, as `SqliteFile.write`. */
  write(changes: readonly Row[]): Promise<void>;
  /** Writes what waits. */
  settle(): void;
  /** The same, before the file is closed: after a fault it waits for the next start. */
  close(): void;
}

/** Some forty versions: writing them takes some ten milliseconds, which a search may have to wait for. */
const MAX_WAITING = 320;
/** How long rows wait when nothing else comes. */
const WAIT_MS = 100;

export function createDerivedRows(file: SqliteFile): DerivedRows {
  let waiting: Row[] = [];
  let timer: NodeJS.Timeout | undefined;
  const tables = new Set<string>();
  const settled: DerivedStatement[] = [];
  /** For each statement, how many tables were known when its text was looked at, and whether it names one. */
  const looked = new WeakMap<DerivedStatement, { readonly tables: number; readonly isOfThem: boolean }>();

  function asksForThem(statement: DerivedStatement): boolean {
    let known = looked.get(statement);
    if (known?.tables !== tables.size) {
      const words = new Set(statement.text.match(/\w+/g));
      known = { tables: tables.size, isOfThem: [...tables].some((table) => words.has(table)) };
      looked.set(statement, known);
    }
    return known.isOfThem;
  }

  function settle(): void {
    clearTimeout(timer);
    timer = undefined;
    if (waiting.length === 0) return;
    const rows = waiting;
    // Durable with the next commit: until then what they are of is noted.
    file
      .write(() => {
        for (const { statement, values } of rows) statement.run(values);
        for (const statement of settled) statement.run([]);
      })
      .catch(() => {});
    waiting = [];
  }

  /** Where nobody waits for it: who asks next tries again, and hears of it. */
  function settleAside(): void {
    try {
      settle();
    } catch {
      timer = undefined;
    }
  }

  function before(statement: DerivedStatement): void {
    if (waiting.length > 0 && statement.role === undefined && asksForThem(statement)) settle();
  }

  return {
    prepare(text, role) {
      const statement = { ...file.prepare(text), text, role };
      const table = role === 'derived' ? /\binto\s+"?(\w+)/i.exec(text)?.[1] : undefined;
      if (table !== undefined) tables.add(table);
      if (role === 'settled') settled.push(statement);
      return statement;
    },
    before,
    write(changes) {
      for (const { statement } of changes) before(statement);
      if (waiting.length >= MAX_WAITING) settle();
      const synced = file.write(() => {
        for (const { statement, values } of changes) if (statement.role === undefined) statement.run(values);
      });
      for (const change of changes) if (change.statement.role === 'derived') waiting.push(change);
      if (waiting.length > 0) timer ??= setTimeout(settleAside, WAIT_MS).unref();
      return synced;
    },
    settle,
    close: settleAside,
  };
}
