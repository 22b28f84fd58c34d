import { canonicalUnit, inBaseUnits, UCUM } from './canonical-unit.ts';
import type { Found } from './compile-expression.ts';
import type { Interval } from './date-interval.ts';
import { finite, rangeOf } from './number-values.ts';

/** What a quantity parameter compares (R4 §3.1.1.4.13). */
export interface QuantityValue extends Interval {
  readonly system?: string;
  readonly code?: string;
  /** Unit for people, which `5.4||mg` looks at too. */
  readonly unit?: string;
  /** Set when the unit is of UCUM and comes down to base units. */
  readonly canonical?: Interval & { readonly unit: string };
}

const CURRENCY = 'urn:iso:std:iso:4217';
const QUANTITIES = new Set(['Quantity', 'Age', 'Count', 'Distance', 'Duration', 'SimpleQuantity', 'MoneyQuantity']);

/** Values of a Quantity, of a Money (its currency is the code), or of a Range. SampledData has no one value. */
export function quantityValues({ value, leaf }: Found): readonly QuantityValue[] {
  if (leaf.type === 'Money') {
    const { value: amount, currency } = value as { value?: unknown; currency?: unknown };
    const number = finite(amount);
    return number === undefined ? [] : [measured({ low: number, high: number }, { system: CURRENCY, code: currency })];
  }
  if (leaf.type === 'Range') {
    const range = rangeOf(value);
    return range === undefined ? [] : [measured(range.interval, range.unitOf)];
  }
  if (!QUANTITIES.has(leaf.type)) return [];
  const { value: amount, comparator } = value as { value?: unknown; comparator?: unknown };
  const number = finite(amount);
  return number === undefined ? [] : [measured(compared(number, comparator), value)];
}

/** `<5` is some value up to 5. */
function compared(number: number, comparator: unknown): Interval {
  if (comparator === '<' || comparator === '<=') return { low: Number.NEGATIVE_INFINITY, high: number };
  if (comparator === '>' || comparator === '>=') return { low: number, high: Number.POSITIVE_INFINITY };
  return { low: number, high: number };
}

function measured(interval: Interval, unitOf: unknown): QuantityValue {
  const { system, code, unit } = (unitOf ?? {}) as { system?: unknown; code?: unknown; unit?: unknown };
  const base = system === UCUM && typeof code === 'string' ? canonicalUnit(code) : undefined;
  return {
    ...interval,
    ...(typeof system === 'string' ? { system } : {}),
    ...(typeof code === 'string' ? { code } : {}),
    ...(typeof unit === 'string' ? { unit } : {}),
    ...(base === undefined
      ? {}
      : {
          canonical: { unit: base.unit, low: inBaseUnits(interval.low, base), high: inBaseUnits(interval.high, base) },
        }),
  };
}
