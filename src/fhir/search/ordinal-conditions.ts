import { canonicalUnit, inBaseUnits, UCUM } from './canonical-unit.ts';
import {
  type Condition,
  invalidValue,
  type NamedParameter,
  ordinalCriterion,
  passes,
  type SearchScope,
} from './condition.ts';
import { dateInterval } from './date-interval.ts';
import { dateValues, numberValues } from './number-values.ts';
import { closed, type NumberRange, numberRange, type Prefix, prefixTests, splitPrefix } from './prefix.ts';
import { quantityValues } from './quantity-values.ts';
import { splitUnescaped, unescaped } from './value-text.ts';

/** `[prefix]date` (R4 §3.1.1.4.7). */
export function dateCondition({ name, parameter }: NamedParameter, text: string, { nowMs }: SearchScope): Condition {
  const { prefix, rest } = splitPrefix(unescaped(text));
  // A plus sign that nobody encoded arrives as a space.
  const interval = dateInterval(rest.replace(/ (?=\d\d:\d\d$)/, '+'));
  if (interval === undefined) throw invalidValue(name, 'a date such as ge2013-01-14 or 2013-01-14T10:00:00Z');
  const margin = prefix === 'ap' ? Math.floor(Math.abs(nowMs - interval.low) / 10) : 0;
  const tests = prefixTests(prefix, { low: interval.low - margin, high: interval.high + margin, isOpen: false });
  return {
    criterion: ordinalCriterion(parameter, tests),
    isExact: true,
    test: (found) => found.some((one) => dateValues(one).some((value) => passes(value, tests))),
  };
}

/** `[prefix]number` (R4 §3.1.1.4.6). */
export function numberCondition({ name, parameter }: NamedParameter, text: string): Condition {
  const { prefix, rest } = splitPrefix(unescaped(text));
  const range = numberRange(prefix, rest);
  if (range === undefined) throw invalidValue(name, 'a number such as gt5.40 or 1e-3');
  const tests = prefixTests(prefix, range);
  return {
    criterion: ordinalCriterion(parameter, tests),
    isExact: true,
    test: (found) => found.some((one) => numberValues(one).some((value) => passes(value, tests))),
  };
}

/**
 * `[prefix]number|system|code`, `…||code` or the number alone (R4 §3.1.1.4.13). Units of UCUM are compared in base
 * units; any other system and code must be the same. `||code` is the code or the unit as people read it, and the number
 * alone is compared whatever the unit.
 */
export function quantityCondition({ name, parameter }: NamedParameter, text: string): Condition {
  const pieces = splitUnescaped(text, '|').map(unescaped);
  const { prefix, rest } = splitPrefix(pieces[0] ?? '');
  const [, system = '', code = ''] = pieces;
  const range = numberRange(prefix, rest);
  if (range === undefined || pieces.length > 3 || (system !== '' && code === ''))
    throw invalidValue(name, 'a number with or without its unit, such as gt5.4|http://unitsofmeasure.org|mg');
  const tests = prefixTests(prefix, range);
  if (code === '') {
    return {
      criterion: ordinalCriterion(parameter, tests),
      isExact: true,
      test: (found) => found.some((one) => quantityValues(one).some((value) => passes(value, tests))),
    };
  }
  if (system === '') {
    return {
      criterion: ordinalCriterion(parameter, tests),
      isExact: false,
      test: (found) =>
        found.some((one) =>
          quantityValues(one).some((value) => (value.code === code || value.unit === code) && passes(value, tests)),
        ),
    };
  }
  return measured({ name, parameter }, { prefix, range, system, code });
}

interface Measure {
  readonly prefix: Prefix;
  readonly range: NumberRange;
  readonly system: string;
  readonly code: string;
}

function measured({ parameter }: NamedParameter, { prefix, range, system, code }: Measure): Condition {
  const base = system === UCUM ? canonicalUnit(code) : undefined;
  if (base === undefined) {
    const tests = prefixTests(prefix, range);
    return {
      criterion: ordinalCriterion(parameter, tests, `|${system}|${code}`),
      isExact: true,
      test: (found) =>
        found.some((one) =>
          quantityValues(one).some((value) => value.system === system && value.code === code && passes(value, tests)),
        ),
    };
  }
  const inBase = (value: number) => inBaseUnits(value, base);
  const { value, low, high, isOpen } = range;
  const tests = prefixTests(prefix, closed({ value: inBase(value), low: inBase(low), high: inBase(high), isOpen }));
  return {
    criterion: ordinalCriterion(parameter, tests, `|${UCUM}|${base.unit}`),
    isExact: true,
    test: (found) =>
      found.some((one) =>
        quantityValues(one).some(
          ({ canonical }) => canonical !== undefined && canonical.unit === base.unit && passes(canonical, tests),
        ),
      ),
  };
}
