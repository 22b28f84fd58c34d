import type { ParsedResource } from '../../patient-account.ts';
import { localReference, referencesIn } from '../../references.ts';
import { careInterval } from '../care-dates.ts';
import { isObject } from '../operation-input.ts';

/** A resource of a chart: its exact text, and what the text says with every number as it is written. */
export interface ChartRecord {
  /** `Type/id`. */
  readonly name: string;
  readonly type: string;
  readonly text: string;
  readonly json: ParsedResource;
}

/** A record of exact text. Numbers become text, since `1.10` is another finding than `1.1` (R4 decimal). */
export function chartRecord(text: string): ChartRecord {
  const json = JSON.parse(text, (_name, value, context?: { source?: string }) =>
    typeof value === 'number' ? (context?.source ?? String(value)) : value,
  ) as ParsedResource;
  return { name: `${json.resourceType}/${String(json.id)}`, type: json.resourceType, text, json };
}

/** `system|code` of the codings of a CodeableConcept, or of a list of them. */
export function codingsIn(concepts: unknown): string[] {
  return listOf(concepts).flatMap((concept) =>
    listOf(concept.coding).map(({ system, code }) => `${String(system ?? '')}|${String(code ?? '')}`),
  );
}

/** Whether a concept, or one of a list, has one of the codes, whatever their system: for elements bound by R4. */
export function hasCode(concepts: unknown, codes: readonly string[]): boolean {
  return codingsIn(concepts).some((coding) => codes.includes(coding.slice(coding.indexOf('|') + 1)));
}

/** Objects of a list, or the one object; none of anything else. */
export function listOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  if (Array.isArray(value)) return value.filter(isObject);
  return isObject(value) ? [value] : [];
}

/** What groups observations: codes, or the text where there is no code (R4 `$lastn`). */
export function codeKeys(concept: unknown): string[] {
  const codings = codingsIn(concept);
  if (codings.length > 0) return codings;
  const [{ text } = { text: undefined }] = listOf(concept);
  // No coding begins so: a system is a URI.
  return typeof text === 'string' ? [`"${text}`] : [];
}

/** Groups records whose codes are the same, also by way of a third (R4 `$lastn`: equality is transitive). */
export function groupedByCode(records: readonly ChartRecord[]): ChartRecord[][] {
  const leaders = new Map<string, string>();
  const leaderOf = (key: string): string => {
    let leader = key;
    for (let next = leaders.get(leader); next !== undefined && next !== leader; next = leaders.get(leader))
      leader = next;
    leaders.set(key, leader);
    return leader;
  };
  // A record without any code is like no other.
  const keysOf = ({ json, name }: ChartRecord) => {
    const keys = codeKeys(json.code);
    return keys.length > 0 ? keys : [`#${name}`];
  };
  for (const record of records) {
    const [first, ...others] = keysOf(record) as [string, ...string[]];
    for (const other of others) leaders.set(leaderOf(other), leaderOf(first));
  }
  const groups = new Map<string, ChartRecord[]>();
  for (const record of records) {
    const leader = leaderOf((keysOf(record) as [string])[0]);
    const group = groups.get(leader);
    if (group === undefined) groups.set(leader, [record]);
    else group.push(record);
  }
  return [...groups.values()];
}

/** When the care was that a record tells of, in milliseconds since 1970; long ago where it does not say. */
export function careTimeMs({ json }: ChartRecord): number {
  const low = careInterval(json)?.low ?? Number.NEGATIVE_INFINITY;
  return Number.isFinite(low) ? low : Number.MIN_SAFE_INTEGER;
}

/** Newest first; at the same time in order of name, so that the same chart gives the same order. */
export function newestFirst(records: readonly ChartRecord[]): ChartRecord[] {
  const times = new Map(records.map((record) => [record, careTimeMs(record)]));
  return [...records].sort((a, b) => (times.get(b) as number) - (times.get(a) as number) || (a.name < b.name ? -1 : 1));
}

/** `Type/id` of the resources of this server that a record refers to. */
export function localNamesIn({ text }: ChartRecord, baseUrl: string): string[] {
  return referencesIn(text).flatMap(({ value }) => {
    const target = localReference(value, baseUrl);
    return target === undefined ? [] : [`${target.type}/${target.id}`];
  });
}
