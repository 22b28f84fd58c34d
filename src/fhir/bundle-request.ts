import { pathBelow } from '../std/loopback-address.ts';
import { rejectFhir } from './codes.ts';
import { elementsOf, type Member, membersOf } from './json-spans.ts';
import type { FhirLimits } from './limits.ts';

/** An entry of a transaction or batch, cut out of the Bundle's exact text. */
export interface RequestEntry {
  readonly index: number;
  readonly fullUrl?: string;
  /** Exact text of the resource. */
  readonly text?: string;
  readonly method: string;
  /** As given: `Patient`, `Patient/1`, `Patient?identifier=…`; an absolute one below the base is made relative. */
  readonly url: string;
  readonly ifMatch?: string;
  readonly ifNoneMatch?: string;
  readonly ifModifiedSince?: string;
  readonly ifNoneExist?: string;
}

export interface RequestBundle {
  readonly type: 'transaction' | 'batch';
  readonly entries: readonly RequestEntry[];
}

/**
 * Reads a transaction or batch (R4 §3.1.0.11) without parsing the resources in it: those are judged one by one.
 * Throws BUNDLE_INVALID {entry, fault}, BUNDLE_TOO_LONG, BODY_TOO_LARGE {entry}.
 */
export function readBundle(text: string, baseUrl: string, limits: FhirLimits): RequestBundle {
  if (!text.startsWith('{')) throw invalid('not an object');
  const members = byName(membersOf(text));
  if (textAt(text, members.get('resourceType')) !== 'Bundle') throw invalid('resourceType is not Bundle');
  const type = textAt(text, members.get('type'));
  if (type !== 'transaction' && type !== 'batch') throw invalid('type is neither transaction nor batch');
  const entry = members.get('entry');
  if (entry === undefined) return { type, entries: [] };
  if (text.charAt(entry.start) !== '[') throw invalid('entry is no array');
  const spans = elementsOf(text, entry.start);
  if (spans.length > limits.bundleEntries)
    throw rejectFhir('BUNDLE_TOO_LONG', { entries: spans.length, limit: limits.bundleEntries });
  const fullUrls = new Set<string>();
  const entries = spans.map(({ start }, index) => {
    if (text.charAt(start) !== '{') throw invalid('not an object', index);
    const read = readEntry(text, start, index, baseUrl, limits);
    if (read.fullUrl !== undefined && fullUrls.size === fullUrls.add(read.fullUrl).size)
      throw invalid('fullUrl given twice', index);
    return read;
  });
  return { type, entries };
}

const ENTRY_MEMBERS = new Set([
  'id',
  'extension',
  'modifierExtension',
  'link',
  'fullUrl',
  'resource',
  'search',
  'request',
  'response',
]);
const REQUEST_MEMBERS = new Set([
  ...['id', 'extension', 'modifierExtension', 'method', '_method', 'url', '_url', 'ifNoneMatch', '_ifNoneMatch'],
  ...['ifModifiedSince', '_ifModifiedSince', 'ifMatch', '_ifMatch', 'ifNoneExist', '_ifNoneExist'],
]);
const CONDITIONS = ['ifMatch', 'ifNoneMatch', 'ifModifiedSince', 'ifNoneExist'] as const;
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH']);

function readEntry(text: string, start: number, index: number, baseUrl: string, limits: FhirLimits): RequestEntry {
  const members = byName(membersOf(text, start));
  for (const name of members.keys()) if (!ENTRY_MEMBERS.has(name)) throw invalid('unknown member', index);
  const request = members.get('request');
  if (request === undefined || text.charAt(request.start) !== '{') throw invalid('request is missing', index);
  const parts = byName(membersOf(text, request.start));
  const part = (name: string): string | undefined => {
    const member = parts.get(name);
    const value = textAt(text, member);
    if (member !== undefined && value === undefined) throw invalid(`request.${name} is no text`, index);
    return value;
  };
  const method = part('method');
  const url = part('url');
  for (const name of parts.keys()) if (!REQUEST_MEMBERS.has(name)) throw invalid('unknown member of request', index);
  if (method === undefined || !METHODS.has(method)) throw invalid('request.method is missing or none of HTTP', index);
  if (url === undefined || url === '' || url.length > limits.urlChars)
    throw invalid('request.url is missing or too long', index);
  const resource = members.get('resource');
  if (resource !== undefined && text.charAt(resource.start) !== '{') throw invalid('resource is no object', index);
  if (resource !== undefined && resource.end - resource.start > limits.resourceBytes) {
    throw rejectFhir('BODY_TOO_LARGE', { entry: index, limitBytes: limits.resourceBytes });
  }
  const fullUrl = textAt(text, members.get('fullUrl'));
  if (members.has('fullUrl') && fullUrl === undefined) throw invalid('fullUrl is no text', index);
  const conditions = CONDITIONS.flatMap((name) => {
    const value = part(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    index,
    method,
    url: pathBelow(url, baseUrl) ?? url.replace(/^\//, ''),
    ...(fullUrl === undefined ? {} : { fullUrl }),
    ...(resource === undefined ? {} : { text: text.slice(resource.start, resource.end) }),
    ...Object.fromEntries(conditions),
  };
}

function byName(members: readonly Member[]): ReadonlyMap<string, Member> {
  return new Map(members.map((member) => [member.name, member]));
}

function textAt(text: string, member: Member | undefined): string | undefined {
  return member !== undefined && text.charAt(member.start) === '"'
    ? (JSON.parse(text.slice(member.start, member.end)) as string)
    : undefined;
}

function invalid(fault: string, entry?: number): Error {
  return rejectFhir('BUNDLE_INVALID', entry === undefined ? { fault } : { fault, entry });
}
