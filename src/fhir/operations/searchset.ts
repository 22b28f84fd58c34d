/** Grades of R4's CodeSystem match-grade that are ever answered. */
export type MatchGrade = 'certain' | 'probable' | 'possible';

/** An entry of a searchset: `resource` is JSON text and goes in exactly as it is. */
export interface SearchsetEntry {
  readonly fullUrl?: string;
  readonly resource: string;
  readonly mode: 'match' | 'include' | 'outcome';
  /** From 0 to 1, where 1 is the most certain (R4 Bundle.entry.search.score). */
  readonly score?: number;
  readonly grade?: MatchGrade;
}

const MATCH_GRADE = 'http://hl7.org/fhir/StructureDefinition/match-grade';

/** JSON text of a Bundle of type searchset, without a total: what may not be seen is not counted. */
export function searchsetText(
  links: readonly (readonly [relation: string, url: string])[],
  entries: readonly SearchsetEntry[],
): string {
  const link = links.map(([relation, url]) => ({ relation, url }));
  const parts = ['{"resourceType":"Bundle","type":"searchset"'];
  // FHIR has no empty arrays.
  if (link.length > 0) parts.push(`"link":${JSON.stringify(link)}`);
  if (entries.length > 0) parts.push(`"entry":[${entries.map(entryText).join(',')}]`);
  return `${parts.join(',')}}`;
}

function entryText({ fullUrl, resource, mode, score, grade }: SearchsetEntry): string {
  const search = {
    ...(grade === undefined ? {} : { extension: [{ url: MATCH_GRADE, valueCode: grade }] }),
    mode,
    ...(score === undefined ? {} : { score }),
  };
  const url = fullUrl === undefined ? '' : `"fullUrl":${JSON.stringify(fullUrl)},`;
  return `{${url}"resource":${resource},"search":${JSON.stringify(search)}}`;
}
