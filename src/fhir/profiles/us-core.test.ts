import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import type { StructureDefinition } from '@medplum/fhirtypes';
import { unpackTar } from 'modern-tar';
import {
  BREAKERS,
  commonSeeds,
  elementSeeds,
  extensionHosts,
  type Host,
  type Json,
  resourceHost,
  type Seed,
  sliceSeeds,
  VACUOUS,
} from '../../../test/support/seeded-errors.ts';
import { loadDefinitions } from '../definitions/load-definitions.ts';
import { compactPackage, parseCompact } from '../packages/package-cache.ts';
import { openTerminology } from '../packages/package-terminology.ts';
import { packageValidator } from '../packages/package-validator.ts';
import type { ValidationIssue } from './validation-issue.ts';
import type { Validator } from './validator.ts';

const shared = fileURLToPath(new URL('../../../../shared/data', import.meta.url));
const file = join(shared, 'us-core/hl7.fhir.us.core-6.1.0.tgz');
const skip = existsSync(file) ? false : 'needs ../shared/data/us-core';

let validator: Validator;
const profiles: StructureDefinition[] = [];
const examples: Json[] = [];

before(async () => {
  if (skip !== false) return;
  const tgz = readFileSync(file);
  const loaded = parseCompact(await compactPackage(tgz));
  assert.ok(loaded !== undefined);
  validator = packageValidator(await loadDefinitions(), [loaded], openTerminology([loaded]));
  for (const { header, data } of await unpackTar(gunzipSync(tgz))) {
    if (!/^package\/(?:example\/)?[^/.][^/]*\.json$/.test(header.name) || header.name === 'package/package.json')
      continue;
    const json = JSON.parse(new TextDecoder().decode(data)) as Json;
    if (header.name.startsWith('package/example/')) examples.push(json);
    else if (json.resourceType === 'StructureDefinition') profiles.push(json as unknown as StructureDefinition);
  }
});

const errorsOf = (resource: Json, asked: readonly string[] = []): readonly ValidationIssue[] =>
  validator.validate(resource, { profiles: asked, entries: true }).filter(({ severity }) => severity === 'error');

test("US Core's own examples follow the profiles that they declare", { skip }, () => {
  assert.equal(profiles.length, 59);
  assert.ok(examples.filter(({ resourceType }) => resourceType !== undefined).length >= 180);
  let declared = 0;
  for (const example of examples) {
    if (example.resourceType === undefined) continue;
    declared += profilesOf(example).filter((url) => validator.knows(url)).length;
    assert.deepEqual(errorsOf(example), [], String(example.id));
  }
  assert.ok(declared > 150, String(declared));
});

test('what Synthea makes follows R4; it declares no profiles', {
  skip: existsSync(join(shared, 'synthea')) ? skip : 'needs ../shared/data/synthea',
}, (t) => {
  const counts = { resources: 0, declared: 0, refused: 0 };
  for (const name of readdirSync(join(shared, 'synthea')).filter((one) => one.endsWith('.json'))) {
    const bundle = JSON.parse(readFileSync(join(shared, 'synthea', name), 'utf8')) as { entry: { resource: Json }[] };
    for (const { resource } of bundle.entry) {
      counts.resources++;
      counts.declared += profilesOf(resource).filter((url) => validator.knows(url)).length;
      if (errorsOf(resource).length > 0) counts.refused++;
    }
  }
  t.diagnostic(JSON.stringify(counts));
  assert.ok(counts.resources > 6_000);
  assert.equal(counts.refused, 0);
});

function profilesOf(resource: Json): string[] {
  return ((resource.meta as { profile?: string[] } | undefined)?.profile ?? []).map(
    (url) => url.split('|')[0] as string,
  );
}

/** Kinds that apply to every profile; an extension has one kind at least. */
const KINDS = {
  resource: ['missing', 'too many', 'bad id', 'empty array', 'empty text', 'invariant'],
  extension: [],
};

/** US Core has no example of its own for one profile. */
const PRACTITIONER_ROLE: Json = {
  ...{ resourceType: 'PractitionerRole', id: 'role', telecom: [{ system: 'phone', value: '1' }] },
  ...{ practitioner: { reference: 'Practitioner/a' }, organization: { reference: 'Organization/a' } },
  ...{ location: [{ reference: 'Location/a' }], code: [{ text: 'x' }], specialty: [{ text: 'x' }] },
};

