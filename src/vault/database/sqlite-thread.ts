import { Worker } from 'node:worker_threads';
import type { Reject } from '../../std/reject.ts';
import { reject } from '../codes.ts';
import type { Applied, SqlValue, StatementRole } from './connection.ts';
import { createPackReader, createPackWriter, type PackReader, type PackWriter } from './packed-values.ts';
import type { SqliteOptions } from './sqlite-file.ts';
import {
  ANSWERED,
  ASK,
  type Asked,
  NO_ANSWER,
  packError,
  packValues,
  unpackError,
  unpackValues,
} from './sqlite-messages.ts';

/** Rows of a statement, with the names of their columns. */
export interface NamedRows {
  readonly names: readonly string[];
  readonly rows: readonly (readonly SqlValue[])[];
}

/** A row's worth of a statement. */
interface RemoteChange {
  readonly statement: number;
  readonly values: readonly SqlValue[];
}

/** A file that is open on the thread of SQLite (sqlite-worker.ts). Rejects as `SqliteFile` throws. */
export interface RemoteFile {
  /** Makes a statement known; returns its number. Its text is looked at when it is first run. */
  prepare(text: string, role?: StatementRole): number;
  forget(statement: number): void;
  get(statement: number, values: readonly SqlValue[]): Promise<NamedRows>;
  all(statement: number, values: readonly SqlValue[]): Promise<NamedRows>;
  /** As `Connection.apply` says. */
  apply(changes: readonly RemoteChange[], after?: RemoteFile): Promise<Applied>;
  /** As `Connection.write` says. */
  write(changes: readonly RemoteChange[]): Promise<void>;
  /** Known to the thread by this. */
  readonly number: number;
  /** As `Connection.resume` says. */
  resume(): void;
  execute(texts: readonly string[]): Promise<void>;
  pragma(text: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  checkpoint(): Promise<void>;
  /** Resolves when the thread is gone, and every file with it. */
  readonly lost: Promise<Reject>;
  close(): Promise<void>;
}

interface Waiting {
  read(reader: PackReader): void;
  refuse(error: unknown): void;
}

interface Thread {
  /** Sends a request; `pack` adds what follows its head. */
  ask<R>(asked: Asked, file: number, pack: (writer: PackWriter) => void, read: (reader: PackReader) => R): Promise<R>;
  /** The same for what is not answered. */
  tell(asked: Asked, file: number, pack: (writer: PackWriter) => void): void;
  /** Number of an answer that a request asks for beside its own. */
  expect(): { readonly id: number; readonly answered: Promise<void> };
  /** That answer will not come. */
  dismiss(id: number): void;
  readonly lost: Promise<Reject>;
}

let current: Thread | undefined;
let lastFile = 0;

/** Opens a file on the one thread of the process, which is started with the first. Rejects as `openSqliteFile` throws. */
export async function openRemoteFile(path: string, options: SqliteOptions): Promise<RemoteFile> {
  current ??= startThread(() => {
    current = undefined;
  });
  const thread = current;
  lastFile += 1;
  const file = lastFile;
  const { key, cacheBytes, maxBytes = null } = options;
  await thread.ask(ASK.open, file, (writer) => packValues(writer, [path, key, cacheBytes, maxBytes]), nothing);
  return remoteFile(thread, file);
}

const nothing = () => {};

function remoteFile(thread: Thread, file: number): RemoteFile {
  const names = new Map<number, readonly string[]>();
  let lastStatement = 0;

  function rowsOf(asked: typeof ASK.get | typeof ASK.all, statement: number, values: readonly SqlValue[]) {
    return thread.ask(
      asked,
      file,
      (writer) => {
        writer.number(statement);
        packValues(writer, values);
      },
      (reader): NamedRows => {
        const told = unpackValues(reader) as string[];
        if (told.length > 0) names.set(statement, told);
        const rows = new Array<readonly SqlValue[]>(reader.number());
        for (let at = 0; at < rows.length; at++) rows[at] = unpackValues(reader);
        return { names: names.get(statement) ?? [], rows };
      },
    );
  }

  async function write(changes: readonly RemoteChange[], isCountedOn: boolean): Promise<{ answered: Promise<void> }> {
    const durable = thread.expect();
    const pack = (writer: PackWriter) => {
      writer.number(durable.id);
      writer.number(isCountedOn ? 1 : 0);
      writer.number(changes.length);
      for (const { statement, values } of changes) {
        writer.number(statement);
        packValues(writer, values);
      }
    };
    try {
      await thread.ask(ASK.write, file, pack, nothing);
    } catch (error) {
      thread.dismiss(durable.id);
      // What could not even be sent refuses those that follow it as well.
      if (isCountedOn) thread.tell(ASK.refuse, file, (writer) => packError(writer, error));
      throw error;
    }
    return durable;
  }

  return {
    prepare(text, role) {
      lastStatement += 1;
      const statement = lastStatement;
      thread.tell(ASK.prepare, file, (writer) => packValues(writer, [statement, text, role ?? null]));
      return statement;
    },
    forget(statement) {
      names.delete(statement);
      thread.tell(ASK.forget, file, (writer) => writer.number(statement));
    },
    get: (statement, values) => rowsOf(ASK.get, statement, values),
    all: (statement, values) => rowsOf(ASK.all, statement, values),
    number: file,
    async apply(changes, after) {
      if (after !== undefined) thread.tell(ASK.hold, file, (writer) => writer.number(after.number));
      return { durable: (await write(changes, true)).answered };
    },
    write: async (changes) => (await write(changes, false)).answered,
    resume: () => thread.tell(ASK.resume, file, nothing),
    execute: (texts) => thread.ask(ASK.execute, file, (writer) => packValues(writer, texts), nothing),
    pragma: (text) =>
      thread.ask(
        ASK.pragma,
        file,
        (writer) => writer.value(text),
        (reader) => JSON.parse(String(reader.value())),
      ),
    checkpoint: () => thread.ask(ASK.checkpoint, file, nothing, nothing),
    lost: thread.lost,
    close: () => thread.ask(ASK.close, file, nothing, nothing),
  };
}

/** `onLost` is called when the thread is gone: what waits for it is refused, and the next file that is opened starts another. */
function startThread(onLost: () => void): Thread {
  const worker = new Worker(new URL('./sqlite-worker.ts', import.meta.url));
  // Only what is under way keeps the process alive.
  worker.unref();
  const waiting = new Map<number, Waiting>();
  const requests = createPackWriter();
  let lastId = 0;
  let loss: Reject | undefined;
  let resolveLost: (reason: Reject) => void;
  const lost = new Promise<Reject>((resolve) => {
    resolveLost = resolve;
  });

  function lose(cause: unknown): void {
    if (loss !== undefined) return;
    loss = Object.assign(reject('VAULT_STORAGE_FAILED', { step: 'thread' }), { cause });
    onLost();
    for (const { refuse } of waiting.values()) refuse(loss);
    waiting.clear();
    resolveLost(loss);
  }
  worker.on('error', lose);
  worker.on('exit', lose);

  worker.on('message', (message: Uint8Array) => {
    const reader = createPackReader(message);
    while (!reader.isAtEnd) {
      const [id, kind] = [reader.number(), reader.number()];
      const one = waiting.get(id) as Waiting;
      waiting.delete(id);
      // In turn, since where an answer ends only its reader knows.
      if (kind === ANSWERED) one.read(reader);
      else one.refuse(unpackError(kind, reader));
    }
    if (waiting.size === 0) worker.unref();
  });

  /** What is asked for before the process comes to rest goes in one message. */
  function put(id: number, asked: Asked, file: number, pack: (writer: PackWriter) => void): void {
    if (requests.at === 0) queueMicrotask(flush);
    const start = requests.at;
    try {
      requests.number(id);
      requests.number(asked);
      requests.number(file);
      pack(requests);
    } catch (error) {
      requests.rewind(start);
      dismiss(id);
      throw error;
    }
  }

  function dismiss(id: number): void {
    waiting.delete(id);
    if (waiting.size === 0) worker.unref();
  }

  function flush(): void {
    const message = requests.take();
    if (loss === undefined && message.length > 0) worker.postMessage(message, [message.buffer]);
  }

  function wait(one: Waiting): number {
    lastId += 1;
    if (waiting.size === 0) worker.ref();
    waiting.set(lastId, one);
    return lastId;
  }

  return {
    ask: (asked, file, pack, read) =>
      new Promise((resolve, refuse) => {
        if (loss !== undefined) refuse(loss);
        else put(wait({ read: (reader) => resolve(read(reader)), refuse }), asked, file, pack);
      }),
    expect() {
      let id = NO_ANSWER;
      const answered = new Promise<void>((resolve, refuse) => {
        if (loss !== undefined) refuse(loss);
        else id = wait({ read: () => resolve(), refuse });
      });
      // Whoever asked for it hears of it; a request that is refused as well tells enough.
      answered.catch(nothing);
      return { id, answered };
    },
    dismiss,
    tell: (asked, file, pack) => put(NO_ANSWER, asked, file, pack),
    lost,
  };
}
