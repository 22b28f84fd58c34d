import { dateInterval, type Interval } from '../../search/date-interval.ts';
import { type ChartRecord, codingsIn, groupedByCode, listOf } from './chart-record.ts';

/** What documents a client wants. */
export interface DocumentWish {
  /** When the care was that they tell of; absent asks for the newest alone. */
  readonly range?: Interval;
  /** `system|code`, `code` or `|code` as in a search by token; none for all. */
  readonly types: readonly string[];
  readonly profiles: readonly string[];
}

/**
 * Documents that a DocumentReference lists (US Core and IPA `$docref`): current ones, of any of the types and profiles,
 * about care within the range; without a range the newest of each type. A document about a time that is not told is in
 * every range.
 */
export function selectDocuments<R extends ChartRecord>(documents: readonly R[], wish: DocumentWish): R[] {
  const { range } = wish;
  const wanted = documents.filter(
    (document) =>
      document.json.status === 'current' && isOfType(document, wish.types) && isOfProfile(document, wish.profiles),
  );
  if (range !== undefined) return sorted(wanted.filter((document) => overlaps(timeOf(document), range)));
  const typed = wanted.map((document) => ({ ...document, json: { ...document.json, code: document.json.type } }));
  const newest = groupedByCode(typed).map((group) => sorted(group)[0]?.name);
  return sorted(wanted.filter(({ name }) => newest.includes(name)));
}

function isOfType({ json }: ChartRecord, types: readonly string[]): boolean {
  if (types.length === 0) return true;
  const codings = codingsIn(json.type);
  return types.some((type) => codings.some((coding) => (type.includes('|') ? coding : coding.split('|')[1]) === type));
}

/** By the profile that the reference claims, or the format that its content has (R4 DocumentReference.content.format). */
function isOfProfile({ json }: ChartRecord, profiles: readonly string[]): boolean {
  if (profiles.length === 0) return true;
  const [meta] = listOf(json.meta);
  const claimed = Array.isArray(meta?.profile) ? meta.profile : [];
  const formats = listOf(json.content).flatMap(({ format }) => listOf(format).map(({ code }) => code));
  return profiles.some((profile) => claimed.includes(profile) || formats.includes(profile));
}

/** When the documented care was, else when the reference was made. */
function timeOf({ json }: ChartRecord): Interval | undefined {
  const [context] = listOf(json.context);
  const [period] = listOf(context?.period);
  const low = intervalOf(period?.start)?.low;
  const high = intervalOf(period?.end)?.high;
  if (low !== undefined || high !== undefined)
    return { low: low ?? Number.NEGATIVE_INFINITY, high: high ?? Number.POSITIVE_INFINITY };
  return intervalOf(json.date);
}

function intervalOf(text: unknown): Interval | undefined {
  return typeof text === 'string' ? dateInterval(text) : undefined;
}

function overlaps(time: Interval | undefined, range: Interval): boolean {
  return time === undefined || (time.low <= range.high && time.high >= range.low);
}

function sorted<R extends ChartRecord>(documents: readonly R[]): R[] {
  const newest = (document: R) => {
    const { high, low } = timeOf(document) ?? { low: 0, high: 0 };
    return Number.isFinite(high) ? high : low;
  };
  return [...documents].sort((a, b) => newest(b) - newest(a) || (a.name < b.name ? -1 : 1));
}
