import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isReject } from '../../../std/reject.ts';
import { type ParsedResource, patientOf } from '../../patient-account.ts';
import { referencesIn } from '../../references.ts';
import { validateStructure } from '../../validate.ts';
import { BASE_URL, CUSTODIAN, createTestData, type TestData, testCall } from '../test-visible-data.ts';
import { createSummary } from './summary.ts';

type Json = Record<string, unknown>;
type Resource = ParsedResource & { id: string };
type Section = {
  title: string;
  code: Json;
  text: { div: string };
  entry?: { reference: string }[];
  emptyReason?: Json;
};
type Document = { entry: { fullUrl: string; resource: Resource & { section: Section[] } }[] } & Json;

const synthea = fileURLToPath(new URL('../../../../../shared/data/synthea', import.meta.url));
const examples = dirname(createRequire(import.meta.url).resolve('hl7.fhir.r4.examples/package.json'));
const PATIENT: Resource = { resourceType: 'Patient', id: 'p', name: [{ family: 'A' }], birthDate: '1970-01-01' };

async function summaryOf(data: TestData, id: string): Promise<{ document: Document; text: string }> {
  const result = await createSummary(data.open).run(data.context, testCall({ type: 'Patient', id }));
  const text = result.body as string;
  return { document: JSON.parse(text), text };
}

const sectionsOf = ({ entry }: Document) => (entry[0] as Document['entry'][number]).resource.section;
const sectionOf = (document: Document, title: string) => sectionsOf(document).find((one) => one.title === title);
const concept = (code: string, system = 'urn:s') => ({ coding: [{ system, code }] });

/** References of a document that lead to none of its entries; fragments and absolute ones of others aside. */
function unresolved({ entry }: Document, text: string): string[] {
  const urls = new Set(entry.map(({ fullUrl }) => fullUrl));
  return referencesIn(text)
    .map(({ value }) => value)
    .filter((value) => !value.startsWith('#'))
    .filter((value) => !urls.has(value) && !urls.has(`${BASE_URL}/${value}`));
}

