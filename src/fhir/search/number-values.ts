import type { Found } from './compile-expression.ts';
import { dateInterval, type Interval } from './date-interval.ts';

/** Times of a date parameter's value (R4 §3.1.1.4.7): a date, a Period, or the outer limits of a Timing. */
export function dateValues({ value, leaf }: Found): readonly Interval[] {
  switch (leaf.type) {
    case 'date':
    case 'dateTime':
    case 'instant': {
      const interval = typeof value === 'string' ? dateInterval(value) : undefined;
      return interval === undefined ? [] : [interval];
    }
    case 'Period':
      return period(value);
    case 'Timing':
      return timing(value);
  }
  return [];
}

function period(value: unknown): readonly Interval[] {
  const { start, end } = (value ?? {}) as { start?: unknown; end?: unknown };
  const from = typeof start === 'string' ? dateInterval(start) : undefined;
  const to = typeof end === 'string' ? dateInterval(end) : undefined;
  if (from === undefined && to === undefined) return [];
  return [{ low: from?.low ?? Number.NEGATIVE_INFINITY, high: to?.high ?? Number.POSITIVE_INFINITY }];
}

/** Details of the schedule are ignored: only its events and its bounds, when these are a Period, are times. */
function timing(value: unknown): readonly Interval[] {
  const { event, repeat } = value as { event?: unknown; repeat?: { boundsPeriod?: unknown } };
  const events = (Array.isArray(event) ? event : []).flatMap((one) =>
    typeof one === 'string' ? (dateInterval(one) ?? []) : [],
  );
  const all = [...events, ...period(repeat?.boundsPeriod)];
  if (all.length === 0) return [];
  return [{ low: Math.min(...all.map(({ low }) => low)), high: Math.max(...all.map(({ high }) => high)) }];
}

/** Numbers of a number parameter's value: exact (R4 §3.1.1.4.6), or from the low to the high of a Range. */
export function numberValues({ value, leaf }: Found): readonly Interval[] {
  if (leaf.type === 'Range') {
    const range = rangeOf(value);
    return range === undefined ? [] : [range.interval];
  }
  const number = finite(value);
  return number === undefined ? [] : [{ low: number, high: number }];
}

/** Ends of a Range and the Quantity that has its unit. */
export function rangeOf(value: unknown): { readonly interval: Interval; readonly unitOf: unknown } | undefined {
  const { low, high } = (value ?? {}) as { low?: { value?: unknown }; high?: { value?: unknown } };
  const [from, to] = [finite(low?.value), finite(high?.value)];
  if (from === undefined && to === undefined) return undefined;
  return {
    interval: { low: from ?? Number.NEGATIVE_INFINITY, high: to ?? Number.POSITIVE_INFINITY },
    unitOf: from === undefined ? high : low,
  };
}

/** A decimal as a double. One beyond all doubles (1e400 is valid FHIR) stays the largest, since infinity is an open end. */
export function finite(value: unknown): number | undefined {
  if (typeof value !== 'number' || Number.isNaN(value)) return undefined;
  return Math.min(Math.max(value, -Number.MAX_VALUE), Number.MAX_VALUE);
}
