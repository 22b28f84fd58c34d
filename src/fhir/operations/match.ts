import type { VersionRow } from '../../vault/vault.ts';
import type { FhirContext, FhirResult } from '../context.ts';
import { informationOutcome } from '../outcome.ts';
import { rejectOperation } from './codes.ts';
import { blocksOf, findCandidates } from './match-candidates.ts';
import { patientToPerson } from './match-person.ts';
import { type Match, matchPeople } from './match-score.ts';
import type { FhirOperation, OperationCall } from './operation.ts';
import { booleanValue, countValue, postedResource, requireKnown } from './operation-input.ts';
import { type SearchsetEntry, searchsetText } from './searchset.ts';
import type { OpenVisibleData, VisibleData } from './visible-data.ts';

const DEFAULT_COUNT = 10;
const MAX_COUNT = 50;

/**
 * `Patient/$match` (R4 OperationDefinition-Patient-match): who of those whom the caller may see could be this person,
 * the likeliest first, with score and grade. Only those that are answered, or that the advice is about, are journalled as
 * read: nothing is told of the others.
 */
export function createMatch(open: OpenVisibleData): FhirOperation {
  return {
    name: '$match',
    definition: 'http://hl7.org/fhir/OperationDefinition/Patient-match',
    on: ['type'],
    types: ['Patient'],
    get: false,
    run: (context, call) => match(context, open(context), call),
  };
}

interface Scored extends Match {
  readonly row: VersionRow;
  readonly text: string;
}

async function match(context: FhirContext, data: VisibleData, call: OperationCall): Promise<FhirResult> {
  requireKnown(call, ['onlyCertainMatches', 'count']);
  const onlyCertain = booleanValue(call, 'onlyCertainMatches');
  const count = countValue(call, 'count', MAX_COUNT) ?? DEFAULT_COUNT;
  const person = patientToPerson(postedResource(call, 'resource', 'Patient'));
  if (blocksOf(person).length === 0) throw rejectOperation('MATCH_TOO_LITTLE');
  const { rows, isCut } = await findCandidates(data, person);
  const scored: Scored[] = [];
  for (const row of rows) {
    const text = await data.text(row);
    const found = matchPeople(person, patientToPerson(JSON.parse(text) as Readonly<Record<string, unknown>>));
    if (found.grade !== undefined) scored.push({ ...found, row, text });
  }
  scored.sort((a, b) => b.bits - a.bits || (a.row.id < b.row.id ? -1 : 1));
  const answered = (onlyCertain ? theCertainOne(scored) : scored).slice(0, count);
  const isWithheld = onlyCertain && answered.length === 0 && scored.length > 0;
  // That there are some who are likely is told by the advice: the first two are why nobody is certain.
  data.show((isWithheld ? scored.slice(0, 2) : answered).map(({ row }) => row));
  await data.journal();
  const entries: SearchsetEntry[] = answered.map(({ row, text, score, grade }) => ({
    ...{ fullUrl: `${context.baseUrl}/Patient/${row.id}`, resource: text, mode: 'match' },
    ...{ score: Math.round(score * 10_000) / 10_000, ...(grade === undefined ? {} : { grade }) },
  }));
  const advice = adviceOn({ isCut, isWithheld });
  if (advice !== undefined) entries.push({ resource: JSON.stringify(informationOutcome(advice)), mode: 'outcome' });
  return { status: 200, body: searchsetText([], entries) };
}

/** The one that is certain, where nobody else comes near: of several, none is (R4: onlyCertainMatches). */
function theCertainOne(scored: readonly Scored[]): readonly Scored[] {
  const [first, second] = scored;
  return first?.grade === 'certain' && (second === undefined || second.grade === 'possible') ? [first] : [];
}

function adviceOn(found: { readonly isCut: boolean; readonly isWithheld: boolean }): string | undefined {
  if (found.isWithheld) return 'No single match is certain; leave out onlyCertainMatches to see those that are likely.';
  return found.isCut ? 'More records were alike than were compared; give more details to be sure.' : undefined;
}
