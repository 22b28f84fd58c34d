import { type AliasedRawBuilder, sql } from 'kysely';
import { reject } from './codes.ts';
import type { Dialect } from './database/query-builder.ts';

/**
 * Types of all columns, one for each name. libsql (0.5.29) ends the process when a text that it reads is not UTF-8, as in
 * a row that a flipped byte garbled, and the type of a value is part of the row. So every column is read through a cast
 * of its own, texts as bytes, and what comes out is checked by MACs, leaves and GCM tags instead. PostgreSQL keeps types
 * itself and needs no cast.
 */
const TEXT = 'text';
const INTEGER = 'integer';
const BYTES = 'bytes';
const TYPES = {
  ...({ name: TEXT, value: TEXT, account: TEXT, tx: TEXT, type: TEXT, id: TEXT, action: TEXT, author: TEXT } as const),
  ...({ labels: TEXT, categories: TEXT, integrity_check: TEXT, body: 'text or null' } as const),
  ...({ generation: INTEGER, size: INTEGER, position: INTEGER, before: INTEGER, version: INTEGER } as const),
  ...({
    time_ms: INTEGER,
    key_id: INTEGER,
    erased: INTEGER,
    epoch: INTEGER,
    from_id: INTEGER,
    to_id: INTEGER,
  } as const),
  ...({ mac: BYTES, leaf: BYTES, bytes: BYTES, root: BYTES, previous: BYTES, blob: BYTES, digest: BYTES } as const),
  ...({ rid: INTEGER, live: INTEGER, protected: INTEGER, index_key: INTEGER, index_format: INTEGER } as const),
  ...({ sealed: BYTES, secret: BYTES, wrapped: BYTES, token: BYTES, nonce: 'bytes or null' } as const),
};

interface Values {
  readonly text: string;
  readonly 'text or null': string | null;
  readonly integer: number;
  readonly bytes: Uint8Array;
  readonly 'bytes or null': Uint8Array | null;
}
export type ColumnName = keyof typeof TYPES;
type ValueOf<Name extends ColumnName> = Values[(typeof TYPES)[Name]];
type Column<Name extends ColumnName> = { [N in Name]: AliasedRawBuilder<ValueOf<N>, N> }[Name];

/**
 * Columns to select. Sort by `table.column`, never by the bare name: that would name the cast, and cost a sort where
 * the index has the order.
 */
export function columns<Name extends ColumnName>(dialect: Dialect, ...names: readonly Name[]): Column<Name>[] {
  return names.map((name) => columnOf(dialect, name, name) as unknown as Column<Name>);
}

/** The same of a table that the query calls `alias`. */
export function columnsOf(dialect: Dialect, alias: string, ...names: readonly ColumnName[]) {
  return names.map((name) => columnOf(dialect, `${alias}.${name}`, name));
}

function columnOf(dialect: Dialect, reference: string, name: ColumnName): AliasedRawBuilder<unknown, ColumnName> {
  if (dialect === 'postgres') return sql`${sql.ref(reference)}`.as(name);
  const type = TYPES[name] === 'integer' ? sql`integer` : sql`blob`;
  return sql`cast(${sql.ref(reference)} as ${type})`.as(name);
}

/**
 * A row as it was selected, with texts as texts; bytes that are no UTF-8 become U+FFFD, which no check lets pass.
 * Throws Reject VAULT_DAMAGED for a NULL where none was ever written.
 */
export function decodeRow(row: Record<string, unknown>): Record<string, unknown> {
  for (const name in row) row[name] = decodeValue(name, TYPES[name as ColumnName], row[name]);
  return row;
}

/** The same for rows whose values come without their names. */
export function rowDecoder(names: readonly string[]): (values: readonly unknown[]) => Record<string, unknown> {
  const fields = names.map((name) => ({ name, type: TYPES[name as ColumnName] as string | undefined }));
  return (values) => {
    const row: Record<string, unknown> = {};
    for (let at = 0; at < fields.length; at++) {
      const { name, type } = fields[at] as (typeof fields)[number];
      row[name] = decodeValue(name, type, values[at]);
    }
    return row;
  };
}

function decodeValue(name: string, type: string | undefined, value: unknown): unknown {
  if (value === null && type?.endsWith('null') === false) throw reject('VAULT_DAMAGED', { column: name });
  return value instanceof Uint8Array && type?.startsWith('text') === true ? textOf(value) : value;
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}
