import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { before, test } from 'node:test';
import fc from 'fast-check';
import { isReject } from '../../../std/reject.ts';
import type { FhirContext } from '../../context.ts';
import { loadDefinitions } from '../../definitions/load-definitions.ts';
import type { OperationCall } from '../../operations/operation.ts';
import { createTerminology } from '../create-terminology.ts';
import { openR4Terminology } from '../r4-terminology.ts';
import { createTerminologyStore } from '../terminology-store.ts';
import { createTerminologyOperations } from './terminology-operations.ts';

type Json = Record<string, unknown>;
const examples = dirname(createRequire(import.meta.url).resolve('hl7.fhir.r4.examples/package.json'));
const stored = new Map<string, object>();
const put = (resource: { resourceType: string; id: string; url: string }) => {
  stored.set(`${resource.resourceType}/${resource.id}`, resource);
  stored.set(`${resource.resourceType}/${resource.url}`, resource);
};
const terminology = createTerminology(createTerminologyStore(() => [openR4Terminology()]));
const operations = createTerminologyOperations({
  terminology,
  stored: async (_context, type, id) => stored.get(`${type}/${id}`),
  storedByUrl: async (_context, type, url) => stored.get(`${type}/${url}`),
});

let context: FhirContext;
before(async () => {
  context = { definitions: await loadDefinitions(), clock: () => Date.UTC(2026, 0, 1) } as unknown as FhirContext;
});

/** `ValueSet/$expand?url=…`, or with a body by POST. */
async function call(address: string, body?: object): Promise<Json> {
  const [path, search] = address.split('?') as [string, string | undefined];
  const [type, second, third] = path.split('/') as [string, string, string | undefined];
  const name = third ?? second;
  const operation = operations.find((known) => known.name === name && known.types?.includes(type));
  assert.ok(operation, address);
  const query = new URLSearchParams(search);
  const routed: OperationCall = {
    type,
    ...(third === undefined ? {} : { id: second }),
    parameters: query,
    ...(body === undefined ? {} : { text: JSON.stringify(body) }),
    request: { method: body === undefined ? 'GET' : 'POST', path, query, prefer: { lenient: false } },
  };
  const { status, body: text } = await operation.run(context, routed);
  assert.equal(status, 200);
  return JSON.parse(text as string);
}

const parametersOf = (...parameter: Json[]) => ({ resourceType: 'Parameters', parameter });
const refuses = (address: string, code: string, body?: object) =>
  assert.rejects(call(address, body), (thrown) => isReject(thrown) && thrown.code === code, `${address} ${code}`);

/** Named values of a Parameters answer. */
function answerOf(answer: Json): Json {
  const named: Json = {};
  for (const { name, ...value } of answer.parameter as Json[]) named[name as string] ??= Object.values(value)[0];
  return named;
}

type Expansion = { total: number; offset: number; parameter?: Json[]; contains?: Json[] };
const expansionOf = (answer: Json) => answer.expansion as Expansion;
const codesOf = (answer: Json) => expansionOf(answer).contains?.map(({ code }) => code);
const GENDER = 'http://hl7.org/fhir/ValueSet/administrative-gender';
const ACT_CODE = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';
const SNOMED = 'http://snomed.info/sct';

test('$expand: by url, version, id, and posted', async () => {
  const all = ['male', 'female', 'other', 'unknown'];
  const answer = await call(`ValueSet/$expand?url=${GENDER}`);
  assert.deepEqual(codesOf(answer), all);
  assert.equal(expansionOf(answer).total, 4);
  assert.deepEqual(expansionOf(answer).contains?.[0], {
    system: 'http://hl7.org/fhir/administrative-gender',
    version: '4.0.1',
    code: 'male',
    display: 'Male',
  });
  assert.deepEqual(codesOf(await call('ValueSet/administrative-gender/$expand')), all);
  assert.deepEqual(codesOf(await call(`ValueSet/$expand?url=${GENDER}&valueSetVersion=4.0.1`)), all);
  assert.deepEqual(codesOf(await call('ValueSet/$expand', parametersOf({ name: 'url', valueUri: GENDER }))), all);
  await refuses(`ValueSet/$expand?url=${GENDER}&valueSetVersion=3`, 'TERMINOLOGY_NOT_FOUND');
  await refuses('ValueSet/$expand?url=http://example.org/none', 'TERMINOLOGY_NOT_FOUND');
  await refuses('ValueSet/none/$expand', 'TERMINOLOGY_NOT_FOUND');
  await refuses('ValueSet/$expand', 'TERMINOLOGY_PARAMETER_INVALID');
  await refuses(`ValueSet/administrative-gender/$expand?url=${GENDER}`, 'TERMINOLOGY_PARAMETER_INVALID');
});

