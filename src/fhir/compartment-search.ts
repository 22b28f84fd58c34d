import { rejectFhir } from './codes.ts';
import type { Compartment, FhirContext, FhirRequest, FhirResult } from './context.ts';
import { compartmentParameters } from './operations/compartments.ts';
import { answerSearch } from './search/answer-search.ts';

/**
 * Compartment search (R4 §3.1.1.2.1): `Patient/[id]/[type]?…`. The id of the compartment has been judged as an id, the
 * type as one of R4. Throws ROUTE_UNKNOWN for `*` (`$everything` gives all of a patient's) and for types that
 * are in no such compartment.
 */
export async function searchCompartment(
  context: FhirContext,
  { type: compartment, id }: Compartment,
  type: string,
  { query, prefer }: FhirRequest,
): Promise<FhirResult> {
  const parameters = isServed(compartment) ? compartmentParameters(compartment, type) : [];
  if (parameters.length === 0) throw rejectFhir('ROUTE_UNKNOWN');
  const names = new Set(parameters.flatMap((code) => context.registry.ofType(type)?.get(code)?.indexed.names ?? []));
  const targets = [{ type: compartment, id }];
  const criterion = {
    kind: 'any',
    of: [...names].map((parameter) => ({ kind: 'link', parameter, targets }) as const),
  } as const;
  const scope = { type, path: `${compartment}/${id}/${type}`, compartment: { kind: 'value', criterion } as const };
  return answerSearch(context, scope, query, prefer.lenient);
}

function isServed(compartment: string): compartment is 'Patient' | 'Encounter' {
  return compartment === 'Patient' || compartment === 'Encounter';
}
