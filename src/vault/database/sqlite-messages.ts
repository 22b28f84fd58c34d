import { isReject, type Reject } from '../../std/reject.ts';
import { CODES, reject } from '../codes.ts';
import type { PackReader, PackWriter } from './packed-values.ts';

/*
 * What a process and its thread of SQLite say to each other. A message is some requests or some answers, one after the
 * other, packed (packed-values.ts). A request begins with its number, what it asks for, and the number of the file; an
 * answer with the number of its request and whether it is an answer or a refusal.
 */

/** What can be asked for, and what follows. */
export const ASK = {
  /** Path, key, cache's bytes, most bytes or null. No file of that number is open. */
  open: 1,
  /** Number of a statement, its text, its role or null: from now on it is known by the number. Not answered. */
  prepare: 2,
  /** The statement is not asked for any more. Not answered. */
  forget: 3,
  /** Statement, values. Answered with a row, or none. */
  get: 4,
  /** Statement, values. Answered with the number of rows, and them. */
  all: 5,
  /**
   * Number of a second answer; 1 when others were asked for in the belief that it is not refused; number of changes, each a
   * statement and its values. Answered when reads see them, and a
   * second time when they are durable; never a second time when they are refused. Then all that follow are refused too.
   */
  write: 6,
  /** Number of texts, and them: statements without values. Answered when they are durable. */
  execute: 7,
  /** Text. Answered with the rows as JSON. */
  pragma: 8,
  checkpoint: 9,
  close: 10,
  /** Writes are taken again. Not answered. */
  resume: 11,
  /**
   * Number of another file: what follows waits until what was written to that is durable, and writes to this one are
   * refused as those to the other are. Not answered.
   */
  hold: 12,
  /** An error: writes are refused with it, since one before them could not be sent. Not answered. */
  refuse: 13,
} as const;

/** Number of a request that nobody waits for. */
export const NO_ANSWER = 0;

export type Asked = (typeof ASK)[keyof typeof ASK];

export const ANSWERED = 0;
/** Code and data of a refusal. */
export const REFUSED = 1;
/** Message of any other error: a bug. */
export const FAILED = 2;

export function packError(writer: PackWriter, error: unknown): void {
  if (isReject(error)) {
    writer.number(REFUSED);
    writer.value(error.code);
    writer.value(JSON.stringify(error.data));
  } else {
    writer.number(FAILED);
    writer.value(error instanceof Error ? error.message : String(error));
  }
}

export function unpackError(kind: number, reader: PackReader): Reject | Error {
  if (kind === FAILED) return new Error(String(reader.value()));
  const code = String(reader.value());
  const data = JSON.parse(String(reader.value()));
  if (!Object.hasOwn(CODES, code)) throw new TypeError('not a refusal of the vault');
  return reject(code as keyof typeof CODES, data);
}

/** A number of values, then the values. */
export function packValues(writer: PackWriter, values: readonly unknown[]): void {
  writer.number(values.length);
  for (const value of values) writer.value(value as Parameters<PackWriter['value']>[0]);
}

export function unpackValues(reader: PackReader): ReturnType<PackReader['value']>[] {
  const count = reader.number();
  const values = new Array<ReturnType<PackReader['value']>>(count);
  for (let at = 0; at < count; at++) values[at] = reader.value();
  return values;
}
