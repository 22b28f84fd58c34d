import { rejectFhir } from '../../codes.ts';
import type { FhirContext, FhirResult } from '../../context.ts';
import type { FhirOperation, OperationCall } from '../operation.ts';
import { countValue } from '../operation-input.ts';
import { searchsetText } from '../searchset.ts';
import type { OpenVisibleData, VisibleData } from '../visible-data.ts';
import { rejectSummary } from './codes.ts';
import { lastObservations } from './last-n.ts';
import { loadAll } from './load-chart.ts';

const MAX_OF_GROUP = 1_000;
/** Parameters of the answer's form, and of a search's: a `$lastn` has its own order and is never paged. */
const FORM = new Set(['_format', '_pretty', 'max']);
const OF_SEARCHES = /^_(?:sort|count|total|summary|elements|contained|containedType|include|revinclude)(?::|$)/;
/** Search parameters of Observation whose expression has a code (R4 `$lastn`). */
const OF_CODES = /^(?:category|code|code-value-.+|combo-code.*|component-code.*)(?::|$)/;

/** `Observation/$lastn` (R4): the newest observations of each code, of those that a search by the same parameters finds. */
export function createLastn(open: OpenVisibleData): FhirOperation {
  return {
    name: '$lastn',
    definition: 'http://hl7.org/fhir/OperationDefinition/Observation-lastn',
    on: ['type'],
    types: ['Observation'],
    get: true,
    run: (context, call) => lastn(context, open(context), call),
  };
}

async function lastn(context: FhirContext, data: VisibleData, call: OperationCall): Promise<FhirResult> {
  const max = countValue(call, 'max', MAX_OF_GROUP) ?? 1;
  const parameters = [...call.parameters].filter(([name]) => !FORM.has(name));
  const paging = parameters.find(([name]) => OF_SEARCHES.test(name));
  if (paging !== undefined) throw rejectFhir('PARAMETER_UNKNOWN', { parameter: paging[0].slice(0, 64) });
  const names = parameters.map(([name]) => name);
  if (!names.some((name) => /^(?:patient|subject)(?:[:.]|$)/.test(name)) || !names.some((name) => OF_CODES.test(name)))
    throw rejectSummary('LASTN_UNDERSPECIFIED');
  const all = await loadAll(data, 'Observation', data.clauses('Observation', parameters));
  const last = lastObservations(all, max);
  data.show(last.map(({ row }) => row));
  await data.journal();
  const understood = new URLSearchParams([...parameters, ['max', String(max)]]);
  const address = `${context.baseUrl}/Observation/$lastn?${understood}`;
  const entries = last.map(({ name, text }) => ({
    fullUrl: `${context.baseUrl}/${name}`,
    resource: text,
    mode: 'match' as const,
  }));
  return { status: 200, body: searchsetText([['self', address]], entries) };
}
