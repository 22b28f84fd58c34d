import { hexToBytes } from '../../std/bytes.ts';

/** Bytes of a member that the receipt's schema has found to be hexadecimal. */
export function hashOf(text: string): Uint8Array {
  const bytes = hexToBytes(text);
  if (bytes === undefined) throw new TypeError('not hexadecimal: the schema should have refused it');
  return bytes;
}
