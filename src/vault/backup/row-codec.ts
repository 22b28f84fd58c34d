import { concatBytes, utf8, utf8ToText } from '../../std/bytes.ts';
import { u32 } from '../../std/frame.ts';
import type { SqlValue } from '../database/connection.ts';
import { reject } from './codes.ts';

/** A value: one byte that says of what kind, then a number of 8 bytes (IEEE 754), or a length (u32) and bytes. */
const NULL = 0;
const NUMBER = 1;
const TEXT = 2;
const BYTES = 3;

export function encodeValues(values: readonly SqlValue[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const value of values) {
    if (value === null) parts.push(Uint8Array.of(NULL));
    else if (typeof value === 'number') {
      const number = new Uint8Array(9);
      number[0] = NUMBER;
      new DataView(number.buffer).setFloat64(1, value);
      parts.push(number);
    } else {
      const bytes = typeof value === 'string' ? utf8(value) : value;
      parts.push(Uint8Array.of(typeof value === 'string' ? TEXT : BYTES), u32(bytes.length), bytes);
    }
  }
  return concatBytes(...parts);
}

/** The values that fill `bytes` from `from` on. Throws Reject BACKUP_ROWS_DAMAGED. */
export function decodeValues(bytes: Uint8Array, from = 0): SqlValue[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values: SqlValue[] = [];
  let at = from;
  const need = (count: number): void => {
    if (at + count > bytes.length) throw reject('BACKUP_ROWS_DAMAGED');
  };
  while (at < bytes.length) {
    const kind = bytes[at++];
    if (kind === NULL) {
      values.push(null);
      continue;
    }
    if (kind === NUMBER) {
      need(8);
      values.push(view.getFloat64(at));
      at += 8;
      continue;
    }
    need(4);
    const length = view.getUint32(at);
    at += 4;
    need(length);
    const value = bytes.subarray(at, at + length);
    at += length;
    if (kind === TEXT) values.push(utf8ToText(value));
    else if (kind === BYTES) values.push(value);
    else throw reject('BACKUP_ROWS_DAMAGED');
  }
  return values;
}
