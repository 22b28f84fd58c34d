import { utf8ToText } from '../std/bytes.ts';
import type { VersionRow } from '../vault/vault.ts';
import { rejectFhir } from './codes.ts';
import type { FhirContext, FhirRequest, FhirResult } from './context.ts';
import { journalLooks } from './journal-looks.ts';
import { isUnmodified } from './precondition.ts';
import { decideRead } from './read-decision.ts';
import { type SubsetRequest, subset } from './subset.ts';

/** `W/"n"` of a version (R4 §3.1.0.1.3). */
export function etagOf(version: number): string {
  return `W/"${version}"`;
}

/** Headers that every answer about one version carries. */
export function versionHeaders(row: VersionRow): { etag: string; lastModifiedMs: number } {
  return { etag: etagOf(row.version), lastModifiedMs: row.timeMs };
}

/** Decrypted exact text of a version. */
export async function textOf(context: FhirContext, row: VersionRow): Promise<string> {
  return utf8ToText(await context.vault.open(row));
}

/**
 * Reads the current version (R4 §3.1.0.2). 304 for a version that the client has, 404 for what is not there or not to be
 * seen, 410 for what was deleted.
 */
export async function read(context: FhirContext, type: string, id: string, request: FhirRequest): Promise<FhirResult> {
  return readRow(context, await context.vault.current(type, id), request);
}

/** Reads one version (vread). */
export async function readVersion(
  context: FhirContext,
  type: string,
  id: string,
  version: string,
  request: FhirRequest,
): Promise<FhirResult> {
  const number = /^[1-9][0-9]{0,9}$/.test(version) ? Number(version) : 0;
  return readRow(context, number === 0 ? undefined : await context.vault.version(type, id, number), request);
}

async function readRow(context: FhirContext, row: VersionRow | undefined, request: FhirRequest): Promise<FhirResult> {
  const part = request.query.size === 0 ? undefined : partAsked(request);
  if (row === undefined) throw rejectFhir('NOT_FOUND');
  const { visible, interactions } = await decideRead(context, [row]);
  const isShown = visible.length > 0 && !row.deleted;
  const isKnown = isShown && isUnmodified(request, row);
  // Opened before it is journalled, so that the journal tells of no read of a version that cannot be opened. One that is
  // erased after the decision refuses to open.
  const text = isShown && !isKnown ? await openedText(context, row) : undefined;
  await journalLooks(context, interactions);
  if (visible.length === 0) throw rejectFhir('NOT_FOUND');
  if (isKnown) return { status: 304, ...versionHeaders(row) };
  if (text === undefined) throw rejectFhir('DELETED', { version: row.version });
  const body = part === undefined ? text : subset(text, context.definitions, part);
  return { status: 200, body, ...versionHeaders(row) };
}

async function openedText(context: FhirContext, row: VersionRow): Promise<string> {
  try {
    return await textOf(context, row);
  } catch (thrown) {
    context.looks?.settle();
    throw thrown;
  }
}

const SUMMARIES = new Set(['true', 'text', 'data', 'false']);

/** `_summary` and `_elements` of a read. Throws PARAMETER_UNKNOWN for others unless the client is lenient. */
function partAsked({ query, prefer }: FhirRequest): SubsetRequest | undefined {
  let part: SubsetRequest | undefined;
  for (const [name, value] of query) {
    if (name === '_summary') {
      if (!SUMMARIES.has(value)) throw rejectFhir('PARAMETER_INVALID', { parameter: name });
      part = { ...part, summary: value as NonNullable<SubsetRequest['summary']> };
    } else if (name === '_elements') {
      const elements = value.split(',', 100).map((element) => element.trim());
      if (!elements.every((element) => /^[A-Za-z][A-Za-z0-9.]{0,127}$/.test(element)))
        throw rejectFhir('PARAMETER_INVALID', { parameter: name });
      part = { ...part, elements };
    } else if (name !== '_format' && name !== '_pretty' && !prefer.lenient) {
      throw rejectFhir('PARAMETER_UNKNOWN', { parameter: name.slice(0, 64).replace(/[^\x20-\x7e]/g, '?') });
    }
  }
  return part;
}
