import { concatBytes } from '../../std/bytes.ts';

/**
 * Protocol Buffers' wire format (protobuf.dev, "Encoding"), as far as what CometBFT hashes and signs needs it. Written
 * out here since the verify page carries it: the generated types for these few messages would add a half to the page.
 * Field numbers stay below 16. What has its default value is left out, as proto3 has it; the caller sees to the order.
 */

const EMPTY = new Uint8Array(0);

/** Base 128, lowest digits first. Takes 0 … 2^53−1. */
export function varint(value: number): Uint8Array {
  requireCount(value);
  const bytes: number[] = [];
  let rest = value;
  // Not by bit operators, which would cut at 2^32.
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

/** A field of type int32, int64, uint32, uint64 or an enumeration. */
export function varintField(field: number, value: number): Uint8Array {
  return value === 0 ? EMPTY : concatBytes(tag(field, 0), varint(value));
}

/** A field of type sfixed64: eight bytes, lowest first. */
export function sfixed64Field(field: number, value: number): Uint8Array {
  if (value === 0) return EMPTY;
  requireCount(value);
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, value % 2 ** 32, true);
  view.setUint32(4, Math.floor(value / 2 ** 32), true);
  return concatBytes(tag(field, 1), bytes);
}

/** A field of type bytes or string. */
export function bytesField(field: number, bytes: Uint8Array): Uint8Array {
  return bytes.length === 0 ? EMPTY : messageField(field, bytes);
}

/** An embedded message that is there, if empty: so Go writes those that its structs hold by value. */
export function messageField(field: number, message: Uint8Array): Uint8Array {
  return concatBytes(tag(field, 2), delimited(message));
}

/** A message after its length. */
export function delimited(message: Uint8Array): Uint8Array {
  return concatBytes(varint(message.length), message);
}

function tag(field: number, wireType: number): Uint8Array {
  return Uint8Array.of(field * 8 + wireType);
}

function requireCount(value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError('only 0 to 2^53-1 is written');
}
