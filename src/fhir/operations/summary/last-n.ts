import { dateInterval } from '../../search/date-interval.ts';
import { type ChartRecord, groupedByCode, listOf } from './chart-record.ts';

/**
 * The newest `max` observations of each code, newest first (R4 OperationDefinition Observation-lastn). Where the last
 * of them shares its time with others, these come too. An observation without a time is older than all others.
 */
export function lastObservations<R extends ChartRecord>(observations: readonly R[], max: number): R[] {
  const times = new Map<ChartRecord, number>(observations.map((record) => [record, effectiveMs(record)]));
  const timeOf = (record: ChartRecord) => times.get(record) as number;
  const byTime = (a: ChartRecord, b: ChartRecord) => timeOf(b) - timeOf(a) || (a.name < b.name ? -1 : 1);
  const chosen = groupedByCode(observations).flatMap((group) => {
    const sorted = group.sort(byTime);
    const last = sorted[max - 1];
    return last === undefined ? sorted : sorted.filter((record) => timeOf(record) >= timeOf(last));
  });
  return (chosen as R[]).sort(byTime);
}

/** When an observation was true: the end of a period, the beginning of a date that is not told to the second. */
function effectiveMs({ json }: ChartRecord): number {
  const [period] = listOf(json.effectivePeriod);
  const [timing] = listOf(json.effectiveTiming);
  const events = Array.isArray(timing?.event) ? timing.event : [];
  const texts = [json.effectiveDateTime, json.effectiveInstant, period?.end, period?.start, ...events, json.issued];
  for (const text of texts) {
    const interval = typeof text === 'string' ? dateInterval(text) : undefined;
    if (interval !== undefined) return interval.low;
  }
  return Number.MIN_SAFE_INTEGER;
}
