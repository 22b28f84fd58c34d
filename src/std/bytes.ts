/** Bytes and their textual forms. Decoders are strict: exactly one text stands for one byte string. */

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** UTF-8 bytes of `text`. A lone surrogate becomes U+FFFD, so text from outside is checked before it is hashed. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Text of UTF-8 `bytes`. Throws TypeError when they are not well-formed UTF-8. */
export function utf8ToText(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** One byte string of `parts`, in order. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

/** Unsigned byte order, shorter first on a tie: negative, 0 or positive. Not constant-time. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Equality of public byte strings. Where one side is secret use `equalSecret` of `crypto`. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && compareBytes(a, b) === 0;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Lower-case hexadecimal. */
export function bytesToHex(bytes: Uint8Array): string {
  let out = '';
  for (const byte of bytes) out += HEX[byte];
  return out;
}

/** Bytes of lower-case hexadecimal; undefined for any other text. */
export function hexToBytes(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0) return undefined;
  const out = new Uint8Array(text.length >>> 1);
  for (let i = 0; i < out.length; i++) {
    const high = digitAt(text, i * 2, HEX_DIGITS);
    const low = digitAt(text, i * 2 + 1, HEX_DIGITS);
    if (high === NO_DIGIT || low === NO_DIGIT) return undefined;
    out[i] = (high << 4) | low;
  }
  return out;
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const BASE64 = `${ALPHABET}+/`;
const BASE64URL = `${ALPHABET}-_`;
const NO_DIGIT = 255;
const HEX_DIGITS = digitTable('0123456789abcdef');
const BASE64_DIGITS = digitTable(BASE64);
const BASE64URL_DIGITS = digitTable(BASE64URL);

/** base64url without padding (RFC 4648 §5). */
export function bytesToBase64url(bytes: Uint8Array): string {
  return encode64(bytes, BASE64URL);
}

/** base64 with padding (RFC 4648 §4). */
export function bytesToBase64(bytes: Uint8Array): string {
  const text = encode64(bytes, BASE64);
  return text + '='.repeat((4 - (text.length % 4)) % 4);
}

/** Bytes of unpadded base64url; undefined for any other text, stray trailing bits included (RFC 4648 §3.5). */
export function base64urlToBytes(text: string): Uint8Array | undefined {
  return decode64(text, text.length, BASE64URL_DIGITS);
}

/** Bytes of padded base64; undefined for any other text, stray trailing bits included (RFC 4648 §3.5). */
export function base64ToBytes(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0) return undefined;
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  return decode64(text, text.length - padding, BASE64_DIGITS);
}

function encode64(bytes: Uint8Array, alphabet: string): string {
  let out = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const [a, b, c] = [bytes[i] as number, bytes[i + 1] ?? 0, bytes[i + 2] ?? 0];
    const word = (a << 16) | (b << 8) | c;
    out += alphabet.charAt(word >> 18) + alphabet.charAt((word >> 12) & 63);
    if (left > 1) out += alphabet.charAt((word >> 6) & 63);
    if (left > 2) out += alphabet.charAt(word & 63);
  }
  return out;
}

/** The first `length` characters of `text`, four to three bytes; undefined for a stray digit, length or trailing bit. */
function decode64(text: string, length: number, digits: Uint8Array): Uint8Array | undefined {
  if (length % 4 === 1) return undefined;
  const out = new Uint8Array(Math.floor((length * 3) / 4));
  let word = 0;
  let bits = 0;
  let at = 0;
  for (let i = 0; i < length; i++) {
    const digit = digitAt(text, i, digits);
    if (digit === NO_DIGIT) return undefined;
    word = ((word << 6) | digit) & 0xffffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out[at++] = (word >> bits) & 255;
    }
  }
  return (word & ((1 << bits) - 1)) === 0 ? out : undefined;
}

/** Value of each ASCII character as a digit of `alphabet`, else NO_DIGIT. Tables, since a pattern costs stack on long texts. */
function digitTable(alphabet: string): Uint8Array {
  const table = new Uint8Array(128).fill(NO_DIGIT);
  for (let digit = 0; digit < alphabet.length; digit++) table[alphabet.charCodeAt(digit)] = digit;
  return table;
}

function digitAt(text: string, index: number, digits: Uint8Array): number {
  return digits[text.charCodeAt(index)] ?? NO_DIGIT;
}
