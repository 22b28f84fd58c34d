/**
 * How likely two records of one person (m) and of two people (u) compare like this in a field (Fellegi and Sunter, A
 * Theory for Record Linkage, 1969). A comparison weighs log2(m/u) bits. The figures are estimates for general
 * populations of some hundred thousand, rounded; they are not learnt from anybody's records.
 */
interface Likelihood {
  readonly m: number;
  readonly u: number;
}

const LIKELIHOODS = {
  identifier: {
    /** System and value. */
    agree: { m: 0.95, u: 1e-7 },
    /** Equal values of which one says no system. */
    'agree-without-system': { m: 0.9, u: 1e-4 },
    /** Other values of one system: many a system numbers a person twice. */
    conflict: { m: 0.1, u: 1 },
  },
  family: {
    agree: { m: 0.88, u: 0.004 },
    similar: { m: 0.07, u: 0.008 },
    conflict: { m: 0.05, u: 0.988 },
  },
  given: {
    agree: { m: 0.86, u: 0.012 },
    /** A slip of the pen, a short form, or called by a second name. */
    similar: { m: 0.1, u: 0.02 },
    /** All that is known of one is the initial. */
    initial: { m: 0.9, u: 0.08 },
    conflict: { m: 0.03, u: 0.968 },
  },
  /** Family name as given name and the other way round. */
  swappedNames: { agree: { m: 0.01, u: 5e-6 } },
  birthDate: {
    agree: { m: 0.93, u: 4e-5 },
    /** Day and month changed places. */
    swapped: { m: 0.01, u: 1.4e-5 },
    /** One of year, month and day differs. */
    slip: { m: 0.04, u: 0.0025 },
    'agree-to-month': { m: 0.97, u: 0.001 },
    'agree-to-year': { m: 0.97, u: 0.012 },
    conflict: { m: 0.02, u: 0.9975 },
  },
  gender: { agree: { m: 0.985, u: 0.5 }, conflict: { m: 0.015, u: 0.5 } },
  telecom: { agree: { m: 0.6, u: 3e-4 }, conflict: { m: 0.4, u: 0.9997 } },
  address: {
    /** Postal code and line. */
    agree: { m: 0.55, u: 2e-4 },
    near: { m: 0.2, u: 0.004 },
    conflict: { m: 0.25, u: 0.9958 },
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Likelihood>>>>;

type Likelihoods = typeof LIKELIHOODS;
export type MatchField = keyof Likelihoods;
export type LevelOf<F extends MatchField> = keyof Likelihoods[F] & string;

/** Bits of evidence for one person that a comparison gives. */
export function weightOf<F extends MatchField>(field: F, level: LevelOf<F>): number {
  const { m, u } = (LIKELIHOODS[field] as Readonly<Record<string, Likelihood>>)[level] as Likelihood;
  return Math.log2(m / u);
}

/** Before anything is compared, one in 2^17 (131,072) is taken to be the person. */
export const PRIOR_BITS = -17;

/** Bits, prior included, from which a grade is given. Below `possible` nothing is. */
export const GRADE_BITS = {
  /** More than a name, a whole birth date and a sex: common names meet on common days. 1 in 10,000 is wrong. */
  certain: 13.5,
  /** 1 in 10. */
  probable: 3.2,
  /** 5 in 6: worth a look. */
  possible: -2.3,
} as const;

/** Phone and address of one household come and go together: the lesser of two that agree counts for a quarter. */
export const HOUSEHOLD_SHARE = 0.25;
