import { reject } from './codes.ts';

/** What may stand under a field's number. `varint`: an integer, of an enumeration at most `most`. */
export type Field =
  | { readonly wire: 'varint'; readonly most?: number }
  | { readonly wire: 'bytes'; readonly repeated?: true }
  | { readonly wire: 'message'; readonly shape: Shape; readonly repeated?: true };

/** A message's fields by their numbers, at most 30. `oneOf`: no two of them together. */
export interface Shape {
  readonly fields: readonly (Field | undefined)[];
  readonly oneOf?: true;
}

const VARINT = 0;
const LENGTH_DELIMITED = 2;
const MAX_VARINT_BYTES = 10;

/**
 * Holds the protobuf in `bytes` from `start` to `end` against a shape: each field known, of the wire type that it
 * should have, within the message around it, and a single one no more than once. cosmjs-types, which decodes it after
 * that, asks for none of this and would read something else out of it than was written. Texts are not looked at:
 * Go does not see to it that they are UTF-8, and somebody at the engine's RPC may have written them. Throws Reject
 * ABCI_REQUEST_MALFORMED {at}, the offset in `bytes`.
 */
export function checkShape(bytes: Uint8Array, start: number, end: number, shape: Shape): void {
  let seen = 0;
  let at = start;
  while (at < end) {
    const tag = bytes[at] as number;
    // Numbers up to 15 take one byte, the few above two; no shape has more.
    const number = tag < 0x80 ? tag >>> 3 : 0;
    const field = shape.fields[number];
    if (field === undefined) throw malformed(at);
    if ((tag & 7) !== (field.wire === 'varint' ? VARINT : LENGTH_DELIMITED)) throw malformed(at);
    if (shape.oneOf ? seen !== 0 : (seen & (1 << number)) !== 0 && !('repeated' in field)) throw malformed(at);
    seen |= 1 << number;
    at++;
    if (field.wire === 'varint') {
      const after = endOfVarint(bytes, at, end);
      if (field.most !== undefined && (after !== at + 1 || (bytes[at] as number) > field.most)) throw malformed(at);
      at = after;
      continue;
    }
    const after = endOfVarint(bytes, at, end);
    const length = readVarint(bytes, at, after);
    if (length > end - after) throw malformed(at);
    if (field.wire === 'message') checkShape(bytes, after, after + length, field.shape);
    at = after + length;
  }
}

/** Offset behind the varint at `at`, which has to end before `end`. Throws as `checkShape`. */
export function endOfVarint(bytes: Uint8Array, at: number, end: number): number {
  const last = Math.min(end, at + MAX_VARINT_BYTES);
  for (let i = at; i < last; i++) {
    const byte = bytes[i] as number;
    if (byte >= 0x80) continue;
    // The tenth byte holds the 64th bit alone; a longer form than needed was not written by Go.
    if ((i - at === MAX_VARINT_BYTES - 1 && byte > 1) || (byte === 0 && i > at)) throw malformed(at);
    return i + 1;
  }
  throw malformed(at);
}

/** Value of the varint from `at` to `after`; exact below 2^53, and above only larger than any length. */
export function readVarint(bytes: Uint8Array, at: number, after: number): number {
  let value = 0;
  for (let i = after - 1; i >= at; i--) value = value * 0x80 + ((bytes[i] as number) & 0x7f);
  return value;
}

export function malformed(at: number): Error {
  return reject('ABCI_REQUEST_MALFORMED', { at });
}
