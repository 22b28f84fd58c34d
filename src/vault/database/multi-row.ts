import type { SqlValue } from './connection.ts';

export interface Query {
  readonly text: string;
  readonly values: readonly SqlValue[];
}

/** `insert into … values ($1, …, $n)` and what follows; nothing but slots in its one row. */
const ONE_ROW = /^(\s*insert into [^;]*?\svalues\s*)\((\$\d+(?:,\s*\$\d+)*)\)(\s+on conflict[^;]*)?\s*$/i;

/** Most rows of one statement, a power of two: a text for each power is prepared once. */
const MAX_ROWS = 64;
/** Most bytes of one statement, as far as rows are joined. */
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * Joins rows of one insert that follow each other into statements of 64, 32, … rows, so that PostgreSQL parses and runs a
 * few instead of hundreds. Two rows of one such run must not have the same key: "on conflict" takes a row once only.
 */
export function coalesce(queries: readonly Query[]): Query[] {
  const joined: Query[] = [];
  for (let at = 0; at < queries.length; ) {
    const first = queries[at] as Query;
    let end = at + 1;
    while (end < queries.length && queries[end]?.text === first.text) end += 1;
    const insert = end - at > 1 ? insertOf(first.text) : undefined;
    if (insert === undefined) joined.push(...queries.slice(at, end));
    else for (const run of runsOf(queries.slice(at, end))) joined.push(joinRows(insert, run));
    at = end;
  }
  return joined;
}

interface Insert {
  readonly before: string;
  readonly width: number;
  readonly after: string;
  readonly texts: Map<number, string>;
}

/** Statements are made at start and have fixed texts; those of one request are never inserts. */
const inserts = new Map<string, Insert | undefined>();

function insertOf(text: string): Insert | undefined {
  if (!inserts.has(text)) {
    const match = ONE_ROW.exec(text);
    const [, before = '', slots = '', after = ''] = match ?? [];
    const insert = { before, width: slots.split(',').length, after, texts: new Map<number, string>() };
    inserts.set(text, match === null ? undefined : insert);
  }
  return inserts.get(text);
}

function* runsOf(queries: readonly Query[]): Generator<readonly Query[]> {
  for (let at = 0; at < queries.length; ) {
    let rows = MAX_ROWS;
    while (rows > queries.length - at) rows /= 2;
    while (rows > 1 && bytesOf(queries.slice(at, at + rows)) > MAX_BYTES) rows /= 2;
    yield queries.slice(at, at + rows);
    at += rows;
  }
}

function bytesOf(queries: readonly Query[]): number {
  let bytes = 0;
  for (const { values } of queries)
    for (const value of values)
      bytes += typeof value === 'object' || typeof value === 'string' ? (value?.length ?? 0) : 8;
  return bytes;
}

function joinRows(insert: Insert, run: readonly Query[]): Query {
  let text = insert.texts.get(run.length);
  if (text === undefined) {
    const row = (at: number) =>
      `(${Array.from({ length: insert.width }, (_, i) => `$${at * insert.width + i + 1}`).join(', ')})`;
    text = `${insert.before}${run.map((_, at) => row(at)).join(', ')}${insert.after}`;
    insert.texts.set(run.length, text);
  }
  return { text, values: run.flatMap(({ values }) => values) };
}
