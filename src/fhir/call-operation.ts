import { rejectFhir } from './codes.ts';
import type { FhirContext, FhirRequest, FhirResult } from './context.ts';
import { elementsOf, membersOf } from './json-spans.ts';
import type { FhirOperation } from './operations/operation.ts';
import type { Route } from './routes.ts';

type OperationRoute = Extract<Route, { kind: 'operation' }>;

/**
 * Calls the operation that an address names (R4 §3.2). By GET its parameters come from the query, by POST also the
 * simple ones of a Parameters body. Throws OPERATION_UNKNOWN, INTERACTION_UNSUPPORTED {allow}, BODY_EMPTY.
 */
export async function callOperation(
  operations: readonly FhirOperation[],
  context: FhirContext,
  route: OperationRoute,
  request: FhirRequest,
): Promise<FhirResult> {
  const { name, type, id, version } = route;
  const operation = operations.find((one) => one.name === name && isServedAt(one, route));
  if (operation === undefined) throw rejectFhir('OPERATION_UNKNOWN');
  const isGet = request.method !== 'POST';
  if (isGet && !operation.get) throw rejectFhir('INTERACTION_UNSUPPORTED', { allow: 'POST' });
  const { text } = request;
  const parameters = new URLSearchParams(request.query);
  if (!isGet && text !== undefined) {
    for (const [parameter, value] of simpleParameters(text)) parameters.append(parameter, value);
  }
  return operation.run(context, {
    parameters,
    request,
    ...(type === undefined ? {} : { type }),
    ...(id === undefined ? {} : { id }),
    ...(version === undefined ? {} : { version }),
    ...(isGet || text === undefined ? {} : { text }),
  });
}

function isServedAt({ on, types }: FhirOperation, { type, id, version }: OperationRoute): boolean {
  const level =
    version !== undefined ? 'version' : id !== undefined ? 'instance' : type !== undefined ? 'type' : 'system';
  return on.includes(level) && (type === undefined || types === undefined || types.includes(type));
}

/** Parameters of a Parameters body that have a primitive value, as text; numbers as they are written. */
function simpleParameters(text: string): readonly (readonly [name: string, value: string])[] {
  if (!text.startsWith('{')) return [];
  const members = new Map(membersOf(text).map((member) => [member.name, member]));
  const type = members.get('resourceType');
  const list = members.get('parameter');
  if (type === undefined || text.slice(type.start, type.end) !== '"Parameters"') return [];
  if (list === undefined || text.charAt(list.start) !== '[') return [];
  return elementsOf(text, list.start).flatMap(({ start }): [string, string][] => {
    if (text.charAt(start) !== '{') return [];
    const parts = membersOf(text, start);
    const name = parts.find((part) => part.name === 'name');
    const value = parts.find((part) => /^value[A-Z]/.test(part.name));
    if (name === undefined || value === undefined || text.charAt(name.start) !== '"') return [];
    const first = text.charAt(value.start);
    if (first === '{' || first === '[') return [];
    const raw = text.slice(value.start, value.end);
    const given = first === '"' ? (JSON.parse(raw) as string) : raw;
    return [[JSON.parse(text.slice(name.start, name.end)) as string, given]];
  });
}
