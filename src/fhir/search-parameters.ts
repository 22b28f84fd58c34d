import { base64urlToBytes, bytesToBase64url, utf8, utf8ToText } from '../std/bytes.ts';
import type { SearchToken } from '../vault/vault.ts';
import { IDENTIFIER, IDENTIFIER_VALUE } from './classify.ts';
import { rejectFhir } from './codes.ts';
import type { FhirServer } from './context.ts';
import { localReference } from './references.ts';

/** Where a page goes on; made by `nextLink`, read by `pageParameters`. */
const CURSOR = '_cursor';
/** Parameters about the form of the answer; `_format` is judged with Accept, `_pretty` changes nothing. */
const FORM = new Set(['_format', '_pretty']);
const ID = /^[A-Za-z0-9\-.]{1,64}$/;

/** A search, understood. */
export interface SearchQuery {
  /** Ids asked for with `_id`; undefined when it was not given. */
  readonly ids?: readonly string[];
  /** Lists of tokens: a resource matches when it has all tokens of one of them. `[[]]` matches everything. */
  readonly alternatives: readonly (readonly SearchToken[])[];
  readonly count: number;
  readonly after?: string;
  /** Names of parameters that were ignored (Prefer: handling=lenient). */
  readonly ignored: readonly string[];
}

/**
 * Parameters of a search of `type` (R4 §3.1.1). Throws PARAMETER_UNKNOWN {parameter} unless `lenient`,
 * PARAMETER_INVALID {parameter}, SEARCH_TOO_COSTLY when the values' combinations are too many.
 */
export function searchQuery(server: FhirServer, type: string, query: URLSearchParams, lenient: boolean): SearchQuery {
  const page = pageParameters(server, query, true);
  const has = server.definitions.resources[type]?.search ?? {};
  let ids: Set<string> | undefined;
  let alternatives: SearchToken[][] = [[]];
  const ignored: string[] = [];
  for (const [name, text] of query) {
    if (FORM.has(name) || name === '_count' || name === CURSOR) continue;
    const values = splitValues(text);
    if (name === '_id') {
      if (!values.every((value) => ID.test(value))) throw invalid(name);
      const given = new Set(values);
      ids = ids === undefined ? given : ids.intersection(given);
    } else if ((name === 'identifier' || name === 'patient' || name === 'subject') && has[name] !== undefined) {
      const tokens = values.map((value) =>
        name === 'identifier' ? identifierToken(value) : referenceToken(server, name, value, has.patient !== undefined),
      );
      alternatives = alternatives.flatMap((list) => tokens.map((token) => [...list, token]));
      if (alternatives.length > server.limits.searchAlternatives)
        throw rejectFhir('SEARCH_TOO_COSTLY', { parameter: name });
    } else if (lenient) {
      ignored.push(printable(name));
    } else {
      throw rejectFhir('PARAMETER_UNKNOWN', { parameter: printable(name) });
    }
  }
  return { ...(ids === undefined ? {} : { ids: [...ids] }), alternatives, ignored, ...page };
}

/** `_count` and where to go on. With `lenient` other parameters are left to the caller, else refused. */
export function pageParameters(
  server: FhirServer,
  query: URLSearchParams,
  lenient: boolean,
): { count: number; after?: string } {
  let count = server.limits.pageDefault;
  let after: string | undefined;
  for (const [name, value] of query) {
    if (name === '_count') {
      if (!/^[1-9][0-9]{0,8}$/.test(value)) throw invalid(name);
      count = Math.min(Number(value), server.limits.pageMax);
    } else if (name === CURSOR) {
      after = cursorToText(value);
    } else if (!lenient && !FORM.has(name)) {
      throw rejectFhir('PARAMETER_UNKNOWN', { parameter: printable(name) });
    }
  }
  return after === undefined ? { count } : { count, after };
}

export function selfLink(address: string, query: URLSearchParams): string {
  return query.size === 0 ? address : `${address}?${query}`;
}

export function nextLink(address: string, query: URLSearchParams, after: string): string {
  const next = new URLSearchParams(query);
  next.set(CURSOR, bytesToBase64url(utf8(after)));
  return `${address}?${next}`;
}

function cursorToText(value: string): string {
  const bytes = base64urlToBytes(value);
  if (bytes === undefined || bytes.length === 0 || bytes.length > 512) throw rejectFhir('PAGE_INVALID');
  try {
    return utf8ToText(bytes);
  } catch {
    throw rejectFhir('PAGE_INVALID');
  }
}

/** Values between commas; a backslash keeps the next character as it is (R4 §3.1.1.4.0.1), `\|` is undone later. */
function splitValues(text: string): string[] {
  return (text.match(/(?:\\.|[^,\\]|\\$)+|(?<=,|^)(?=,|$)/gsu) ?? []).map((value) => value.replace(/\\([,$])/g, '$1'));
}

function identifierToken(value: string): SearchToken {
  const bar = value.search(/(?<!\\)\|/);
  const unquote = (text: string) => text.replace(/\\([\\|])/g, '$1');
  if (bar === -1) {
    if (value === '') throw invalid(IDENTIFIER);
    return { parameter: IDENTIFIER_VALUE, value: unquote(value) };
  }
  // `system|` (any value of a system) has no token of its own.
  if (bar === value.length - 1) throw invalid(IDENTIFIER);
  return { parameter: IDENTIFIER, value: `${unquote(value.slice(0, bar))}|${unquote(value.slice(bar + 1))}` };
}

function referenceToken(
  server: FhirServer,
  name: 'patient' | 'subject',
  value: string,
  hasPatient: boolean,
): SearchToken {
  const target =
    name === 'patient' && ID.test(value) ? { type: 'Patient', id: value } : localReference(value, server.baseUrl);
  if (target === undefined || (name === 'patient' && target.type !== 'Patient')) throw invalid(name);
  const parameter = target.type === 'Patient' && hasPatient ? 'patient' : name;
  return { parameter, value: `${target.type}/${target.id}` };
}

function invalid(parameter: string): Error {
  return rejectFhir('PARAMETER_INVALID', { parameter });
}

function printable(name: string): string {
  return name.slice(0, 64).replace(/[^\x20-\x7e]/g, '?');
}