test('$expand: filter, paging, what is shown', async () => {
  const url = 'http://terminology.hl7.org/ValueSet/v3-PurposeOfUse';
  const all = codesOf(await call(`ValueSet/$expand?url=${url}`)) as string[];
  const pages: unknown[] = [];
  for (let offset = 0; offset < all.length; offset += 25)
    pages.push(...(codesOf(await call(`ValueSet/$expand?url=${url}&count=25&offset=${offset}`)) ?? []));
  assert.deepEqual(pages, all);
  const none = expansionOf(await call(`ValueSet/$expand?url=${url}&count=0`));
  assert.deepEqual([none.total, none.contains], [all.length, undefined]);
  assert.deepEqual(codesOf(await call(`ValueSet/$expand?url=${GENDER}&filter=FEM`)), ['female']);
  const filtered = await call(`ValueSet/$expand?url=${url}&filter=break%20glass`);
  assert.deepEqual(codesOf(filtered), ['BTG']);
  assert.ok(expansionOf(filtered).parameter?.some(({ name }) => name === 'filter'));
  const account = `ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/account-type`;
  assert.equal(expansionOf(await call(account)).total, 10);
  assert.equal(expansionOf(await call(`${account}&excludeNotForUI=true`)).total, 9);
  const moods = 'ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/inactive';
  assert.ok(expansionOf(await call(moods)).contains?.some(({ inactive }) => inactive === true));
  assert.ok((codesOf(await call(`${moods}&activeOnly=true`)) ?? []).every((code) => code !== 'GOL.CRT'));
  const defined = await call(`ValueSet/$expand?url=${GENDER}&includeDefinition=true`);
  assert.deepEqual(defined.compose, { include: [{ system: 'http://hl7.org/fhir/administrative-gender' }] });
});

test('$expand: what is not here is refused, never half an answer', async () => {
  for (const name of ['condition-code', 'body-site', 'ucum-units', 'currencies', 'all-languages'])
    await refuses(`ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/${name}`, 'TERMINOLOGY_UNSUPPORTED');
  await refuses('ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/example-filter', 'TERMINOLOGY_UNSUPPORTED');
  await assert.rejects(
    call('ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/body-site'),
    (thrown) => isReject(thrown) && JSON.stringify(thrown.data).includes(SNOMED),
  );
  for (const unsupported of ['date=2020-01-01', 'context=x', 'displayLanguage=de', 'system-version=a|1', '__proto__=1'])
    await refuses(`ValueSet/$expand?url=${GENDER}&${unsupported}`, 'TERMINOLOGY_PARAMETER_INVALID');
});

