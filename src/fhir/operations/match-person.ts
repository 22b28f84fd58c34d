import { foldName } from './match-names.ts';
import { isObject } from './operation-input.ts';

/** Most of each kind that are compared: a Patient with thousands of names costs no more than others. */
const MAX = { identifiers: 16, names: 8, givens: 4, telecoms: 8, addresses: 4 } as const;
const MAX_TEXT_CHARS = 256;

export interface PersonName {
  /** Folded, '' when absent. */
  readonly family: string;
  readonly givens: readonly string[];
  /** As written, for searches. */
  readonly written: { readonly family: string; readonly given: string };
}

/** Month and day are absent where the date is no more precise. */
export interface BirthDate {
  readonly year: number;
  readonly month?: number;
  readonly day?: number;
}

/** What of a Patient tells who it is. */
export interface Person {
  readonly identifiers: readonly { readonly system: string; readonly value: string }[];
  readonly names: readonly PersonName[];
  readonly birthDate?: BirthDate;
  readonly gender?: 'male' | 'female' | 'other';
  /** Normalised for comparison, and as written for searches. */
  readonly telecoms: readonly { readonly value: string; readonly written: string }[];
  readonly addresses: readonly { readonly postalCode: string; readonly line: string; readonly city: string }[];
  /** Place among children of one birth. */
  readonly birthOrder?: number;
}

/** Reads a Patient, however incomplete; members of another form than FHIR's are passed over. */
export function patientToPerson(patient: Readonly<Record<string, unknown>>): Person {
  const birthDate = birthDateOf(patient.birthDate);
  const { gender, multipleBirthInteger: order } = patient;
  return {
    identifiers: objectsAt(patient.identifier, MAX.identifiers).flatMap(({ system, value }) => {
      const text = trimmed(value);
      return text === '' ? [] : [{ system: trimmed(system), value: text }];
    }),
    names: objectsAt(patient.name, MAX.names).flatMap(nameOf),
    ...(birthDate === undefined ? {} : { birthDate }),
    ...(gender === 'male' || gender === 'female' || gender === 'other' ? { gender } : {}),
    telecoms: objectsAt(patient.telecom, MAX.telecoms).flatMap(telecomOf),
    addresses: objectsAt(patient.address, MAX.addresses).flatMap(addressOf),
    ...(typeof order === 'number' ? { birthOrder: order } : {}),
  };
}

function nameOf({ family, given }: Readonly<Record<string, unknown>>): PersonName[] {
  const givens = Array.isArray(given)
    ? given
        .slice(0, MAX.givens)
        .map(trimmed)
        .filter((one) => one !== '')
    : [];
  const written = { family: trimmed(family), given: givens[0] ?? '' };
  // Two names written as one are two.
  const folded = givens.flatMap((one) => foldName(one).split(' ')).filter((one) => one !== '');
  const name = { family: foldName(written.family), givens: folded.slice(0, MAX.givens), written };
  return name.family === '' && name.givens.length === 0 ? [] : [name];
}

function birthDateOf(value: unknown): BirthDate | undefined {
  const match = typeof value === 'string' ? /^([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?$/.exec(value) : null;
  if (match === null) return undefined;
  const [, year, month, day] = match as unknown as [string, string, string | undefined, string | undefined];
  return {
    year: Number(year),
    ...(month === undefined ? {} : { month: Number(month) }),
    ...(day === undefined ? {} : { day: Number(day) }),
  };
}

/** Phone numbers by their last nine digits, so that a country's prefix makes no difference; the rest in lower case. */
function telecomOf({ value }: Readonly<Record<string, unknown>>): { value: string; written: string }[] {
  const written = trimmed(value);
  const digits = written.replace(/[^0-9]/g, '');
  const isNumber = digits.length >= 6 && !/[a-z@]/i.test(written.replace(/\b(?:ext|x|tel)\b/gi, ''));
  const comparable = isNumber ? digits.slice(-9) : written.toLowerCase();
  return comparable.length < 4 ? [] : [{ value: comparable, written }];
}

function addressOf({ postalCode, line, city }: Readonly<Record<string, unknown>>) {
  const lines = Array.isArray(line) ? line.slice(0, 3).map(trimmed).join(' ') : '';
  const address = { postalCode: foldName(trimmed(postalCode)), line: foldName(lines), city: foldName(trimmed(city)) };
  return address.postalCode === '' && address.line === '' ? [] : [address];
}

function objectsAt(value: unknown, most: number): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.slice(0, most).filter(isObject) : [];
}

function trimmed(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, MAX_TEXT_CHARS).trim() : '';
}
