import { sha256 } from '#crypto/platform';
import { openAes256Gcm, sealAes256Gcm } from '../../crypto/node/aead.ts';
import { base64urlToBytes, bytesToBase64url, utf8, utf8ToText } from '../../std/bytes.ts';
import { frame } from '../../std/frame.ts';
import { reject } from '../codes.ts';
import type { IndexQuery } from './index-query.ts';

/** Value of a sort key; null for a resource without one. */
export type SortValue = number | string | null;

/** Where a hit stands in its order. */
export interface Place {
  readonly rid: number;
  readonly values: readonly SortValue[];
}

/** Texts are ordered by their first 256 UTF-16 units, which is all that a cursor holds of them. */
export const MAX_SORT_UNITS = 256;
const MAX_CURSOR_CHARS = 16_384;

/**
 * Cursors are sealed (AES-256-GCM): a place tells a resource's number and values of others' records. They are bound to
 * type, criteria (or what stands for them) and order, so that one of another query does not open. About 60 characters with a date.
 */
export interface FindCursors {
  seal(query: IndexQuery, place: Place): string;
  /** Throws Reject CURSOR_INVALID. */
  open(query: IndexQuery, cursor: string): Place;
}

export function createFindCursors(key: Uint8Array): FindCursors {
  const boundTo = ({ type, criteria, sort, boundTo: name }: IndexQuery) =>
    frame('aceso/vault/find-cursor/1', sha256(utf8(JSON.stringify([type, name ?? criteria, sort], plain))));
  return {
    seal: (query, place) => bytesToBase64url(sealAes256Gcm(key, packPlace(place), boundTo(query))),
    open(query, cursor) {
      const sealed = cursor.length <= MAX_CURSOR_CHARS ? base64urlToBytes(cursor) : undefined;
      const packed = sealed && openAes256Gcm(key, sealed, boundTo(query));
      const place = packed && unpackPlace(packed);
      if (place === undefined || place.values.length !== query.sort.length) throw reject('CURSOR_INVALID');
      return place;
    },
  };
}

/** JSON has one word for all numbers that it does not know. */
function plain(_name: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

const MISSING = 0;
const NUMBER = 1;
const TEXT = 2;

/** Number of the resource as a double, then for each value its kind, and 8 bytes, or the length (u16) and UTF-8 bytes. */
function packPlace({ rid, values }: Place): Uint8Array {
  const parts = values.map((value) => {
    if (value === null) return Uint8Array.of(MISSING);
    if (typeof value === 'number') return Buffer.concat([Uint8Array.of(NUMBER), double(value)]);
    // Two bytes a unit: a cut between surrogates stays what it was.
    const text = Buffer.from(value, 'utf16le');
    const short = utf8(value);
    const isText = utf8ToText(short) === value;
    const bytes = isText ? short : text;
    return Buffer.concat([Uint8Array.of(isText ? TEXT : TEXT + 1, bytes.length >> 8, bytes.length & 255), bytes]);
  });
  return Buffer.concat([double(rid), ...parts]);
}

function unpackPlace(bytes: Uint8Array): Place | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (buffer.length < 8) return undefined;
  const values: SortValue[] = [];
  let at = 8;
  while (at < buffer.length) {
    const kind = buffer[at];
    if (kind === MISSING) {
      values.push(null);
      at += 1;
    } else if (kind === NUMBER) {
      values.push(buffer.readDoubleBE(at + 1));
      at += 9;
    } else {
      const end = at + 3 + buffer.readUInt16BE(at + 1);
      values.push(buffer.toString(kind === TEXT ? 'utf8' : 'utf16le', at + 3, end));
      at = end;
    }
  }
  return { rid: buffer.readDoubleBE(0), values };
}

function double(value: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes;
}
