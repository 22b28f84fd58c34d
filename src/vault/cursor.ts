import { base64urlToBytes, bytesToBase64url, utf8, utf8ToText } from '../std/bytes.ts';
import { reject } from './codes.ts';

/** Most rows of one page; a larger limit is taken as this one. */
export const MAX_PAGE_ROWS = 1000;

/** Longest key that a cursor holds: a FHIR id has 64 characters. */
const MAX_CURSOR_CHARS = 256;

/** An opaque place to go on from: which list it is of, and the key of the last row given. */
export function keyToCursor(list: string, key: string): string {
  return bytesToBase64url(utf8(`${list}:${key}`));
}

/** The key that a cursor of this list holds. Throws Reject CURSOR_INVALID. */
export function cursorToKey(list: string, cursor: string): string {
  const bytes = cursor.length <= MAX_CURSOR_CHARS ? base64urlToBytes(cursor) : undefined;
  if (bytes === undefined) throw reject('CURSOR_INVALID');
  let text: string;
  try {
    text = utf8ToText(bytes);
  } catch {
    throw reject('CURSOR_INVALID');
  }
  if (!text.startsWith(`${list}:`)) throw reject('CURSOR_INVALID');
  return text.slice(list.length + 1);
}

/** The same for a list that is ordered by an integer; `start` where there is no cursor. */
export function cursorToInteger(list: string, cursor: string | undefined, start: number): number {
  if (cursor === undefined) return start;
  const text = cursorToKey(list, cursor);
  if (!/^\d{1,16}$/.test(text)) throw reject('CURSOR_INVALID');
  return Number(text);
}

/** Rows of a page. Throws RangeError for a limit that is not a positive integer. */
export function pageRows(limit: number): number {
  if (!Number.isInteger(limit) || limit < 1) throw new RangeError(`page limit ${limit}`);
  return Math.min(limit, MAX_PAGE_ROWS);
}
