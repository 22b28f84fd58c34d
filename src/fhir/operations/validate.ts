import type { OperationOutcome, OperationOutcomeIssue } from '@medplum/fhirtypes';
import { rejectFhir } from '../codes.ts';
import type { FhirContext, FhirResult } from '../context.ts';
import type { ValidationIssue } from '../profiles/validation-issue.ts';
import { rejectOperation } from './codes.ts';
import type { FhirOperation, OperationCall } from './operation.ts';
import { postedParts, requireKnown } from './operation-input.ts';
import type { OpenVisibleData } from './visible-data.ts';

type Resource = Readonly<Record<string, unknown>>;

/** What is to be validated, and against what beyond R4 and the profiles that it declares. */
interface Asked {
  readonly resource: Resource | undefined;
  readonly profiles: readonly string[];
  readonly mode: string | undefined;
}

const MODES: ReadonlySet<string> = new Set(['create', 'update', 'profile']);
const MAX_PROFILES = 16;

/**
 * `$validate` (http://hl7.org/fhir/R4/resource-operation-validate.html): the posted resource, or the stored one at an
 * instance. Answers 200 with what is wrong as issues, one of severity `information` when nothing is. Mode `delete` is
 * refused: whether a deletion would be taken depends on nothing in the resource. Throws OPERATION_INPUT_INVALID.
 */
export function createValidate(open: OpenVisibleData): FhirOperation {
  return {
    name: '$validate',
    definition: 'http://hl7.org/fhir/OperationDefinition/Resource-validate',
    on: ['type', 'instance'],
    get: true,
    run: (context, call) => validate(open, context, call),
  };
}

async function validate(open: OpenVisibleData, context: FhirContext, call: OperationCall): Promise<FhirResult> {
  requireKnown(call, ['profile', 'mode']);
  const { resource: given, profiles, mode } = readCall(call);
  if (mode !== undefined && !MODES.has(mode)) throw rejectFhir('PARAMETER_INVALID', { parameter: 'mode' });
  if (profiles.length > MAX_PROFILES) throw rejectFhir('PARAMETER_INVALID', { parameter: 'profile' });
  const resource = given ?? (await storedResource(open, context, call));
  if (resource.resourceType !== call.type) throw rejectFhir('TYPE_MISMATCH', { address: call.type ?? '' });
  const issues = context.profiles().validate(resource, { profiles, entries: true });
  const outcome: OperationOutcome = {
    resourceType: 'OperationOutcome',
    issue: issues.length > 0 ? issues.map(toIssue) : [ALL_GOOD],
  };
  return { status: 200, body: JSON.stringify(outcome) };
}

const ALL_GOOD: OperationOutcomeIssue = {
  severity: 'information',
  code: 'informational',
  details: { text: 'Nothing is wrong with the resource' },
};

function readCall(call: OperationCall): Asked {
  const { parameters, text } = call;
  const fromQuery = { profiles: parameters.getAll('profile'), mode: parameters.get('mode') ?? undefined };
  if (text === undefined) return { ...fromQuery, resource: undefined };
  const parts = postedParts(call);
  if (parts === undefined) return { ...fromQuery, resource: JSON.parse(text) as Resource };
  const resources = parts.filter(({ name }) => name === 'resource');
  if (resources.length > 1) throw rejectOperation('OPERATION_INPUT_INVALID', { fault: 'several resources' });
  return { ...fromQuery, resource: resources[0]?.resource as Resource | undefined };
}

/** The current version of the instance, read like any other: decided, and journalled. */
async function storedResource(
  open: OpenVisibleData,
  context: FhirContext,
  { type, id }: OperationCall,
): Promise<Resource> {
  if (type === undefined || id === undefined) throw rejectFhir('BODY_EMPTY');
  const data = open(context);
  const [row] = await data.current([{ type, id }]);
  const text = row === undefined ? undefined : await data.text(row);
  if (row !== undefined) data.show([row]);
  await data.journal();
  if (text === undefined) throw rejectFhir('NOT_FOUND');
  return JSON.parse(text) as Resource;
}

function toIssue({ severity, code, path, text }: ValidationIssue): OperationOutcomeIssue {
  return { severity, code, details: { text }, ...(path === '' ? {} : { expression: [path] }) };
}
