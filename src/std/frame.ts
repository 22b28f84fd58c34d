import { utf8ToText } from './bytes.ts';

/**
 * The one encoding of everything that is hashed, authenticated or signed: a domain tag and parts, each preceded
 * by its length as u32 big-endian. No two different lists of parts give the same bytes. Tags are ASCII.
 */
export function frame(tag: string, ...parts: readonly Uint8Array[]): Uint8Array {
  let length = 4 + tag.length;
  for (const part of parts) length += 4 + part.length;
  const out = new Uint8Array(length);
  const view = new DataView(out.buffer);
  view.setUint32(0, tag.length);
  for (let at = 0; at < tag.length; at++) out[4 + at] = tag.charCodeAt(at);
  let offset = 4 + tag.length;
  for (const part of parts) {
    view.setUint32(offset, part.length);
    out.set(part, offset + 4);
    offset += 4 + part.length;
  }
  return out;
}

/**
 * Parts of a frame that carries the ASCII `tag`, as views into `bytes`; undefined when the bytes are no such frame, a
 * trailing byte included.
 */
export function unframe(tag: string, bytes: Uint8Array): Uint8Array[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Uint8Array[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    if (bytes.length - offset < 4) return undefined;
    const length = view.getUint32(offset);
    offset += 4;
    if (bytes.length - offset < length) return undefined;
    parts.push(bytes.subarray(offset, offset + length));
    offset += length;
  }
  const head = parts.shift();
  if (head === undefined || head.length !== tag.length) return undefined;
  for (let i = 0; i < head.length; i++) if (head[i] !== tag.charCodeAt(i)) return undefined;
  return parts;
}

/** u32 big-endian. Throws RangeError outside 0 … 2^32−1. */
export function u32(value: number): Uint8Array {
  if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) throw new RangeError(`not a u32: ${value}`);
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, value);
  return out;
}

/** u64 big-endian of a safe integer. Throws RangeError outside 0 … 2^53−1. */
export function u64(value: number): Uint8Array {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`not a safe u64: ${value}`);
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, BigInt(value));
  return out;
}

/** The tag of a frame; undefined when the bytes do not begin like one. */
export function frameTag(bytes: Uint8Array): string | undefined {
  if (bytes.length < 4) return undefined;
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0);
  if (length > 64 || bytes.length < 4 + length) return undefined;
  try {
    return utf8ToText(bytes.subarray(4, 4 + length));
  } catch {
    return undefined;
  }
}
