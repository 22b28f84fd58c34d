import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { r4Conformance } from '../../src/fhir/conformance.ts';
import { loadDefinitions } from '../../src/fhir/definitions/load-definitions.ts';
import { createFhirOperations } from '../../src/fhir/operations/fhir-operations.ts';
import type { SearchRegistry } from '../../src/fhir/search/search-registry.ts';
import { createFhirNode, type FhirNode } from '../support/fhir-node.ts';

const ROOT = join(import.meta.dirname, '../..');

/** Every code that a refusal may carry: those of all catalogues. */
export async function knownCodes(): Promise<ReadonlySet<string>> {
  const codes = new Set<string>();
  for (const file of globSync('src/**/codes.ts', { cwd: ROOT })) {
    const catalogues = (await import(pathToFileURL(join(ROOT, file)).href)) as Record<string, unknown>;
    for (const [name, catalogue] of Object.entries(catalogues))
      if (/(?:^|_)CODES$/.test(name)) for (const code of Object.keys(catalogue as object)) codes.add(code);
  }
  codes.delete('INTERNAL');
  return codes;
}

/** The service with all operations that need no ledger, and a few resources to stumble over. */
export async function createFuzzNode(): Promise<{ readonly node: FhirNode; readonly registry: SearchRegistry }> {
  const conformance = r4Conformance(await loadDefinitions());
  const node = await createFhirNode({ conformance, operations: createFhirOperations(conformance) });
  for (const resource of SEEDED) {
    const { status, text } = await node.send('PUT', `${resource.resourceType}/${resource.id}`, resource);
    assert.equal(status, 201, text);
  }
  return { node, registry: conformance.registry };
}

const subject = { reference: 'Patient/p' };
const code = { coding: [{ system: 'urn:x', code: 'y' }] };
const SEEDED = [
  { resourceType: 'Patient', id: 'p', identifier: [{ system: 'urn:x', value: 'x' }], name: [{ family: 'A' }] },
  { resourceType: 'Encounter', id: 'e', status: 'finished', class: { code: 'AMB' }, subject },
  { resourceType: 'Observation', id: 'o', status: 'final', code, subject, encounter: { reference: 'Encounter/e' } },
] as const;

/** Reads everything that there is and was: no fault in the vault, and every version's text is whole. */
export async function checkIntact({ vault, send }: FhirNode): Promise<void> {
  assert.deepEqual((await vault.scrub()).faults, []);
  for (let path: string | undefined = '_history?_count=500'; path !== undefined; ) {
    const { status, json } = await send('GET', path);
    assert.equal(status, 200);
    for (const { resource, fullUrl } of json.entry ?? [])
      if (resource !== undefined) assert.ok(fullUrl.endsWith(`/${resource.resourceType}/${resource.id}`));
    const next = json.link.find(({ relation }: { relation: string }) => relation === 'next')?.url as string | undefined;
    path = next?.slice(next.indexOf('/fhir/') + '/fhir/'.length);
  }
}

/** An answer, as far as it is judged. */
export interface FuzzAnswer {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly text: string;
}

interface Outcome {
  readonly resourceType?: string;
  readonly issue?: readonly {
    readonly severity?: string;
    readonly details?: { readonly coding?: readonly { readonly code?: string }[] };
  }[];
}

/**
 * Whatever was asked: no failure of the server's own, an OperationOutcome with a code of ours for every refusal, also
 * of a Bundle's entries, and JSON for everything else.
 */
export function checkAnswer(
  known: ReadonlySet<string>,
  method: string,
  { status, contentType, text }: FuzzAnswer,
): void {
  assert.ok(status >= 200 && status < 500 && status !== 429, `status ${status}: ${text.slice(0, 300)}`);
  assert.doesNotMatch(text, /\bat .*\.ts:\d|node_modules|\/src\//, 'the answer tells of the code');
  if (text === '') {
    assert.ok(status < 400 || method === 'HEAD', `status ${status} without a word`);
    return;
  }
  assert.match(contentType ?? '', /^application\/fhir\+json/);
  const body = JSON.parse(text) as Outcome & {
    readonly type?: string;
    readonly entry?: readonly { readonly response?: { readonly status: string; readonly outcome?: Outcome } }[];
  };
  if (status >= 400) {
    checkOutcome(known, body);
    return;
  }
  assert.equal(typeof body.resourceType, 'string');
  if (!/-response$/.test(body.type ?? '')) return;
  for (const { response } of body.entry ?? []) {
    assert.ok(response);
    const entryStatus = Number(response.status.slice(0, 3));
    assert.ok(entryStatus >= 200 && entryStatus < 500, response.status);
    if (entryStatus >= 400) checkOutcome(known, response.outcome ?? {});
  }
}

function checkOutcome(known: ReadonlySet<string>, { resourceType, issue = [] }: Outcome): void {
  assert.equal(resourceType, 'OperationOutcome');
  assert.ok(issue.length > 0);
  for (const { severity, details } of issue) {
    assert.equal(severity, 'error');
    const code = details?.coding?.[0]?.code ?? '';
    assert.ok(known.has(code), `code ${code} is in no catalogue`);
  }
}
