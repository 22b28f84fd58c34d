import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { validateResource } from '@medplum/core';
import type { Bundle, Resource, StructureDefinition } from '@medplum/fhirtypes';
import { loadDefinitions } from '../fhir/definitions/load-definitions.ts';
import { validateStructure } from '../fhir/validate.ts';
import { generatePatients } from './generate.ts';
import { generateOrganisation } from './organisation.ts';
import { bundleToText } from './written-number.ts';

const OPTIONS = { seed: 'test', count: 24, asOf: '2026-01-15' } as const;
const US_CORE = new URL('../../../shared/data/us-core/hl7.fhir.us.core-6.1.0.tgz', import.meta.url);

before(async () => {
  await loadDefinitions();
});

function resourcesOf(bundle: Bundle): Resource[] {
  return (bundle.entry ?? []).map((entry) => entry.resource as Resource);
}

/** The bundle as a server stores it: each urn:uuid replaced by what it names. Fails on one that names nothing. */
function resolved(bundle: Bundle): Bundle {
  const names = new Map(
    (bundle.entry ?? []).map(({ fullUrl, resource }) => [fullUrl, `${resource?.resourceType}/${resource?.id}`]),
  );
  return JSON.parse(bundleToText(bundle), (name, value) => {
    if (name !== 'reference') return value;
    assert.ok(names.has(value), `dangling reference ${value}`);
    return names.get(value);
  });
}

/** Every issue of every severity, with where it is. */
function issuesOf(resource: Resource, profile: StructureDefinition): string[] {
  try {
    return validateResource(resource, { profile }).map(
      (issue) => `${resource.resourceType}: ${issue.details?.text} ${issue.expression}`,
    );
  } catch (error) {
    return [`${resource.resourceType}: ${(error as Error).message}`];
  }
}

/** What the server would say of a resource; undefined when it takes it. */
async function fault(resource: object): Promise<string | undefined> {
  try {
    validateStructure(resource as Parameters<typeof validateStructure>[0], await loadDefinitions());
    return undefined;
  } catch (error) {
    return JSON.stringify((error as { data?: unknown }).data ?? String(error));
  }
}

test('the server takes every resource of 150 patients, and every reference resolves', async () => {
  const faults: string[] = [];
  let count = 0;
  const bundles = generatePatients({ ...OPTIONS, count: 150 });
  for (const bundle of [generateOrganisation(OPTIONS), ...bundles]) {
    for (const resource of resourcesOf(resolved(bundle))) {
      const found = await fault(resource);
      if (found !== undefined) faults.push(`${resource.resourceType} ${found}`);
      count++;
    }
  }
  assert.deepEqual(faults.slice(0, 10), []);
  assert.ok(count > 12_000, `${count} resources`);
});

test('the validation of these tests finds a planted fault', async () => {
  const [bundle] = generatePatients({ ...OPTIONS, count: 1 });
  const [encounter] = resourcesOf(resolved(bundle as Bundle)).filter(
    (resource) => resource.resourceType === 'Encounter',
  );
  assert.equal(await fault(encounter as Resource), undefined);
  assert.notEqual(await fault({ ...encounter, status: 'over' }), undefined);
  const observation = (bundle as Bundle).entry?.find((entry) => entry.resource?.resourceType === 'Observation');
  (observation?.resource as { subject: object }).subject = { reference: 'urn:uuid:nobody' };
  assert.throws(() => resolved(bundle as Bundle), /dangling/);
});

const skip = existsSync(US_CORE) ? false : 'needs ../shared/data/us-core/hl7.fhir.us.core-6.1.0.tgz, which is absent';
test('every resource is valid by its US Core 6.1.0 profile', { skip }, () => {
  const profiles = readProfiles(gunzipSync(readFileSync(US_CORE)));
  const issues: string[] = [];
  const used = new Set<string>();
  for (const bundle of generatePatients({ ...OPTIONS, count: 60 })) {
    for (const resource of resourcesOf(resolved(bundle))) {
      const url = resource.meta?.profile?.[0] as string;
      const profile = profiles.get(url);
      assert.ok(profile !== undefined, `unknown profile ${url}`);
      used.add(url);
      issues.push(...issuesOf(resource, profile));
    }
  }
  assert.deepEqual(issues, []);
  assert.ok(used.size >= 25, `only ${used.size} profiles`);
});

/** StructureDefinitions by url of an npm package: a tar of 512-byte headers (name at 0, octal size at 124). */
function readProfiles(tar: Buffer): Map<string, StructureDefinition> {
  const profiles = new Map<string, StructureDefinition>();
  for (let at = 0; at + 512 <= tar.length; ) {
    const name = tar.toString('latin1', at, at + 100).replace(/\0.*$/, '');
    const size = Number.parseInt(tar.toString('latin1', at + 124, at + 136), 8) || 0;
    if (/^package\/StructureDefinition-.*\.json$/.test(name)) {
      const definition = JSON.parse(tar.toString('utf8', at + 512, at + 512 + size)) as StructureDefinition;
      profiles.set(definition.url as string, definition);
    }
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return profiles;
}

test('the same options give the same bytes, and a person does not depend on the count', () => {
  const texts = (count: number) => [...generatePatients({ ...OPTIONS, count })].map(bundleToText);
  const many = texts(6);
  assert.deepEqual(texts(6), many);
  assert.deepEqual(texts(3), many.slice(0, 3));
  const later = [...generatePatients({ ...OPTIONS, from: 4, count: 2 })].map(bundleToText);
  assert.deepEqual(later, many.slice(4));
  assert.equal(new Set(many).size, 6);
  assert.equal(createHash('sha256').update(many.join('\n')).digest('hex'), PINNED_SHA256);
  assert.notDeepEqual(
    [...generatePatients({ ...OPTIONS, count: 1, seed: 'other' })].map(bundleToText),
    many.slice(0, 1),
  );
});

/** Whoever changes what is generated changes the demo's people: change this with it. */
const PINNED_SHA256 = 'eb97559a3162c7be18072733925d99fc893d877b613260f47753b94a5591830b';

test('ids are unique; what patients share is the same in each bundle and in the organisation’s own', () => {
  const shared = new Map(
    (generateOrganisation(OPTIONS).entry ?? []).map((entry) => [entry.fullUrl, JSON.stringify(entry)]),
  );
  const seen = new Set<string>();
  for (const bundle of generatePatients({ ...OPTIONS, count: 200 })) {
    for (const entry of bundle.entry ?? []) {
      const url = entry.fullUrl as string;
      assert.equal(url, `urn:uuid:${entry.resource?.id}`);
      const own = shared.get(url);
      if (own !== undefined) assert.equal(JSON.stringify(entry), own);
      else assert.ok(!seen.has(url), `twice ${url}`);
      seen.add(url);
    }
  }
});

test('decimals are written as measured', () => {
  const texts = [...generatePatients({ ...OPTIONS, count: 40 })].map(bundleToText).join('');
  assert.match(texts, /"value":\d+\.\d0,"unit":"kg\/m2"/);
  assert.match(texts, /"value":\d+\.0,"unit":"(?:cm|kg|%|g\/dL)"/);
  assert.doesNotMatch(texts, /"value":\d+\.\d{3,}/);
});

test('an impossible day is refused', () => {
  assert.throws(() => [...generatePatients({ ...OPTIONS, asOf: '2026-02-30' })], RangeError);
});
