import { concatBytes } from '../../std/bytes.ts';
import { msToInstant } from '../../std/instant.ts';
import { rejecter } from '../../std/reject.ts';
import { CODES } from './codes.ts';
import { varintField } from './protobuf.ts';

const reject = rejecter(CODES);

/** Go's RFC3339Nano in UTC from 1970 on: nanoseconds without zeros at their end, no point without digits. */
export const TIME_PATTERN =
  '^(?:19[7-9][0-9]|[2-9][0-9]{3})-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\\.[0-9]{0,8}[1-9])?Z$';

const PARTS = /^([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?Z$/;

/**
 * google.protobuf.Timestamp of a time in CometBFT's JSON, to the nanosecond, which a Date would round. Throws Reject
 * COMMIT_MALFORMED for a time that no calendar has: it would be another one in other digits.
 */
export function timestampToBytes(text: string): Uint8Array {
  const parts = PARTS.exec(text);
  if (parts === null) throw reject('COMMIT_MALFORMED');
  const [year, month, day, hours, minutes, whole] = parts.slice(1, 7).map(Number) as Six;
  const seconds = daysOf(year, month, day) * 86_400 + hours * 3600 + minutes * 60 + whole;
  if (seconds < 0 || msToInstant(seconds * 1000) !== `${text.slice(0, 19)}Z`) throw reject('COMMIT_MALFORMED');
  const nanos = Number((parts[7] ?? '').padEnd(9, '0'));
  return concatBytes(varintField(1, seconds), varintField(2, nanos));
}

type Six = [number, number, number, number, number, number];

/** Days from 1970-01-01 to a date of the proleptic Gregorian calendar; `msToInstant` goes the other way. */
function daysOf(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month <= 2 ? month + 9 : month - 3) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}