test('$expand: value sets that are sent along or stored, with stored code systems', async () => {
  const extensional = JSON.parse(readFileSync(join(examples, 'ValueSet-example-extensional.json'), 'utf8'));
  const answer = await call('ValueSet/$expand', extensional);
  assert.deepEqual(codesOf(answer), ['14647-2', '2093-3', '35200-5', '9342-7']);
  const colours = {
    resourceType: 'CodeSystem',
    id: 'c',
    url: 'urn:c',
    status: 'active',
    content: 'complete',
    concept: [{ code: 'red' }, { code: 'blue' }],
  };
  put(colours);
  put({
    resourceType: 'ValueSet',
    id: 'inner',
    url: 'urn:inner',
    ...{ status: 'active', compose: { include: [{ system: 'urn:c' }] } },
  });
  const outer = {
    status: 'active',
    compose: { include: [{ valueSet: ['urn:inner'] }], exclude: [{ system: 'urn:c', concept: [{ code: 'red' }] }] },
  };
  put({ resourceType: 'ValueSet', id: 'outer', url: 'urn:outer', ...outer });
  assert.deepEqual(codesOf(await call('ValueSet/outer/$expand')), ['blue']);
  assert.deepEqual(codesOf(await call('ValueSet/$expand?url=urn:outer')), ['blue']);
  assert.equal(answerOf(await call('CodeSystem/c/$validate-code?code=red')).result, true);
  await refuses('ValueSet/$expand', 'RESOURCE_INVALID', { resourceType: 'ValueSet', status: 'nonsense' });
});

test('$expand: more codes than one answer takes are refused with their number, and paged', async () => {
  const concept = Array.from({ length: 12_000 }, (_, n) => ({ code: `c${n}` }));
  const body = { resourceType: 'ValueSet', status: 'active', compose: { include: [{ system: 'urn:big', concept }] } };
  await assert.rejects(
    call('ValueSet/$expand', body),
    (thrown) => isReject(thrown) && thrown.code === 'EXPANSION_TOO_COSTLY' && thrown.data.codes === 12_000,
  );
  const page = expansionOf(await call('ValueSet/$expand?count=5&offset=11998', body));
  assert.deepEqual([page.total, page.contains?.length], [12_000, 2]);
});

test('$expand: a hostile value set costs a bounded time', async () => {
  const filter = [{ property: 'code', op: 'regex', value: '((a?){0,15}){0,15}.*' }];
  const include = Array.from({ length: 2_000 }, () => ({ system: ACT_CODE, filter }));
  const began = performance.now();
  await refuses('ValueSet/$expand', 'EXPANSION_TOO_COSTLY', {
    resourceType: 'ValueSet',
    status: 'active',
    compose: { include },
  });
  assert.ok(performance.now() - began < 3_000, `${performance.now() - began} ms`);
});

test('ValueSet/$validate-code', async () => {
  const ask = async (query: string, body?: object) => answerOf(await call(`ValueSet/$validate-code?${query}`, body));
  const system = 'system=http://hl7.org/fhir/administrative-gender';
  assert.deepEqual(await ask(`url=${GENDER}&${system}&code=male`), { result: true, display: 'Male' });
  assert.equal((await ask(`url=${GENDER}&${system}&code=Male`)).result, false);
  assert.match(String((await ask(`url=${GENDER}&${system}&code=__proto__`)).message), /no code of its system/);
  assert.deepEqual(await ask(`url=${GENDER}&${system}&code=male&display=mALE`), { result: true, display: 'Male' });
  const wrong = await ask(`url=${GENDER}&${system}&code=male&display=Man`);
  assert.deepEqual([wrong.result, wrong.display], [false, 'Male']);
  assert.equal((await ask(`url=${GENDER}&system=urn:x&code=male`)).result, false);
  const byId = await call(`ValueSet/administrative-gender/$validate-code?${system}&code=other`);
  assert.equal(answerOf(byId).result, true);
  const concept = (...coding: Json[]) =>
    parametersOf({ name: 'url', valueUri: GENDER }, { name: 'codeableConcept', valueCodeableConcept: { coding } });
  const male = { system: 'http://hl7.org/fhir/administrative-gender', code: 'male' };
  assert.equal((await ask('', concept({ system: 'urn:x', code: 'm' }, male))).result, true);
  assert.equal((await ask('', concept({ system: 'urn:x', code: 'm' }))).result, false);
  const abstract = `url=http://hl7.org/fhir/ValueSet/account-type&system=${ACT_CODE}&code=_ActAccountCode`;
  assert.equal((await ask(abstract)).result, true);
  assert.equal((await ask(`${abstract}&abstract=false`)).result, false);
  await refuses(
    `ValueSet/$validate-code?url=http://hl7.org/fhir/ValueSet/body-site&system=${SNOMED}&code=38266002`,
    'TERMINOLOGY_UNSUPPORTED',
  );
  await refuses(`ValueSet/$validate-code?url=${GENDER}&${system}&systemVersion=9&code=male`, 'TERMINOLOGY_UNSUPPORTED');
  for (const query of ['code=male', `code=male&${system}&code=female`, '', `${system}`, `code=&${system}`])
    await refuses(`ValueSet/$validate-code?url=${GENDER}&${query}`, 'TERMINOLOGY_PARAMETER_INVALID');
});

