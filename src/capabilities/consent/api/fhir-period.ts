import type { Period } from '@medplum/fhirtypes';

const DATE_TIME = /^(\d{4})(?:-(\d{2})(?:-(\d{2})(T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2}))?)?)?$/;

/** Bounds in milliseconds since the epoch, both included; absent where the period is open. */
export interface PeriodMs {
  readonly fromMs?: number;
  readonly toMs?: number;
}

/**
 * A FHIR Period in milliseconds. A bound of less precision than a second stands for its first or last millisecond in
 * UTC ("if the end of the period is 2012-02-03, then the period is inclusive of that date", FHIR R4 §2.24.0.11).
 * Undefined when it has no bound, a malformed one, or ends before it begins.
 */
export function periodToMs({ start, end }: Period): PeriodMs | undefined {
  const fromMs = start === undefined ? undefined : firstMs(start);
  const toMs = end === undefined ? undefined : lastMs(end);
  if (start === undefined && end === undefined) return undefined;
  if (Number.isNaN(fromMs) || Number.isNaN(toMs)) return undefined;
  if (fromMs !== undefined && toMs !== undefined && fromMs > toMs) return undefined;
  return { ...(fromMs === undefined ? {} : { fromMs }), ...(toMs === undefined ? {} : { toMs }) };
}

function firstMs(text: string): number {
  const [, year, month = '01', day = '01', time] = DATE_TIME.exec(text) ?? [];
  return year === undefined ? Number.NaN : instantOf(Number(year), Number(month), Number(day), time);
}

function lastMs(text: string): number {
  const [, year, month, day, time] = DATE_TIME.exec(text) ?? [];
  if (year === undefined) return Number.NaN;
  if (time !== undefined)
    return instantOf(Number(year), Number(month), Number(day), time) + (time.includes('.') ? 0 : 999);
  // Validated as a day first, so that 2022-02-30 is no date; then the millisecond before the next unit begins.
  if (Number.isNaN(firstMs(text))) return Number.NaN;
  if (month === undefined) return Date.UTC(Number(year) + 1, 0, 1) - 1;
  if (day === undefined) return Date.UTC(Number(year), Number(month), 1) - 1;
  return Date.UTC(Number(year), Number(month) - 1, Number(day) + 1) - 1;
}

function instantOf(year: number, month: number, day: number, time: string | undefined): number {
  const date = new Date(Date.UTC(year, month - 1, day));
  // Date.UTC takes the years 0 to 99 for 1900 to 1999; no consent is that old.
  if (year < 100 || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return Number.NaN;
  if (time === undefined) return date.getTime();
  return Date.parse(`${date.toISOString().slice(0, 10)}${time}`);
}
