import { jaroWinkler } from './match-names.ts';
import type { BirthDate, Person, PersonName } from './match-person.ts';
import { GRADE_BITS, HOUSEHOLD_SHARE, type LevelOf, PRIOR_BITS, weightOf } from './match-weights.ts';
import type { MatchGrade } from './searchset.ts';

/** What two records of people come to. */
export interface Match {
  /** Bits of evidence that they are one person, prior included. */
  readonly bits: number;
  /** Probability that they are, by the model: 0 to 1. */
  readonly score: number;
  /** Absent below what is worth a look. */
  readonly grade?: MatchGrade;
}

type Level<F extends Parameters<typeof weightOf>[0]> = LevelOf<F> | undefined;

/** How alike two names are to be a slip of the pen. */
const SIMILAR = 0.9;

/** Compares two people. What is missing on either side says nothing. */
export function matchPeople(a: Person, b: Person): Match {
  const names = compareNames(a, b);
  const birthDate = compareBirthDates(a.birthDate, b.birthDate);
  const identifier = compareIdentifiers(a, b);
  const gender = compareGenders(a, b);
  const evidence =
    PRIOR_BITS +
    names.bits +
    bitsOf('birthDate', birthDate) +
    bitsOf('identifier', identifier) +
    bitsOf('gender', gender) +
    householdBits(bitsOf('telecom', compareTelecoms(a, b)), bitsOf('address', compareAddresses(a, b)));
  const hasOtherOrder = a.birthOrder !== undefined && b.birthOrder !== undefined && a.birthOrder !== b.birthOrder;
  const highest = highestBits({
    isIdentified: identifier === 'agree',
    contradictions: [names.given === 'conflict' || hasOtherOrder, birthDate === 'conflict'].filter(Boolean).length,
    isDoubtful: names.family === 'conflict' || gender === 'conflict',
    isPersonal: names.isPersonal || birthDate !== undefined || identifier !== undefined,
  });
  const bits = Math.min(evidence, highest);
  const grade = (['certain', 'probable', 'possible'] as const).find((one) => bits >= GRADE_BITS[one]);
  return { bits, score: 1 / (1 + 2 ** -bits), ...(grade === undefined ? {} : { grade }) };
}

/**
 * What a contradiction leaves at most, however much else agrees. Fields are not independent where people live together:
 * twins share all but a given name, father and son all but a birth date.
 */
function highestBits(found: {
  readonly isIdentified: boolean;
  readonly contradictions: number;
  readonly isDoubtful: boolean;
  /** False when nothing but what a family shares was compared. */
  readonly isPersonal: boolean;
}): number {
  const { isIdentified, contradictions, isDoubtful, isPersonal } = found;
  const below = (bits: number) => bits - 0.01;
  if (contradictions > 1 || (contradictions === 1 && !isIdentified) || !isPersonal) return below(GRADE_BITS.probable);
  if (contradictions === 1 || (isDoubtful && !isIdentified)) return below(GRADE_BITS.certain);
  return Number.POSITIVE_INFINITY;
}

function bitsOf<F extends Parameters<typeof weightOf>[0]>(field: F, level: Level<F>): number {
  return level === undefined ? 0 : weightOf(field, level);
}

function householdBits(telecom: number, address: number): number {
  if (telecom <= 0 || address <= 0) return telecom + address;
  return Math.max(telecom, address) + HOUSEHOLD_SHARE * Math.min(telecom, address);
}

interface NameMatch {
  readonly bits: number;
  readonly family: Level<'family'>;
  readonly given: Level<'given'>;
  /** True when given names were compared. */
  readonly isPersonal: boolean;
}

const NO_NAMES: NameMatch = { bits: 0, family: undefined, given: undefined, isPersonal: false };

/** Of all pairs of names (maiden, married, alias) the one that agrees best. */
function compareNames(a: Person, b: Person): NameMatch {
  const pairs = a.names.flatMap((one) => b.names.map((other) => comparePair(one, other)));
  return pairs.reduce((best, one) => (best === NO_NAMES || one.bits > best.bits ? one : best), NO_NAMES);
}

