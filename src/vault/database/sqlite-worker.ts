import { parentPort } from 'node:worker_threads';
import type { StatementRole } from './connection.ts';
import { createDerivedRows, type DerivedRows, type DerivedStatement } from './derived-rows.ts';
import { createPackReader, createPackWriter, type PackReader } from './packed-values.ts';
import { openSqliteFile, type SqliteFile, type SqliteRow } from './sqlite-file.ts';
import { ANSWERED, ASK, NO_ANSWER, packError, packValues, unpackError, unpackValues } from './sqlite-messages.ts';

/*
 * The thread on which SQLite runs, for all files of the process: reading a page means decrypting it, and a commit writes
 * some thirty of them for a version, which would keep requests waiting on the main thread. Requests are taken in their
 * order; while the log of a write is synced, what comes after it runs.
 */
const port = parentPort;
if (port === null) throw new Error('sqlite-worker.ts runs in a worker thread');

/** Puts what an answer says into `answers`. */
type Answer = () => void;
type Request = () => Answer | Promise<Answer>;

interface OpenFile {
  readonly file: SqliteFile;
  readonly derived: DerivedRows;
  readonly statements: Map<number, DerivedStatement>;
  /** Statements whose columns the other side knows. */
  readonly named: Set<number>;
  /** Of a write: those that follow it were made in the belief that it would not be refused. */
  refusal: unknown;
  /** Of the last write: settles when it is durable, or is known not to be. */
  synced: Promise<void>;
}

const files = new Map<number, OpenFile>();
const answers = createPackWriter();
let isTaking = false;
const backlog: PackReader[] = [];
let isHeld = false;

port.on('message', (message: Uint8Array) => {
  backlog.push(createPackReader(message));
  if (!isHeld) take();
});

/** Takes requests until there are no more, or one holds up the rest. */
function take(): void {
  isTaking = true;
  for (let reader = backlog[0]; reader !== undefined && !isHeld; reader = backlog[0]) {
    if (reader.isAtEnd) backlog.shift();
    else {
      const id = reader.number();
      run(id, requestOf(reader.number(), reader.number(), reader));
    }
  }
  isTaking = false;
  send();
}

/** Holds up what follows until `done` settles. */
function hold(done: Promise<unknown>): void {
  isHeld = true;
  void done.then(() => {
    isHeld = false;
    take();
  });
}

function send(): void {
  if (isTaking || answers.at === 0) return;
  const message = answers.take();
  port?.postMessage(message, [message.buffer]);
}

function run(id: number, request: Request): void {
  try {
    const done = request();
    if (!(done instanceof Promise)) accept(id, done);
    else {
      done.then(
        (answer) => {
          accept(id, answer);
          send();
        },
        (error: unknown) => {
          refuse(id, error);
          send();
        },
      );
    }
  } catch (error) {
    refuse(id, error);
  }
}

function accept(id: number, answer: Answer): void {
  if (id === NO_ANSWER) return;
  const start = answers.at;
  try {
    answers.number(id);
    answers.number(ANSWERED);
    answer();
  } catch (error) {
    answers.rewind(start);
    refuse(id, error);
  }
}

function refuse(id: number, error: unknown): void {
  if (id === NO_ANSWER) return;
  answers.number(id);
  packError(answers, error);
}

const nothing: Answer = () => {};

