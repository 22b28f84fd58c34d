import { sha256 } from '#crypto/platform';
import { frame } from '../../std/frame.ts';
import { reject } from '../codes.ts';
import type { IndexEntries } from './index-entries.ts';
import type { IndexHash, Scope } from './index-hash.ts';
import { HASH_BYTES } from './sql-dialect.ts';
import { startsOf } from './text-prefixes.ts';

export interface OrdinalRow {
  readonly name: Uint8Array;
  readonly low: number;
  readonly high: number;
}

export interface LinkRow {
  readonly name: Uint8Array;
  /** Number of the resource that is referred to. */
  readonly target: number;
}

/** What the index tables hold of one resource, each row once. */
export interface EntryRows {
  readonly tokens: readonly Uint8Array[];
  readonly ordinals: readonly OrdinalRow[];
  readonly links: readonly LinkRow[];
}

export const NO_ROWS: EntryRows = { tokens: [], ordinals: [], links: [] };

const ORDINAL_BYTES = HASH_BYTES + 16;
const LINK_BYTES = HASH_BYTES + 8;
const DIGEST_BYTES = 16;

const keyOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
const ordinalKey = (row: OrdinalRow): string => `${keyOf(row.name)}${row.low},${row.high}`;
const linkKey = (row: LinkRow): string => `${keyOf(row.name)}${row.target}`;

/**
 * Rows of a version's entries under a scope. `ridOf` gives the number of a resource; a link to an unknown one has no row.
 * Throws TypeError for an interval that is none.
 */
export function entriesToRows(
  hash: IndexHash,
  scope: Scope,
  type: string,
  entries: IndexEntries,
  ridOf: (type: string, id: string) => number | undefined,
): EntryRows {
  const tokens = entries.tokens.map(({ parameter, value }) => hash(scope, 'token', type, parameter, value));
  for (const { parameter, value, folded } of entries.texts) {
    tokens.push(hash(scope, 'hasText', type, parameter), hash(scope, 'exact', type, parameter, value));
    for (const start of startsOf(folded)) tokens.push(hash(scope, 'starts', type, parameter, start));
  }
  const ordinals = entries.ordinals.map(({ parameter, low, high }) => {
    if (!(low <= high)) throw new TypeError('an interval has a low end and a high end');
    return { name: hash(scope, 'ordinal', type, parameter), low, high };
  });
  const links: LinkRow[] = [];
  for (const link of entries.links) {
    const target = ridOf(link.type, link.id);
    if (target !== undefined) links.push({ name: hash(scope, 'link', type, link.parameter), target });
  }
  return { tokens: once(tokens, keyOf), ordinals: once(ordinals, ordinalKey), links: once(links, linkKey) };
}

function once<T>(rows: readonly T[], key: (row: T) => string): T[] {
  const seen = new Set<string>();
  return rows.filter((row) => {
    const name = key(row);
    return !seen.has(name) && seen.add(name);
  });
}

/** Rows of `from` that `other` does not have. */
export function rowsWithout(from: EntryRows, other: EntryRows): EntryRows {
  return {
    tokens: without(from.tokens, other.tokens, keyOf),
    ordinals: without(from.ordinals, other.ordinals, ordinalKey),
    links: without(from.links, other.links, linkKey),
  };
}

function without<T>(rows: readonly T[], others: readonly T[], key: (row: T) => string): readonly T[] {
  if (others.length === 0) return rows;
  const known = new Set(others.map(key));
  return rows.filter((row) => !known.has(key(row)));
}

/** Counts (u32 each), then tokens, ordinals (name, low, high as doubles) and links (name, target as u64), big-endian. */
export function packRows({ tokens, ordinals, links }: EntryRows): Uint8Array {
  const out = new Uint8Array(
    12 + tokens.length * HASH_BYTES + ordinals.length * ORDINAL_BYTES + links.length * LINK_BYTES,
  );
  const view = new DataView(out.buffer);
  view.setUint32(0, tokens.length);
  view.setUint32(4, ordinals.length);
  view.setUint32(8, links.length);
  let at = 12;
  for (const token of tokens) {
    out.set(token, at);
    at += HASH_BYTES;
  }
  for (const { name, low, high } of ordinals) {
    out.set(name, at);
    view.setFloat64(at + HASH_BYTES, low);
    view.setFloat64(at + HASH_BYTES + 8, high);
    at += ORDINAL_BYTES;
  }
  for (const { name, target } of links) {
    out.set(name, at);
    view.setBigUint64(at + HASH_BYTES, BigInt(target));
    at += LINK_BYTES;
  }
  return out;
}

/** Throws Reject VAULT_DAMAGED for bytes that `packRows` did not make. */
export function unpackRows(bytes: Uint8Array): EntryRows {
  const damage = () => reject('VAULT_DAMAGED', { table: 'indexed' });
  if (bytes.length < 12) throw damage();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const [tokenCount, ordinalCount, linkCount] = [view.getUint32(0), view.getUint32(4), view.getUint32(8)];
  const length = 12 + tokenCount * HASH_BYTES + ordinalCount * ORDINAL_BYTES + linkCount * LINK_BYTES;
  if (bytes.length !== length) throw damage();
  let at = 12;
  function next<T>(count: number, size: number, read: (from: number) => T): T[] {
    const rows = Array.from({ length: count }, (_, i) => read(at + i * size));
    at += count * size;
    return rows;
  }
  const hashAt = (from: number) => bytes.subarray(from, from + HASH_BYTES);
  return {
    tokens: next(tokenCount, HASH_BYTES, hashAt),
    ordinals: next(ordinalCount, ORDINAL_BYTES, (from) => ({
      name: hashAt(from),
      low: view.getFloat64(from + HASH_BYTES),
      high: view.getFloat64(from + HASH_BYTES + 8),
    })),
    links: next(linkCount, LINK_BYTES, (from) => ({
      name: hashAt(from),
      target: Number(view.getBigUint64(from + HASH_BYTES)),
    })),
  };
}

/** What a resource's row says of its row in `indexed`: 16 bytes of SHA-256. */
export function indexDigest(entries: Uint8Array, texts: Uint8Array | null): Uint8Array {
  return sha256(frame('aceso/vault/indexed/1', entries, texts ?? new Uint8Array(0))).slice(0, DIGEST_BYTES);
}
