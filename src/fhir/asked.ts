import type { Caller } from '../auth/caller.ts';
import { ASKED_LIMITS, type Asked } from '../chain/journal-leaf.ts';
import type { AskedInteraction, FhirRequest } from './context.ts';
import type { Route } from './routes.ts';

export type { AskedInteraction };

const NAME = /^[A-Za-z_][A-Za-z0-9_.:-]{0,127}$/;
const NO_ROUTE: AskedInteraction = { interaction: '', request: '', query: '' };

/** What the journal says of how the interaction of a context came about. */
export function askedBy({ client = '' }: Caller, asked: AskedInteraction = NO_ROUTE): Asked {
  const { interaction, request, query } = asked;
  return { client: printable(client, ASKED_LIMITS.client), interaction, request, query };
}

/** The context of one routed interaction: of a request, or of an entry of a batch, which has its request's id. */
export function askedOf(request: string, route: Route, asked: FhirRequest): AskedInteraction {
  return {
    interaction: interactionOf(route, asked).slice(0, ASKED_LIMITS.interaction),
    request: printable(request, ASKED_LIMITS.request),
    query: queryOf(route, asked),
  };
}

/** R4 valueset-type-restful-interaction.html; an operation by its name. */
function interactionOf(route: Route, { method, text }: FhirRequest): string {
  switch (route.kind) {
    case 'metadata':
      return 'capabilities';
    case 'system':
      return text !== undefined && /"type"\s*:\s*"batch"/.test(text.slice(0, 1024)) ? 'batch' : 'transaction';
    case 'version':
      return 'vread';
    case 'history':
      if (route.type === undefined) return 'history-system';
      return route.id === undefined ? 'history-type' : 'history-instance';
    case 'search':
    case 'compartment':
      return 'search-type';
    case 'operation':
      return route.name;
    case 'type':
    case 'instance':
      return WRITES[method] ?? (route.kind === 'type' ? 'search-type' : 'read');
  }
}

const WRITES: Readonly<Record<string, string>> = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };

/**
 * Address without values: those of a search may be of other patients than the one whom an entry is shown to, and so may
 * be the patient whose compartment is searched or on whom an operation is called that gathers what others' records say
 * too. An instance that is read or written is of the account that its entry is about.
 */
function queryOf(route: Route, { query }: FhirRequest): string {
  const address = addressOf(route);
  const { query: limit } = ASKED_LIMITS;
  if (query.size === 0) return address.slice(0, limit);
  const names = [...new Set(query.keys())].filter((name) => NAME.test(name));
  return (names.length === 0 ? address : `${address}?${names.join('&')}`).slice(0, limit);
}

/** Operations that tell of the instance alone, or whose instance is no record of a patient's. All others leave it out. */
const SHOWS_ONE: ReadonlySet<string> = new Set([
  ...['$receipt', '$evaluate', '$status', '$events', '$get-ws-binding-token'],
]);

function addressOf(route: Route): string {
  switch (route.kind) {
    case 'system':
    case 'metadata':
      return '';
    case 'compartment':
      return `${route.compartment.type}/*/${route.type}`;
    case 'version':
      return `${route.type}/${route.id}/_history/${printable(route.version, 16)}`;
    case 'operation': {
      const id = route.id === undefined || SHOWS_ONE.has(route.name) ? route.id : '*';
      return [route.type, id].filter((part) => part !== undefined).join('/');
    }
    case 'history':
      return [route.type, route.id].filter((part) => part !== undefined).join('/');
    default:
      return 'id' in route ? `${route.type}/${route.id}` : route.type;
  }
}

function printable(text: string, limit: number): string {
  const short = text.length > limit ? text.slice(0, limit) : text;
  return /^[!-~]*$/.test(short) ? short : short.replace(/[^!-~]/g, '?');
}
