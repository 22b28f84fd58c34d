/** Hexadecimal in upper case, as CometBFT's JSON has it (libs/bytes, HexBytes). */

/** Bytes of digits that a schema found to be upper-case hexadecimal, two to a byte. */
export function upperHexToBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(Math.floor(text.length / 2));
  for (let at = 0; at < bytes.length; at++) bytes[at] = Number.parseInt(text.slice(at * 2, at * 2 + 2), 16);
  return bytes;
}

const DIGITS = '0123456789ABCDEF';

export function bytesToUpperHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += DIGITS.charAt(byte >> 4) + DIGITS.charAt(byte & 15);
  return text;
}