test('CodeSystem/$validate-code', async () => {
  const ask = async (query: string, body?: object) => answerOf(await call(`CodeSystem/$validate-code?${query}`, body));
  assert.deepEqual(await ask(`url=${ACT_CODE}&code=AMB`), { result: true, display: 'ambulatory' });
  assert.equal((await ask(`url=${ACT_CODE}&code=amb`)).result, false);
  assert.equal((await ask(`url=${ACT_CODE}&version=2018-08-12&code=AMB`)).result, true);
  assert.equal(answerOf(await call('CodeSystem/v3-ActCode/$validate-code?code=AMB')).result, true);
  const coding = (system: string) =>
    parametersOf({ name: 'url', valueUri: ACT_CODE }, { name: 'coding', valueCoding: { system, code: 'AMB' } });
  assert.equal((await ask('', coding(ACT_CODE))).result, true);
  assert.equal((await ask('', coding('urn:x'))).result, false);
  assert.equal((await ask('url=urn:ietf:bcp:13&code=text/plain')).result, true);
  for (const url of [SNOMED, 'http://loinc.org', `${ACT_CODE}|9`, 'urn:nobody'])
    await refuses(`CodeSystem/$validate-code?url=${url}&code=1-8`, 'TERMINOLOGY_UNSUPPORTED');
});

test('CodeSystem/$lookup', async () => {
  const answer = await call(`CodeSystem/$lookup?system=${ACT_CODE}&code=AMB`);
  const { name, version, display } = answerOf(answer);
  assert.deepEqual([name, version, display], ['v3 Code System ActCode', '2018-08-12', 'ambulatory']);
  const properties = (json: Json) =>
    (json.parameter as { name: string; part?: Json[] }[])
      .filter((parameter) => parameter.name === 'property')
      .map(({ part }) => [
        part?.[0]?.valueCode,
        part?.[1]?.valueCode ?? part?.[1]?.valueString ?? part?.[1]?.valueBoolean,
      ]);
  assert.ok(properties(answer).some(([code, value]) => code === 'parent' && value === '_ActEncounterCode'));
  assert.ok(properties(answer).some(([code]) => code === 'definition'));
  const asked = await call(
    `CodeSystem/$lookup?system=${ACT_CODE}&code=_ActEncounterCode&property=child&property=notSelectable`,
  );
  assert.deepEqual([...new Set(properties(asked).map(([code]) => code))].toSorted(), ['child', 'notSelectable']);
  const posted = parametersOf({ name: 'coding', valueCoding: { system: ACT_CODE, code: 'AMB' } });
  assert.equal(answerOf(await call('CodeSystem/$lookup', posted)).display, 'ambulatory');
  const example = await call('CodeSystem/$lookup?system=http://hl7.org/fhir/CodeSystem/example&code=chol-mmol');
  assert.ok((example.parameter as Json[]).some((parameter) => parameter.name === 'designation'));
  await refuses(`CodeSystem/$lookup?system=${ACT_CODE}&code=constructor`, 'TERMINOLOGY_CODE_UNKNOWN');
  await refuses(`CodeSystem/$lookup?system=${SNOMED}&code=38266002`, 'TERMINOLOGY_UNSUPPORTED');
  await refuses('CodeSystem/$lookup?system=http://loinc.org&code=1-8', 'TERMINOLOGY_UNSUPPORTED');
  await refuses('CodeSystem/$lookup?code=AMB', 'TERMINOLOGY_PARAMETER_INVALID');
});

