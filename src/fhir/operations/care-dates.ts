import type { ParsedResource } from '../patient-account.ts';
import { dateInterval, type Interval } from '../search/date-interval.ts';

/** About a person and not about an act of care: in every range. */
const UNDATED: ReadonlySet<string> = new Set([
  'Patient',
  'RelatedPerson',
  'Person',
  'Group',
  'Coverage',
  'Consent',
  'Account',
]);
/** What has begun holds until it is said to have ended. */
const LASTING: ReadonlySet<string> = new Set([
  'Condition',
  'AllergyIntolerance',
  'FamilyMemberHistory',
  'Flag',
  'Goal',
]);

/** Elements that tell when care was given, the most telling first; of dates of one row the widest span counts. */
const ELEMENTS: readonly (readonly string[])[] = [
  ['effectiveDateTime', 'effectivePeriod', 'effectiveInstant'],
  ['performedDateTime', 'performedPeriod'],
  ['occurrenceDateTime', 'occurrencePeriod', 'occurredDateTime', 'occurredPeriod'],
  ['onsetDateTime', 'onsetPeriod', 'abatementDateTime', 'abatementPeriod'],
  ['actualPeriod', 'period', 'billablePeriod', 'servicedDate', 'servicedPeriod', 'timingDateTime', 'timingPeriod'],
  ['startDate', 'start', 'end', 'started', 'sent', 'received', 'whenHandedOver', 'whenPrepared'],
  ['authoredOn', 'dateWritten', 'recordedDate', 'createdDateTime', 'createdPeriod', 'receivedTime', 'statusDate'],
  ['date', 'created', 'issued', 'recorded', 'dateAsserted'],
];

/** When the care was that a resource tells of; undefined where it says nothing of that. */
export function careInterval(resource: ParsedResource): Interval | undefined {
  if (UNDATED.has(resource.resourceType)) return undefined;
  for (const names of ELEMENTS) {
    const found = names.flatMap((name) => intervalsIn(resource[name]));
    if (found.length === 0) continue;
    const low = Math.min(...found.map((one) => one.low));
    const high = Math.max(...found.map((one) => one.high));
    if (!LASTING.has(resource.resourceType)) return { low, high };
    const hasBegun = resource.onsetDateTime !== undefined || resource.onsetPeriod !== undefined;
    const hasEnded = resource.abatementDateTime !== undefined || resource.abatementPeriod !== undefined;
    if (!hasEnded) return { low, high: Number.POSITIVE_INFINITY };
    return { low: hasBegun ? low : Number.NEGATIVE_INFINITY, high };
  }
  return undefined;
}

function intervalsIn(value: unknown): Interval[] {
  if (typeof value === 'string') {
    const one = dateInterval(value);
    return one === undefined ? [] : [one];
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  const { start, end } = value as { readonly start?: unknown; readonly end?: unknown };
  const low = typeof start === 'string' ? dateInterval(start) : undefined;
  const high = typeof end === 'string' ? dateInterval(end) : undefined;
  if (low === undefined && high === undefined) return [];
  return [{ low: low?.low ?? Number.NEGATIVE_INFINITY, high: high?.high ?? Number.POSITIVE_INFINITY }];
}

/** True unless the resource tells of care that was wholly outside of the range. */
export function isWithinCare(resource: ParsedResource, range: Interval): boolean {
  const care = careInterval(resource);
  return care === undefined || (care.low <= range.high && care.high >= range.low);
}
