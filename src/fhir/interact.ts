import { askedOf } from './asked.ts';
import { batch, type Interact, interactAlone } from './batch.ts';
import { readBundle } from './bundle-request.ts';
import { callOperation } from './call-operation.ts';
import { rejectFhir } from './codes.ts';
import { searchCompartment } from './compartment-search.ts';
import { conditionalDelete, conditionalUpdate } from './conditional-write.ts';
import type { FhirContext, FhirRequest, FhirResult } from './context.ts';
import { history } from './history.ts';
import { withLooks } from './journal-looks.ts';
import { createLooks } from './looks.ts';
import type { FhirOperation } from './operations/operation.ts';
import { patch } from './patch-write.ts';
import { refuseStrayProvenance } from './provenance-header.ts';
import { read, readVersion } from './read.ts';
import { methodsOf, type Route, routeOf } from './routes.ts';
import { requireScope } from './scope.ts';
import { answerSearch } from './search/answer-search.ts';
import { transaction } from './transaction.ts';
import { create, remove, update } from './write.ts';

const ID = /^[A-Za-z0-9\-.]{1,64}$/;

/**
 * The router of a server with these operations: one interaction, from HTTP or from an entry of a Bundle. Everything that
 * is decided and journalled happens in here, before a refusal too. It throws ROUTE_UNKNOWN, TYPE_UNKNOWN, INTERACTION_UNSUPPORTED {allow} and
 * what the interactions throw.
 */
export function createInteract(operations: readonly FhirOperation[]): Interact {
  const interact: Interact = async (server, request) => {
    const route = allowedRoute(server, request);
    requireScope(server, route, request.method);
    refuseStrayProvenance(request, route.kind);
    const asked = askedOf(server.asked?.request ?? '', route, request);
    const context = { ...server, asked, looks: createLooks() };
    return withLooks(context, () => {
      if (route.kind === 'system') return bundle(context, request, interact);
      if (route.kind === 'operation') return callOperation(operations, context, route, request);
      return interactAt(context, route, request);
    });
  };
  return interact;
}

function allowedRoute(context: FhirContext, request: FhirRequest): Route {
  const { path, method } = request;
  const route = routeOf(path, (type) => context.definitions.resources[type] !== undefined);
  if (route === undefined) {
    throw rejectFhir(/^[A-Z][A-Za-z]*(?:\/|$)/.test(path) && !path.includes('$') ? 'TYPE_UNKNOWN' : 'ROUTE_UNKNOWN');
  }
  const methods = methodsOf(route);
  if (!methods.includes(method)) throw rejectFhir('INTERACTION_UNSUPPORTED', { allow: methods.join(', ') });
  // Before any id gets as far as the vault.
  const id = route.kind === 'compartment' ? route.compartment.id : 'id' in route ? route.id : undefined;
  if (id !== undefined && !ID.test(id)) throw rejectFhir(isRead(method) ? 'NOT_FOUND' : 'ID_INVALID');
  return route;
}

async function interactAt(context: FhirContext, route: Route, request: FhirRequest): Promise<FhirResult> {
  switch (route.kind) {
    case 'type':
      return ofType(context, route.type, request);
    case 'instance':
      return ofInstance(context, route, request);
    case 'search':
      return answerSearch(context, { type: route.type, path: route.type }, request.query, request.prefer.lenient);
    case 'version':
      return readVersion(context, route.type, route.id, route.version, request);
    case 'history':
      return history(context, route, request);
    case 'compartment':
      return searchCompartment(context, route.compartment, route.type, request);
    default:
      throw rejectFhir('INTERACTION_UNSUPPORTED', { allow: '' });
  }
}

function isRead(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}

function ofType(context: FhirContext, type: string, request: FhirRequest): Promise<FhirResult> {
  const { method, query, prefer } = request;
  if (method === 'POST') {
    refuseQuery(request);
    return create(context, type, request);
  }
  if (isRead(method)) return answerSearch(context, { type, path: type }, query, prefer.lenient);
  const condition = conditionIn(query);
  if (condition === '') throw rejectFhir('INTERACTION_UNSUPPORTED', { allow: 'GET, HEAD, POST' });
  if (method === 'PUT') return conditionalUpdate(context, type, condition, request);
  if (method === 'DELETE') return conditionalDelete(context, type, condition, request);
  return patch(context, type, { condition }, request);
}

function ofInstance(
  context: FhirContext,
  { type, id }: Extract<Route, { kind: 'instance' }>,
  request: FhirRequest,
): Promise<FhirResult> {
  const { method } = request;
  if (isRead(method)) return read(context, type, id, request);
  refuseQuery(request);
  if (method === 'PUT') return update(context, type, id, request);
  if (method === 'DELETE') return remove(context, type, id, request);
  return patch(context, type, { id }, request);
}

const FORM = new Set(['_format', '_pretty']);

/** The condition of a conditional interaction: its query, but for what is about the form of the answer. */
function conditionIn(query: URLSearchParams): string {
  return String(new URLSearchParams([...query].filter(([name]) => !FORM.has(name))));
}

/** A write by id takes no parameters: a condition that is not looked at must not seem to be. Throws PARAMETER_UNKNOWN. */
function refuseQuery({ query, prefer }: FhirRequest): void {
  if (query.size === 0 || prefer.lenient) return;
  for (const name of query.keys()) {
    if (FORM.has(name)) continue;
    throw rejectFhir('PARAMETER_UNKNOWN', { parameter: name.slice(0, 64).replace(/[^\x20-\x7e]/g, '?') });
  }
}

function bundle(context: FhirContext, request: FhirRequest, interact: Interact): Promise<FhirResult> {
  if (request.text === undefined) throw rejectFhir('BODY_EMPTY');
  refuseQuery(request);
  const { type, entries } = readBundle(request.text, context.baseUrl, context.limits);
  context.charge?.(entries.length - 1);
  if (type === 'batch') return batch(context, entries, request.prefer, interact);
  return transaction(context, { type, entries }, request.prefer, (entry) =>
    interactAlone(context, entry, request.prefer, interact),
  );
}