/** Reads a request whole before it is run: where one ends, the next begins. */
function requestOf(asked: number, number: number, reader: PackReader): Request {
  switch (asked) {
    case ASK.open: {
      const [path, key, cacheBytes, maxBytes] = unpackValues(reader) as [string, string, number, number | null];
      return () => {
        const file = openSqliteFile(path, { key, cacheBytes, ...(maxBytes === null ? {} : { maxBytes }) });
        const derived = createDerivedRows(file);
        const synced = Promise.resolve();
        files.set(number, { file, derived, statements: new Map(), named: new Set(), refusal: undefined, synced });
        return nothing;
      };
    }
    case ASK.prepare: {
      const [statement, text, role] = unpackValues(reader) as [number, string, StatementRole | null];
      return () => {
        const { derived, statements } = openFile(number);
        statements.set(statement, derived.prepare(text, role ?? undefined));
        return nothing;
      };
    }
    case ASK.forget: {
      const statement = reader.number();
      return () => {
        const { statements, named } = openFile(number);
        statements.delete(statement);
        named.delete(statement);
        return nothing;
      };
    }
    case ASK.get:
    case ASK.all: {
      const statement = reader.number();
      const values = unpackValues(reader);
      return () => {
        const open = openFile(number);
        const found = statementOf(open, statement);
        open.derived.before(found);
        const rows = asked === ASK.all ? found.all(values) : oneOrNone(found.get(values));
        return rowsAnswer(open, statement, rows);
      };
    }
    case ASK.write: {
      const durable = reader.number();
      const isCountedOn = reader.number() === 1;
      const changes = Array.from({ length: reader.number() }, () => {
        const statement = reader.number();
        return { statement, values: unpackValues(reader) };
      });
      return () => {
        const open = openFile(number);
        if (open.refusal !== undefined) throw open.refusal;
        const rows = changes.map(({ statement, values }) => ({ statement: statementOf(open, statement), values }));
        try {
          const synced = open.derived.write(rows);
          open.synced = synced;
          run(durable, () => synced.then(() => nothing));
        } catch (error) {
          if (isCountedOn) open.refusal = error;
          throw error;
        }
        return nothing;
      };
    }
    case ASK.execute: {
      const texts = unpackValues(reader) as string[];
      return async () => {
        const { file, derived } = openFile(number);
        derived.settle();
        await file.write(() => {
          for (const text of texts) file.prepare(text).run([]);
        });
        return nothing;
      };
    }
    case ASK.pragma: {
      const text = String(reader.value());
      return () => {
        const rows = JSON.stringify(openFile(number).file.pragma(text));
        return () => answers.value(rows);
      };
    }
    case ASK.hold: {
      const other = reader.number();
      return () => {
        const [open, first] = [openFile(number), files.get(other)];
        const refuseToo = (reason: unknown) => {
          open.refusal ??= reason;
        };
        if (first === undefined) refuseToo(new TypeError('the database to wait for is closed'));
        else if (first.refusal !== undefined) refuseToo(first.refusal);
        else hold(first.synced.catch(refuseToo));
        return nothing;
      };
    }
    case ASK.refuse: {
      const reason = unpackError(reader.number(), reader);
      return () => {
        openFile(number).refusal ??= reason;
        return nothing;
      };
    }
    case ASK.resume:
      return () => {
        openFile(number).refusal = undefined;
        return nothing;
      };
    case ASK.checkpoint:
      return () => {
        const { file, derived } = openFile(number);
        derived.settle();
        file.checkpoint();
        return nothing;
      };
    case ASK.close:
      return async () => {
        const { file, derived } = openFile(number);
        files.delete(number);
        derived.close();
        await file.close();
        return nothing;
      };
    default:
      throw new TypeError(`not known: ${asked}`);
  }
}

function openFile(number: number): OpenFile {
  const open = files.get(number);
  if (open === undefined) throw new TypeError('the database is closed');
  return open;
}

function statementOf({ statements }: OpenFile, number: number): DerivedStatement {
  const statement = statements.get(number);
  if (statement === undefined) throw new TypeError('no such statement');
  return statement;
}

const oneOrNone = (row: SqliteRow | undefined): readonly SqliteRow[] => (row === undefined ? [] : [row]);

/** Names of the columns, the first time, then the rows. */
function rowsAnswer(open: OpenFile, number: number, rows: readonly SqliteRow[]): Answer {
  const isNew = !open.named.has(number) && rows.length > 0;
  const names = isNew ? statementOf(open, number).columns() : [];
  if (isNew) open.named.add(number);
  return () => {
    packValues(answers, names);
    answers.number(rows.length);
    for (const row of rows) packValues(answers, row);
  };
}
