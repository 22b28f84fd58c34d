import { rejectFhir } from '../../codes.ts';
import type { FhirContext, FhirResult } from '../../context.ts';
import { dateInterval, type Interval } from '../../search/date-interval.ts';
import type { FhirOperation, OperationCall } from '../operation.ts';
import { booleanValue, isObject, postedParts, requireKnown, simpleValue } from '../operation-input.ts';
import { searchsetText } from '../searchset.ts';
import type { OpenVisibleData, VisibleData } from '../visible-data.ts';
import { loadAll, ofAccount } from './load-chart.ts';
import { selectDocuments } from './select-documents.ts';

const MAX_VALUES = 50;

/**
 * `DocumentReference/$docref` (US Core 6.1.0 and IPA): references to a patient's documents that are stored here. None
 * is made on demand, so asking for those alone finds none, as the definition says of a server that cannot.
 */
export function createDocref(open: OpenVisibleData): FhirOperation {
  return {
    name: '$docref',
    definition: 'http://hl7.org/fhir/us/core/OperationDefinition/docref',
    on: ['type'],
    types: ['DocumentReference'],
    get: true,
    run: (context, call) => docref(context, open(context), call),
  };
}

async function docref(context: FhirContext, data: VisibleData, call: OperationCall): Promise<FhirResult> {
  requireKnown(call, ['patient', 'start', 'end', 'type', 'on-demand', 'profile']);
  const patient = simpleValue(call, 'patient')?.replace(/^Patient\//, '');
  if (patient === undefined || !/^[A-Za-z0-9\-.]{1,64}$/.test(patient))
    throw rejectFhir('PARAMETER_INVALID', { parameter: 'patient' });
  const range = rangeOf(call);
  const wish = { types: typesOf(call), profiles: few('profile', call.parameters.getAll('profile')) };
  const onlyOnDemand = booleanValue(call, 'on-demand');
  const [row] = onlyOnDemand ? [] : await data.current([{ type: 'Patient', id: patient }]);
  const all = row === undefined ? [] : await loadAll(data, 'DocumentReference', ofAccount(row.account));
  const chosen = selectDocuments(all, { ...wish, ...(range === undefined ? {} : { range }) });
  data.show(chosen.map((document) => document.row));
  await data.journal();
  const address = `${context.baseUrl}/DocumentReference/$docref?${call.parameters}`;
  const entries = chosen.map(({ name, text }) => ({
    fullUrl: `${context.baseUrl}/${name}`,
    resource: text,
    mode: 'match' as const,
  }));
  return { status: 200, body: searchsetText([['self', address]], entries) };
}

function rangeOf(call: OperationCall): Interval | undefined {
  const [start, end] = (['start', 'end'] as const).map((parameter) => {
    const value = simpleValue(call, parameter);
    if (value === undefined) return undefined;
    const interval = dateInterval(value);
    if (interval === undefined) throw rejectFhir('PARAMETER_INVALID', { parameter });
    return interval;
  });
  if (start === undefined && end === undefined) return undefined;
  return { low: start?.low ?? Number.NEGATIVE_INFINITY, high: end?.high ?? Number.POSITIVE_INFINITY };
}

/** Types as tokens: those of a query, and the Codings of a posted Parameters. */
function typesOf(call: OperationCall): readonly string[] {
  const codings = (postedParts(call) ?? []).flatMap(({ name, value }) => {
    if (name !== 'type' || !isObject(value)) return [];
    const { system, code } = value;
    if (typeof code !== 'string') throw rejectFhir('PARAMETER_INVALID', { parameter: 'type' });
    return [typeof system === 'string' ? `${system}|${code}` : code];
  });
  const tokens = call.parameters.getAll('type').flatMap((value) => value.split(','));
  return few('type', [...tokens, ...codings]);
}

function few(parameter: string, values: readonly string[]): readonly string[] {
  if (values.length > MAX_VALUES || values.includes('')) throw rejectFhir('PARAMETER_INVALID', { parameter });
  return values;
}
