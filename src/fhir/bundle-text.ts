import type { FhirResult } from './context.ts';
import { instant } from './resource-text.ts';

/** An entry of a Bundle to be sent: `resource` is JSON text and goes in exactly as it is. */
export interface EntryText {
  readonly fullUrl?: string;
  readonly resource?: string;
  readonly search?: 'match' | 'include' | 'outcome';
  readonly request?: { readonly method: string; readonly url: string };
  readonly response?: {
    readonly status: string;
    readonly location?: string;
    readonly etag?: string;
    readonly lastModified?: string;
    /** JSON text of an OperationOutcome. */
    readonly outcome?: string;
  };
}

/** JSON text of a Bundle. */
export function bundleText(
  type: string,
  links: readonly (readonly [string, string])[],
  entries: readonly EntryText[],
  total?: number,
): string {
  const parts = [`{"resourceType":"Bundle","type":"${type}"`];
  if (total !== undefined) parts.push(`"total":${total}`);
  if (links.length > 0) parts.push(`"link":${JSON.stringify(links.map(([relation, url]) => ({ relation, url })))}`);
  // FHIR has no empty arrays.
  if (entries.length > 0) parts.push(`"entry":[${entries.map(entryText).join(',')}]`);
  return `${parts.join(',')}}`;
}

function entryText({ fullUrl, resource, search, request, response }: EntryText): string {
  const parts: string[] = [];
  if (fullUrl !== undefined) parts.push(`"fullUrl":${JSON.stringify(fullUrl)}`);
  if (resource !== undefined) parts.push(`"resource":${resource}`);
  if (search !== undefined) parts.push(`"search":{"mode":"${search}"}`);
  if (request !== undefined) parts.push(`"request":${JSON.stringify(request)}`);
  if (response !== undefined) parts.push(`"response":${responseText(response)}`);
  return `{${parts.join(',')}}`;
}

function responseText({ outcome, ...response }: NonNullable<EntryText['response']>): string {
  const text = JSON.stringify(response);
  return outcome === undefined ? text : `${text.slice(0, -1)},"outcome":${outcome}}`;
}

/** Entry of a transaction-response or batch-response for what an interaction came to. */
export function resultToEntry(result: FhirResult): EntryText {
  return {
    ...(result.body === undefined || result.isOutcome === true ? {} : { resource: result.body }),
    response: {
      status: String(result.status),
      ...(result.location === undefined ? {} : { location: result.location }),
      ...(result.etag === undefined ? {} : { etag: result.etag }),
      ...(result.lastModifiedMs === undefined ? {} : { lastModified: instant(result.lastModifiedMs) }),
      ...(result.body === undefined || result.isOutcome !== true ? {} : { outcome: result.body }),
    },
  };
}
