import { utf8ToText } from '../std/bytes.ts';
import type { VersionRow } from '../vault/vault.ts';
import { bundleText, type EntryText } from './bundle-text.ts';
import { rejectFhir } from './codes.ts';
import type { FhirContext, FhirResult } from './context.ts';
import { decideRead } from './read-decision.ts';
import { instant } from './resource-text.ts';
import { nextLink, pageParameters, selfLink } from './search-parameters.ts';

/** `W/"n"` of a version (R4 §3.1.0.1.3). */
function etagOf(version: number): string {
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

/** Reads the current version. 404 for what is not there or not to be seen, 410 for what was deleted. */
export async function read(context: FhirContext, type: string, id: string): Promise<FhirResult> {
  return readRow(context, await context.vault.current(type, id));
}

/** Reads one version (vread). */
export async function readVersion(
  context: FhirContext,
  type: string,
  id: string,
  version: string,
): Promise<FhirResult> {
  const number = /^[1-9][0-9]{0,9}$/.test(version) ? Number(version) : 0;
  return readRow(context, number === 0 ? undefined : await context.vault.version(type, id, number));
}

async function readRow(context: FhirContext, row: VersionRow | undefined): Promise<FhirResult> {
  if (row === undefined) throw rejectFhir('NOT_FOUND');
  const { visible, interactions } = await decideRead(context, [row]);
  // Opened before it is journalled, so that the journal tells of no read of a version that cannot be opened. One that is
  // erased after the decision refuses to open.
  const body = visible.length > 0 && !row.deleted ? await textOf(context, row) : undefined;
  await context.vault.journal(interactions);
  if (visible.length === 0) throw rejectFhir('NOT_FOUND');
  if (body === undefined) throw rejectFhir('DELETED', { version: row.version });
  return { status: 200, body, ...versionHeaders(row) };
}

/** History of one resource, newest first, a page at a time. Versions that the caller may not see are left out. */
export async function history(
  context: FhirContext,
  type: string,
  id: string,
  query: URLSearchParams,
  lenient: boolean,
): Promise<FhirResult> {
  const { count, after } = pageParameters(context, query, lenient);
  if ((await context.vault.current(type, id)) === undefined) throw rejectFhir('NOT_FOUND');
  const page = await context.vault.history(type, id, count, after);
  const { visible, interactions } = await decideRead(context, page.rows);
  const entries = await Promise.all(visible.map((row) => historyEntry(context, row)));
  await context.vault.journal(interactions);
  if (visible.length === 0 && after === undefined && page.next === undefined) throw rejectFhir('NOT_FOUND');
  const address = `${context.baseUrl}/${type}/${id}/_history`;
  const links: [string, string][] = [['self', selfLink(address, query)]];
  if (page.next !== undefined) links.push(['next', nextLink(address, query, page.next)]);
  return { status: 200, body: bundleText('history', links, entries) };
}

async function historyEntry(context: FhirContext, row: VersionRow): Promise<EntryText> {
  const address = `${row.type}/${row.id}`;
  const method = row.deleted ? 'DELETE' : row.action === 'create' && row.version === 1 ? 'POST' : 'PUT';
  return {
    fullUrl: `${context.baseUrl}/${address}`,
    ...(row.deleted || row.erased ? {} : { resource: await textOf(context, row) }),
    request: { method, url: method === 'POST' ? row.type : address },
    response: {
      status: row.deleted ? '204' : row.action === 'create' ? '201' : '200',
      etag: etagOf(row.version),
      lastModified: instant(row.timeMs),
    },
  };
}