function judgeDocument(data: TestData, document: Document, mayHaveFaulty = false): void {
  assert.equal(document.type, 'document');
  assert.equal(document.entry[0]?.resource.resourceType, 'Composition');
  assert.equal(new Set(document.entry.map(({ fullUrl }) => fullUrl)).size, document.entry.length);
  assert.deepEqual(
    sectionsOf(document)
      .slice(0, 3)
      .map(({ title }) => title),
    ['Problem List', 'Allergies and Intolerances', 'Medication Summary'],
  );
  for (const section of sectionsOf(document)) {
    assert.equal(section.entry === undefined, section.emptyReason !== undefined, section.title);
    assert.doesNotMatch(section.text.div, /<script|undefined|\[object/i);
  }
  // A few official examples break R4's own rules; what is valid by itself is valid in the document.
  const faulty = document.entry.filter(({ resource }) => !isValid(resource, data));
  assert.ok(isValid({ ...document, entry: document.entry.filter((entry) => !faulty.includes(entry)) }, data));
  assert.ok(faulty.length <= (mayHaveFaulty ? 5 : 0), String(faulty.length));
}

function isValid(resource: object, data: TestData): boolean {
  try {
    validateStructure(resource as ParsedResource, data.context.definitions);
    return true;
  } catch (thrown) {
    assert.ok(isReject(thrown), String(thrown));
    return false;
  }
}

test('each Synthea patient has a summary that is valid and stands alone', {
  skip: existsSync(synthea) ? false : 'needs ../shared/data/synthea',
}, async (context) => {
  let [patients, entries] = [0, 0];
  for (const file of readdirSync(synthea).filter((name) => /_.*\.json$/.test(name))) {
    const bundle = JSON.parse(readFileSync(join(synthea, file), 'utf8')) as {
      entry: { fullUrl: string; resource: Resource }[];
    };
    const names = new Map(
      bundle.entry.map(({ fullUrl, resource }) => [fullUrl, `${resource.resourceType}/${resource.id}`]),
    );
    const data = await createTestData();
    for (const { resource } of bundle.entry) {
      const linked = JSON.parse(JSON.stringify(resource), (name, value) =>
        name === 'reference' ? (names.get(value) ?? value) : value,
      );
      data.add(linked, ['Organization', 'Practitioner'].includes(resource.resourceType) ? CUSTODIAN : 'owner');
    }
    const patient = bundle.entry.find(({ resource }) => resource.resourceType === 'Patient')?.resource;
    const { document, text } = await summaryOf(data, patient?.id as string);
    judgeDocument(data, document);
    assert.deepEqual(unresolved(document, text), [], file);
    // What leaves is journalled, all of it and nothing else: Composition and author are made here.
    assert.equal(data.journalled.at(-1)?.length, document.entry.length - 2);
    patients++;
    entries += document.entry.length;
  }
  assert.ok(patients > 20);
  context.diagnostic(`${patients} patients, ${entries} entries`);
});

test('official examples: the summary of Patient/example', async () => {
  const data = await createTestData();
  const names = new Set<string>();
  for (const file of readdirSync(examples).filter((name) => /^[A-Z].*\.json$/.test(name))) {
    const resource = JSON.parse(readFileSync(join(examples, file), 'utf8')) as Resource;
    if (data.context.definitions.resources[resource.resourceType] === undefined) continue;
    let owner: string | undefined;
    try {
      owner = patientOf(resource, data.context.definitions, BASE_URL);
    } catch {
      continue;
    }
    names.add(`${resource.resourceType}/${resource.id}`);
    data.add(resource, owner ?? CUSTODIAN);
  }
  const { document, text } = await summaryOf(data, 'example');
  judgeDocument(data, document, true);
  // Some examples refer to what no example defines; all that is there comes along, but for other patients.
  const left = unresolved(document, text).filter((name) => names.has(name.split('/_history/')[0] as string));
  assert.deepEqual(
    left.filter((name) => !/^Patient\//.test(name)),
    [],
  );
  assert.ok((sectionOf(document, 'Problem List')?.entry?.length ?? 0) > 0);
  assert.ok((sectionOf(document, 'Vital Signs')?.entry?.length ?? 0) > 5);
  assert.ok((sectionOf(document, 'Allergies and Intolerances')?.entry?.length ?? 0) > 0);
});

test('without records the three required sections say that nothing is available here', async () => {
  const data = await createTestData();
  data.add(PATIENT, 'owner');
  const { document } = await summaryOf(data, 'p');
  judgeDocument(data, document);
  assert.equal(sectionsOf(document).length, 3);
  for (const { emptyReason, text } of sectionsOf(document)) {
    assert.match(JSON.stringify(emptyReason), /"unavailable"/);
    assert.match(text.div, /No information about/);
  }
  assert.deepEqual(document.meta, { profile: ['http://hl7.org/fhir/uv/ips/StructureDefinition/Bundle-uv-ips'] });
});

test('a patient without name or birth date does not conform, and the document does not say so', async () => {
  const data = await createTestData();
  data.add({ resourceType: 'Patient', id: 'p' }, 'owner');
  const { document } = await summaryOf(data, 'p');
  assert.equal(document.meta, undefined);
});

test('what goes where: by status, category and code', async () => {
  const data = await createTestData();
  const subject = { reference: 'Patient/p' };
  const add = (resourceType: string, id: string, rest: Json) =>
    data.add({ resourceType, id, subject, ...rest }, 'owner');
  data.add(PATIENT, 'owner');
  const status = (code: string) => concept(code, 'http://terminology.hl7.org/CodeSystem/condition-clinical');
  add('Condition', 'now', { clinicalStatus: status('active'), code: concept('a') });
  add('Condition', 'was', { clinicalStatus: status('resolved'), code: concept('b') });
  add('Condition', 'never', { verificationStatus: concept('refuted'), code: concept('c') });
  add('MedicationRequest', 'taken', { status: 'active', intent: 'order', medicationCodeableConcept: { text: 'x' } });
  add('MedicationRequest', 'stopped', { status: 'stopped', intent: 'order', medicationCodeableConcept: { text: 'x' } });
  add('MedicationRequest', 'idea', { status: 'active', intent: 'proposal', medicationCodeableConcept: { text: 'x' } });
  const lab = [concept('laboratory', 'http://terminology.hl7.org/CodeSystem/observation-category')];
  add('Observation', 'old', { status: 'final', category: lab, code: concept('k'), effectiveDateTime: '2020' });
  add('Observation', 'new', { status: 'final', category: lab, code: concept('k'), effectiveDateTime: '2021-03' });
  add('Observation', 'wrong', { status: 'entered-in-error', category: lab, code: concept('l') });
  add('Observation', 'due', { status: 'final', code: concept('11778-8', 'http://loinc.org') });
  add('Consent', 'privacy', { status: 'active', scope: concept('patient-privacy'), category: [concept('x')] });
  add('Consent', 'directive', { status: 'active', scope: concept('adr'), category: [concept('x')] });
  const { document } = await summaryOf(data, 'p');
  const entries = Object.fromEntries(
    sectionsOf(document).map(({ title, entry }) => [title, entry?.map(({ reference }) => reference.split('/').at(-1))]),
  );
  assert.deepEqual(entries, {
    'Problem List': ['now'],
    'Allergies and Intolerances': undefined,
    'Medication Summary': ['taken'],
    Results: ['new'],
    'Advance Directives': ['directive'],
    'History of Past Problems': ['was'],
    'History of Pregnancy': ['due'],
  });
});

test('what is left out is not journalled as shown', async () => {
  const data = await createTestData();
  data.add(PATIENT, 'owner');
  const vital = {
    resourceType: 'Observation',
    status: 'final',
    category: [concept('vital-signs')],
    code: concept('k'),
  };
  data.add({ ...vital, id: 'old', effectiveDateTime: '2020' }, 'owner');
  data.add({ ...vital, id: 'new', effectiveDateTime: '2021' }, 'owner');
  await summaryOf(data, 'p');
  assert.deepEqual(data.journalled, [['Observation/new', 'Patient/p']]);
});

test('narratives escape what records say, and show numbers as they are written', async () => {
  const data = await createTestData();
  data.add(PATIENT, 'owner');
  const evil = '</td><script>alert(1)</script>&"\'\u0000';
  data.add({ resourceType: 'Condition', id: 'c', code: { text: evil } }, 'owner');
  const category = [concept('laboratory', 'http://terminology.hl7.org/CodeSystem/observation-category')];
  const quantity = '{"value":1.10,"unit":"mmol/L"}';
  const observation = { resourceType: 'Observation', id: 'o', status: 'final', category, code: { text: 'K' } };
  data.add({ ...observation, valueQuantity: JSON.parse(quantity) }, 'owner');
  const open: TestData['open'] = (context) => {
    const view = data.open(context);
    const text = async (row: Parameters<typeof view.text>[0]) =>
      (await view.text(row)).replace('{"value":1.1,"unit":"mmol/L"}', quantity);
    return { ...view, text };
  };
  const { document, text } = await summaryOf({ ...data, open }, 'p');
  const problems = sectionOf(document, 'Problem List')?.text.div as string;
  assert.ok(problems.includes('&lt;/td&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;&#39;'), problems);
  assert.ok(sectionOf(document, 'Results')?.text.div.includes('<td>1.10 mmol/L; final</td>'));
  assert.ok(text.includes(`"valueQuantity":${quantity}`), 'the text of the record is kept');
});

test('a full section shows the newest, and says so', async () => {
  const data = await createTestData();
  data.add(PATIENT, 'owner');
  for (let n = 0; n < 130; n++)
    data.add({ resourceType: 'Condition', id: `c${n}`, code: concept(`c${n}`), onsetDateTime: `${1800 + n}` }, 'owner');
  const { document } = await summaryOf(data, 'p');
  const section = sectionOf(document, 'Problem List');
  assert.equal(section?.entry?.length, 100);
  assert.equal(section?.entry?.[0]?.reference, `${BASE_URL}/Condition/c129`);
  assert.match(section?.text.div ?? '', /The newest 100 of 130 are shown/);
});

test('records of another patient never come along, and what is hidden looks as if it were not there', async () => {
  const data = await createTestData();
  data.add(PATIENT, 'owner');
  data.add({ ...PATIENT, id: 'mother' }, 'mother');
  data.add({ resourceType: 'Condition', id: 'hers', subject: { reference: 'Patient/mother' } }, 'mother');
  const evidence = [{ detail: [{ reference: 'Condition/hers' }, { reference: 'Patient/mother' }] }];
  data.add({ resourceType: 'Condition', id: 'own', evidence, recorder: { reference: 'Practitioner/d' } }, 'owner');
  data.add({ resourceType: 'Condition', id: 'secret' }, 'owner');
  data.add({ resourceType: 'Practitioner', id: 'd' }, CUSTODIAN);
  data.hidden.add('Condition/secret');
  const { document, text } = await summaryOf(data, 'p');
  const names = document.entry.map(({ resource }) => `${resource.resourceType}/${resource.id}`);
  assert.deepEqual(names.slice(1, -1), ['Patient/p', 'Condition/own', 'Practitioner/d']);
  assert.ok(!text.includes('secret'));
  assert.deepEqual(data.journalled.at(-1), ['Condition/own', 'Patient/p', 'Practitioner/d']);
});

test('by identifier, and what is refused', async () => {
  const data = await createTestData();
  data.add({ ...PATIENT, identifier: [{ system: 'urn:n', value: '1' }] }, 'owner');
  data.add({ ...PATIENT, id: 'q', identifier: [{ system: 'urn:n', value: '2' }] }, 'other');
  data.add({ ...PATIENT, id: 'r', identifier: [{ system: 'urn:n', value: '2' }] }, 'third');
  const run = (query: string, id?: string) =>
    createSummary(data.open).run(
      data.context,
      testCall({ type: 'Patient', query, ...(id === undefined ? {} : { id }) }),
    );
  const refused = (query: string, code: string, id?: string) =>
    assert.rejects(run(query, id), (thrown) => isReject(thrown) && thrown.code === code, `${query} ${code}`);
  const document = JSON.parse((await run('identifier=urn:n|1')).body as string) as Document;
  assert.equal(document.entry[1]?.resource.id, 'p');
  await refused('identifier=urn:n|2', 'SUMMARY_PATIENT_AMBIGUOUS');
  await refused('identifier=urn:n|3', 'NOT_FOUND');
  await refused('', 'PARAMETER_INVALID');
  await refused('', 'NOT_FOUND', 'nobody');
  await refused('profile=urn:other', 'SUMMARY_PROFILE_UNSUPPORTED', 'p');
  await refused('identifier=x', 'PARAMETER_UNKNOWN', 'p');
  data.hidden.add('Patient/p');
  await refused('', 'NOT_FOUND', 'p');
});