function comparePair(a: PersonName, b: PersonName): NameMatch {
  const family = compareFamilies(a.family, b.family);
  const given = compareGivens(a.givens, b.givens);
  const bits = bitsOf('family', family) + bitsOf('given', given);
  const swapped =
    a.family !== '' && b.family !== '' && a.family !== b.family && a.givens[0] === b.family && b.givens[0] === a.family;
  if (swapped) return { ...NO_NAMES, bits: weightOf('swappedNames', 'agree'), isPersonal: true };
  return { bits, family, given, isPersonal: given !== undefined };
}

function compareFamilies(a: string, b: string): Level<'family'> {
  if (a === '' || b === '') return undefined;
  if (a === b) return 'agree';
  // One of two family names, or both written in another order.
  const [some, others] = [a.split(' '), b.split(' ')];
  if (some.some((one) => one.length > 2 && others.includes(one))) return 'similar';
  return jaroWinkler(a, b) >= SIMILAR ? 'similar' : 'conflict';
}

function compareGivens(a: readonly string[], b: readonly string[]): Level<'given'> {
  const [first, other] = [a[0], b[0]];
  if (first === undefined || other === undefined) return undefined;
  if (first === other) return 'agree';
  if (first.length === 1 || other.length === 1) return first[0] === other[0] ? 'initial' : 'conflict';
  const isShort = (short: string, long: string) => short.length >= 3 && long.startsWith(short);
  if (isShort(first, other) || isShort(other, first)) return 'similar';
  if (a.includes(other) || b.includes(first)) return 'similar';
  return jaroWinkler(first, other) >= SIMILAR ? 'similar' : 'conflict';
}

function compareBirthDates(a: BirthDate | undefined, b: BirthDate | undefined): Level<'birthDate'> {
  if (a === undefined || b === undefined) return undefined;
  const isSame = { year: a.year === b.year, month: a.month === b.month, day: a.day === b.day };
  if (a.month === undefined || b.month === undefined) return isSame.year ? 'agree-to-year' : 'conflict';
  if (a.day === undefined || b.day === undefined) {
    if (isSame.year && isSame.month) return 'agree-to-month';
    return 'conflict';
  }
  const agreeing = Object.values(isSame).filter(Boolean).length;
  if (agreeing === 3) return 'agree';
  if (isSame.year && a.month === b.day && a.day === b.month) return 'swapped';
  return agreeing === 2 ? 'slip' : 'conflict';
}

function compareIdentifiers(a: Person, b: Person): Level<'identifier'> {
  let found: Level<'identifier'>;
  for (const one of a.identifiers) {
    for (const other of b.identifiers) {
      const isEqual = one.value === other.value;
      if (isEqual && one.system !== '' && one.system === other.system) return 'agree';
      if (isEqual && (one.system === '' || other.system === '')) found = 'agree-without-system';
      else if (one.system !== '' && one.system === other.system) found ??= 'conflict';
    }
  }
  return found;
}

function compareGenders({ gender: a }: Person, { gender: b }: Person): Level<'gender'> {
  if (a === undefined || b === undefined) return undefined;
  if (a === b) return 'agree';
  // `other` is not the opposite of anything.
  return a === 'other' || b === 'other' ? undefined : 'conflict';
}

function compareTelecoms(a: Person, b: Person): Level<'telecom'> {
  if (a.telecoms.length === 0 || b.telecoms.length === 0) return undefined;
  const values = new Set(a.telecoms.map(({ value }) => value));
  return b.telecoms.some(({ value }) => values.has(value)) ? 'agree' : 'conflict';
}

function compareAddresses(a: Person, b: Person): Level<'address'> {
  let found: Level<'address'>;
  for (const one of a.addresses) {
    for (const other of b.addresses) {
      const isSameCode = one.postalCode !== '' && one.postalCode === other.postalCode;
      const isSamePlace = isSameCode || (one.city !== '' && one.city === other.city);
      const hasLines = one.line !== '' && other.line !== '';
      if (isSamePlace && hasLines && jaroWinkler(one.line, other.line) >= SIMILAR) return 'agree';
      if (isSameCode) found = 'near';
      else found ??= 'conflict';
    }
  }
  return found;
}
