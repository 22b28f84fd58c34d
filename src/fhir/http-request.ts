import type { FastifyInstance, FastifyRequest } from 'fastify';
import { utf8ToText } from '../std/bytes.ts';
import { rejectFhir } from './codes.ts';
import { decodedBody } from './content-encoding.ts';
import type { FhirRequest } from './context.ts';
import { exactJson } from './exact-json.ts';
import type { FhirLimits } from './limits.ts';
import { acceptsJson, isOurVersion, mediaType, preferenceOf } from './negotiate.ts';

export const FHIR_JSON = 'application/fhir+json';
const JSON_PATCH = 'application/json-patch+json';
const FORM_URLENCODED = 'application/x-www-form-urlencoded';

/**
 * Bodies stay bytes until their size is known to be allowed and their media type to be one of ours; a Content-Encoding
 * is undone on the way, within the same limit.
 */
export function parseBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  for (const type of [FHIR_JSON, 'application/json', JSON_PATCH, FORM_URLENCODED]) {
    app.addContentTypeParser(type, { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  }
  app.addHook('preParsing', (request, _reply, payload, done) => {
    const encoding = request.headers['content-encoding'];
    if (encoding === undefined) {
      done(null, payload);
      return;
    }
    try {
      done(null, decodedBody(payload, encoding, request.routeOptions.bodyLimit ?? 0));
    } catch (refusal) {
      done(refusal as Error);
    }
  });
}

/** Query of a request, and whether its answer is to be set in lines. */
export interface RequestForm {
  readonly query: URLSearchParams;
  readonly isPretty: boolean;
}

/** Reads the query, and what a posted form adds to it. Throws URL_TOO_LONG {limit}, NOT_ACCEPTABLE, PARAMETER_INVALID. */
export function judgeForm(request: FastifyRequest, limits: FhirLimits): RequestForm {
  const { url } = request;
  if (url.length > limits.urlChars) throw rejectFhir('URL_TOO_LONG', { limit: limits.urlChars });
  const mark = url.indexOf('?');
  const query = mark === -1 ? new URLSearchParams() : new URLSearchParams(url.slice(mark + 1));
  if (request.body !== undefined && mediaType(request.headers['content-type'] ?? '') === FORM_URLENCODED) {
    for (const [name, value] of new URLSearchParams(formText(request.body as Uint8Array))) query.append(name, value);
  }
  if (!acceptsJson(request.headers.accept, query.get('_format'))) throw rejectFhir('NOT_ACCEPTABLE');
  const pretty = query.get('_pretty') ?? 'false';
  if (pretty !== 'true' && pretty !== 'false') throw rejectFhir('PARAMETER_INVALID', { parameter: '_pretty' });
  return { query, isPretty: pretty === 'true' };
}

/**
 * The interaction that an HTTP request asks for. A form may only be posted to a search. Throws MEDIA_TYPE_UNSUPPORTED,
 * JSON_INVALID.
 */
export function requestOf(request: FastifyRequest, prefix: string, { query }: RequestForm): FhirRequest {
  const { url, method, headers } = request;
  const mark = url.indexOf('?');
  const path = (mark === -1 ? url : url.slice(0, mark)).slice(prefix.length).replace(/^\//, '');
  const body = request.body as Uint8Array | undefined;
  const hasBody = body !== undefined && body.length > 0;
  if (!hasBody) return { method, path, query, prefer: preferenceOf(headers.prefer), ...conditionsOf(headers) };
  const contentType = headers['content-type'] ?? '';
  const type = mediaType(contentType);
  const isSearch = method === 'POST' && path.endsWith('/_search');
  const isJsonPatch = type === JSON_PATCH;
  if ((type === FORM_URLENCODED) !== isSearch || (isJsonPatch && method !== 'PATCH') || !isOurVersion(contentType)) {
    throw rejectFhir('MEDIA_TYPE_UNSUPPORTED');
  }
  return {
    method,
    path,
    query,
    prefer: preferenceOf(headers.prefer),
    ...(isSearch ? {} : { text: exactJson(body) }),
    ...(isJsonPatch ? { isJsonPatch } : {}),
    ...conditionsOf(headers),
  };
}

function conditionsOf(headers: FastifyRequest['headers']): Partial<FhirRequest> {
  const ifMatch = headers['if-match'];
  const ifNoneMatch = headers['if-none-match'];
  const ifModifiedSince = headers['if-modified-since'];
  const ifNoneExist = headers['if-none-exist'];
  const provenance = headers['x-provenance'];
  return {
    ...(ifMatch === undefined ? {} : { ifMatch }),
    ...(ifNoneMatch === undefined ? {} : { ifNoneMatch }),
    ...(ifModifiedSince === undefined ? {} : { ifModifiedSince }),
    ...(ifNoneExist === undefined ? {} : { ifNoneExist: String(ifNoneExist) }),
    ...(provenance === undefined ? {} : { provenance: String(provenance) }),
  };
}

function formText(body: Uint8Array): string {
  try {
    return utf8ToText(body);
  } catch {
    throw rejectFhir('PARAMETER_INVALID', { parameter: 'body' });
  }
}
