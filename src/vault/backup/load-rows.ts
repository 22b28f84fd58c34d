import { type CompiledQuery, sql } from 'kysely';
import { concatBytes } from '../../std/bytes.ts';
import type { Change, Connection, SqlValue, Statement } from '../database/connection.ts';
import { QUERIES } from '../index/sql-dialect.ts';
import { reject } from './codes.ts';
import { END_RECORD, ROW_RECORD, TABLE_RECORD } from './dump-rows.ts';
import { decodeValues } from './row-codec.ts';
import { tablesOf } from './table-catalogue.ts';

const ROWS_PER_WRITE = 1000;
const BYTES_PER_WRITE = 16 * 1024 * 1024;

/**
 * Writes dumped rows into a database whose tables are there and empty. Throws Reject BACKUP_ROWS_DAMAGED when they are
 * not whole or name what the database does not have; some rows are then written.
 */
export async function loadRows(
  connection: Connection,
  plain: AsyncIterable<Uint8Array>,
  onRows?: (count: number) => void,
): Promise<number> {
  const known = new Map((await tablesOf(connection)).map((shape) => [shape.table, shape]));
  let insert: { statement: Statement<unknown>; width: number } | undefined;
  let [changes, bytes, count]: [Change[], number, number] = [[], 0, 0];
  let end: number | undefined;

  async function flush(): Promise<void> {
    await connection.write(changes);
    count += changes.length;
    [changes, bytes] = [[], 0];
    onRows?.(count);
  }

  for await (const { kind, values, size } of recordsOf(plain)) {
    if (end !== undefined) throw reject('BACKUP_ROWS_DAMAGED');
    if (kind === TABLE_RECORD) {
      const [table, ...columns] = values;
      const shape = typeof table === 'string' ? known.get(table) : undefined;
      if (shape === undefined || !columns.every((name) => shape.columns.some((one) => one.name === name)))
        throw reject('BACKUP_ROWS_DAMAGED', { reason: 'not of this version' });
      insert = {
        statement: connection.prepare(insertInto(connection, shape.table, columns as string[])),
        width: columns.length,
      };
    } else if (kind === ROW_RECORD && insert?.width === values.length) {
      changes.push(insert.statement.change(...values));
      bytes += size;
      if (changes.length >= ROWS_PER_WRITE || bytes >= BYTES_PER_WRITE) await flush();
    } else if (kind === END_RECORD && typeof values[0] === 'number') [end] = values;
    else throw reject('BACKUP_ROWS_DAMAGED');
  }
  await flush();
  if (end !== count) throw reject('BACKUP_ROWS_DAMAGED', { reason: 'rows are missing' });
  return count;
}

function insertInto({ dialect }: Connection, table: string, columns: readonly string[]): CompiledQuery<unknown> {
  const names = sql.join(columns.map((name) => sql.ref(name)));
  const slots = sql.join(columns.map(() => sql.val(0)));
  return sql`insert into ${sql.table(table)} (${names}) values (${slots})`.compile(QUERIES[dialect]);
}

interface DumpRecord {
  readonly kind: number;
  readonly values: SqlValue[];
  readonly size: number;
}

async function* recordsOf(plain: AsyncIterable<Uint8Array>): AsyncGenerator<DumpRecord> {
  let rest: Uint8Array = new Uint8Array(0);
  for await (const piece of plain) {
    const bytes = rest.length === 0 ? piece : concatBytes(rest, piece);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = 0;
    while (at + 4 <= bytes.length) {
      const length = view.getUint32(at);
      if (length < 1) throw reject('BACKUP_ROWS_DAMAGED');
      if (at + 4 + length > bytes.length) break;
      const body = bytes.subarray(at + 4, at + 4 + length);
      yield { kind: body[0] as number, values: decodeValues(body, 1), size: length };
      at += 4 + length;
    }
    rest = bytes.subarray(at);
  }
  if (rest.length > 0) throw reject('BACKUP_ROWS_DAMAGED');
}