/** Extensions that no example has at the top of a resource. */
const OTHER_EXTENSIONS: Json = {
  ...{ resourceType: 'Basic', id: 'basic', code: { text: 'x' } },
  extension: [
    { url: 'http://hl7.org/fhir/us/core/StructureDefinition/uscdi-requirement', valueBoolean: true },
    { url: 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-direct', valueBoolean: true },
    {
      url: 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-jurisdiction',
      valueCodeableConcept: { text: 'x' },
    },
    {
      url: 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-extension-questionnaire-uri',
      valueUri: 'http://x',
    },
  ],
};

/** Examples that follow a profile: those that declare it, else those that could. */
function hostsOf({ type, url }: StructureDefinition): Host[] {
  if (type === 'Extension')
    return [...examples, OTHER_EXTENSIONS].flatMap((example) => extensionHosts(example, url as string));
  const declared = examples.filter((example) => profilesOf(example).includes(url as string));
  const others = [...examples, PRACTITIONER_ROLE].filter(
    (example) => example.resourceType === type && errorsOf(example, [url as string]).length === 0,
  );
  return (declared.length > 0 ? declared : others).map(resourceHost);
}

test('an error of each kind that applies, seeded into each US Core profile, is found where it is', { skip }, (t) => {
  const counts = new Map<string, number>();
  const unbroken: string[] = [];
  const unused: string[] = [];
  const broken = new Set<string>();
  const keys = new Set<string>();
  for (const profile of profiles) {
    const url = profile.url as string;
    const hosts = hostsOf(profile);
    const kinds = new Set<string>();
    const seeds: Seed[] = [];
    for (const element of profile.snapshot?.element ?? []) {
      const wanted = new Set<string>();
      for (const host of hosts) {
        for (const seed of elementSeeds(element, host)) {
          if (wanted.has(seed.kind)) continue;
          wanted.add(seed.kind);
          seeds.push(seed);
        }
      }
    }
    for (const host of hosts.slice(0, 3)) {
      seeds.push(...sliceSeeds(profile, host));
      if (profile.type !== 'Extension') seeds.push(...commonSeeds(profile.type as string, host.resource));
    }
    for (const { key, severity } of (profile.snapshot?.element ?? []).flatMap(({ constraint = [] }) => constraint)) {
      if (severity !== 'error' || VACUOUS.has(key ?? '') || !/^(?:us-core|vs|pd|provenance|sdcqr)-/.test(key ?? ''))
        continue;
      keys.add(key as string);
      for (const host of hosts) {
        const resource = structuredClone(host.resource);
        const path = BREAKERS[key as string]?.(resource);
        if (path === undefined) continue;
        seeds.push({ kind: `rule ${key}`, resource, path: `${profile.type}${path}`, code: 'invariant' });
        broken.add(key as string);
        break;
      }
    }
    for (const { kind, resource, path, code } of seeds) {
      const issues = validator.validate(resource, { profiles: profile.type === 'Extension' ? [] : [url] });
      const isFound = issues.some((issue) => issue.severity === 'error' && issue.path === path && issue.code === code);
      // Codes of value sets that nobody here defines cannot be told.
      const cannotTell =
        kind.startsWith('binding ') && issues.some((issue) => issue.code === 'not-supported' && issue.path === path);
      const name =
        kind.split(' ')[0] === 'binding'
          ? cannotTell
            ? 'binding, untold'
            : 'binding'
          : kind.startsWith('rule ')
            ? 'rule'
            : kind;
      kinds.add(name);
      counts.set(name, (counts.get(name) ?? 0) + 1);
      if (!isFound && !cannotTell)
        unbroken.push(`${url.split('/').at(-1)} ${kind} ${path} ${JSON.stringify(issues).slice(0, 200)}`);
    }
    if (kinds.size === 0) unused.push(url);
    else
      for (const kind of KINDS[profile.type === 'Extension' ? 'extension' : 'resource']) {
        if (!kinds.has(kind)) unbroken.push(`${url}: no seed of kind ${kind}`);
      }
  }
  t.diagnostic(JSON.stringify([...counts]));
  assert.deepEqual(unbroken, []);
  assert.deepEqual(unused, []);
  assert.deepEqual(
    [...keys].filter((key) => !broken.has(key)),
    [],
  );
});