test('CodeSystem/$subsumes', async () => {
  const ask = async (a: string, b: string) =>
    answerOf(await call(`CodeSystem/$subsumes?system=${ACT_CODE}&codeA=${a}&codeB=${b}`)).outcome;
  assert.equal(await ask('_ActEncounterCode', 'AMB'), 'subsumes');
  assert.equal(await ask('AMB', '_ActEncounterCode'), 'subsumed-by');
  assert.equal(await ask('AMB', 'AMB'), 'equivalent');
  assert.equal(await ask('AMB', 'EMER'), 'not-subsumed');
  assert.equal(answerOf(await call('CodeSystem/v3-ActCode/$subsumes?codeA=AMB&codeB=AMB')).outcome, 'equivalent');
  await refuses(`CodeSystem/$subsumes?system=${ACT_CODE}&codeA=AMB&codeB=nobody`, 'TERMINOLOGY_CODE_UNKNOWN');
  await refuses(`CodeSystem/$subsumes?system=${SNOMED}&codeA=1&codeB=2`, 'TERMINOLOGY_UNSUPPORTED');
  await refuses('CodeSystem/$subsumes?codeA=AMB&codeB=AMB', 'TERMINOLOGY_PARAMETER_INVALID');
});

test('Parameters are read strictly', async () => {
  const url = { name: 'url', valueUri: GENDER };
  for (const body of [
    parametersOf(url, url),
    parametersOf({ name: 'url' }),
    parametersOf({ name: 'url', valueUri: GENDER, valueString: 'x' }),
    parametersOf({ name: 'url', valueInteger: 1 }),
    parametersOf({ name: 'url', valueUri: 'x'.repeat(3_000) }),
    parametersOf(url, { name: 'count', valueInteger: -1 }),
    parametersOf(url, { name: 'count', valueInteger: 1.5 }),
    parametersOf(url, { name: 'activeOnly', valueBoolean: 'true' }),
    parametersOf(url, { name: 'constructor', valueString: 'x' }),
    parametersOf(url, { valueString: 'x' }),
    parametersOf({ name: 'valueSet', resource: { resourceType: 'CodeSystem' } }),
    { resourceType: 'Parameters', parameter: [null] },
    { resourceType: 'Parameters', parameter: 7 },
    { resourceType: 'Patient' },
    [],
  ])
    await refuses('ValueSet/$expand', 'TERMINOLOGY_PARAMETER_INVALID', body);
});

test('property: any call is answered or refused with a code', async () => {
  const text = fc.oneof(
    fc.constantFrom(GENDER, ACT_CODE, SNOMED, 'AMB', 'male', 'true', '1', '__proto__', 'constructor', '|', 'x|y|z'),
    fc.string({ maxLength: 12 }),
  );
  const names = [
    'url',
    'code',
    'system',
    'version',
    'filter',
    'count',
    'offset',
    'coding',
    'valueSet',
    'codeA',
    'property',
    'toString',
  ];
  const value = fc.oneof(
    text.map((valueString) => ({ valueString })),
    text.map((valueUri) => ({ valueUri })),
    fc.jsonValue({ maxDepth: 2 }).map((resource) => ({ resource })),
    fc.record({ valueCoding: fc.record({ system: text, code: text }) }),
    fc.record({
      resource: fc.constant({
        resourceType: 'ValueSet',
        status: 'active',
        compose: { include: [{ system: ACT_CODE }] },
      }),
    }),
  );
  const addresses = operations.flatMap(({ name, types }) => [
    `${types?.[0]}/${name}`,
    `${types?.[0]}/v3-ActCode/${name}`,
  ]);
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...addresses.filter((address) => !address.endsWith('v3-ActCode/$lookup'))),
      fc.array(fc.tuple(fc.constantFrom(...names), value), { maxLength: 4 }),
      async (address, parameters) => {
        try {
          await call(address, parametersOf(...parameters.map(([name, some]) => ({ name, ...some }))));
        } catch (thrown) {
          assert.ok(isReject(thrown), String((thrown as Error).stack));
        }
      },
    ),
    { numRuns: 1_000 },
  );
});
