import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { isReject } from '../../std/reject.ts';
import { loadDefinitions } from '../definitions/load-definitions.ts';
import { type ParseOptions, parseSearch } from './parse-search.ts';
import type { SearchClause, SearchRequest } from './search-clause.ts';
import { createSearchRegistry, type SearchRegistry } from './search-registry.ts';

let registry: SearchRegistry;
before(async () => {
  registry = createSearchRegistry(await loadDefinitions());
});

function parse(address: string, options: Partial<ParseOptions> = {}): SearchRequest {
  const [type = '', query = ''] = address.split('?');
  return parseSearch(registry, type, new URLSearchParams(query), {
    baseUrl: 'https://example.org/fhir',
    nowMs: 0,
    lenient: false,
    ...options,
  });
}

/** Code and data of the refusal, or '' for none. */
function refusal(address: string, options: Partial<ParseOptions> = {}): string {
  try {
    parse(address, options);
    return '';
  } catch (thrown) {
    if (!isReject(thrown)) throw thrown;
    return `${thrown.code} ${Object.values(thrown.data).join(': ')}`;
  }
}

function clausesOf(address: string): readonly SearchClause[] {
  return parse(address).clauses;
}

test('a chain goes to every type that it may lead to and that has the parameter', () => {
  const [chain] = clausesOf('Observation?subject.name=eve');
  assert.equal(chain?.kind, 'chain');
  assert.deepEqual(chain.kind === 'chain' && [chain.parameter, chain.targets.map(({ type }) => type)], [
    'subject',
    ['Location', 'Patient'],
  ]);
  const [narrow] = clausesOf('Observation?subject:Patient.name:exact=Eve');
  assert.deepEqual(narrow, {
    kind: 'chain',
    parameter: 'subject',
    targets: [
      {
        type: 'Patient',
        clauses: [{ kind: 'value', criterion: { kind: 'text', parameter: 'name', match: 'exact', values: ['Eve'] } }],
      },
    ],
  });
  assert.match(refusal('Observation?subject.nothing=1'), /^PARAMETER_UNKNOWN/);
  assert.match(refusal('Observation?code.name=1'), /^PARAMETER_INVALID/);
  assert.match(refusal('Observation?subject:Practitioner.name=1'), /^PARAMETER_INVALID/);
});

test('patient is looked up where subject is filed, by type', () => {
  const link = (address: string) => clausesOf(address).map((clause) => clause.kind === 'value' && clause.criterion);
  const expected = [{ kind: 'link', parameter: 'subject', targets: [{ type: 'Patient', id: '1' }] }];
  for (const value of ['1', 'Patient/1', 'https://example.org/fhir/Patient/1'])
    assert.deepEqual(link(`Observation?patient=${value}`), expected);
  const [chain] = clausesOf('Observation?patient.name=eve');
  assert.deepEqual(chain?.kind === 'chain' && [chain.parameter, chain.targets.length], ['subject', 1]);
  const { includes } = parse('Observation?_include=Observation:patient&_revinclude=Provenance:target');
  assert.deepEqual(includes, [
    { source: 'Observation', parameter: 'subject', target: 'Patient', reverse: false, iterate: false },
    { source: 'Provenance', parameter: 'target', target: 'Observation', reverse: true, iterate: false },
  ]);
});

test('_has nests, meets chains, and goes three deep but not four', () => {
  const [has] = clausesOf('Patient?_has:Observation:patient:_has:AuditEvent:entity:agent=x');
  assert.equal(has?.kind === 'reverse' && has.parameter, 'subject');
  const [inner] = has?.kind === 'reverse' ? has.clauses : [];
  assert.deepEqual(inner?.kind === 'reverse' && [inner.type, inner.parameter], ['AuditEvent', 'entity']);
  const [chain] = clausesOf('Encounter?patient._has:Group:member:_id=102');
  assert.equal(chain?.kind === 'chain' && chain.targets[0]?.clauses[0]?.kind, 'reverse');
  assert.equal(refusal('Observation?patient.organization.partof.name=x'), '');
  assert.match(refusal('Observation?patient.organization.partof.partof.name=x'), /^SEARCH_TOO_LONG .*: 3$/);
  assert.match(refusal(`Patient?${'_has:Observation:patient:'.repeat(200)}code=x`), /^SEARCH_TOO_LONG/);
  assert.match(refusal(`Observation?${'patient.'.repeat(50)}name=x`), /^(?:SEARCH_TOO_LONG|PARAMETER_UNKNOWN)/);
  assert.match(refusal('Patient?_has:Observation:patient=x'), /^PARAMETER_INVALID/);
  assert.match(refusal('Patient?_has:Observation:code:code=x'), /^PARAMETER_INVALID/);
  assert.match(refusal('Practitioner?_has:Observation:patient:code=x'), /^PARAMETER_INVALID/);
});

test('what the index does not decide is decided by the resource, and only that', () => {
  const decides = (address: string) => clausesOf(address).map((clause) => clause.kind === 'value' && !clause.matches);
  for (const address of [
    'Observation?code=http://loinc.org|1-8',
    'Observation?code:not=1-8',
    'Patient?gender=http://hl7.org/fhir/administrative-gender|male',
    'Observation?value-quantity=5.4|http://unitsofmeasure.org|mg',
    'Observation?date=ge2013-01&_id=a,b',
    'Patient?name:contains=ev',
    'Patient?birthdate:missing=true',
    'ValueSet?url:above=http://a.org/x/y',
  ])
    assert.ok(decides(address).every(Boolean), address);
  for (const address of [
    'Observation?value-quantity=5.4||mg',
    'Observation?code:text=blood',
    'Patient?identifier:of-type=s|c|v',
    'ValueSet?url:below=http://a.org/',
    'Observation?patient:missing=true',
    'Location?near=42.2|-83.6|11|km',
  ])
    assert.ok(!decides(address).every(Boolean), address);
});

test('results are sorted, counted, totalled and cut as asked', () => {
  const request = parse(
    'Patient?_sort=-birthdate,name,_id,_lastUpdated&_count=3&_total=accurate&_elements=name,deceased&_cursor=abc&_format=json',
  );
  assert.deepEqual(request.sort, [
    { by: 'ordinal', parameter: 'birthdate', descending: true },
    { by: 'text', parameter: 'name', descending: false },
    { by: 'id', parameter: '_id', descending: false },
    { by: 'ordinal', parameter: '_lastUpdated', descending: false },
  ]);
  const { count, total, elements, cursor } = request;
  assert.deepEqual(
    { count, total, elements, cursor },
    { count: 3, total: 'accurate', elements: ['name', 'deceased'], cursor: 'abc' },
  );
  assert.deepEqual(
    request.understood.map(([name]) => name),
    ['_sort', '_count', '_total', '_elements', '_format'],
  );
  assert.deepEqual([parse('Patient?_count=0').count, parse('Patient?_count=0').total], [0, 'accurate']);
  assert.equal(parse('Patient?_count=999999999').count, 500);
  assert.equal(parse('Patient?_count=90', { limits: { pageMax: 70 } }).count, 70);
  assert.match(refusal('Patient?_sort=gender'), /^SEARCH_UNSUPPORTED/);
  assert.match(refusal('Patient?_sort=nothing'), /^PARAMETER_UNKNOWN/);
  for (const wrong of [
    '_count=-1',
    '_count=1&_count=2',
    '_total=all',
    '_summary=x',
    '_elements=constructor',
    '_elements=nothing',
  ])
    assert.match(refusal(`Patient?${wrong}`), /^PARAMETER_INVALID/, wrong);
});

test('includes are checked, wildcards of _revinclude are spelled out', () => {
  assert.deepEqual(parse('Patient?_include=*').includes, [
    { source: 'Patient', parameter: '*', reverse: false, iterate: false },
  ]);
  assert.deepEqual(
    parse('Patient?_revinclude=Encounter:*').includes.map(({ parameter, target }) => [parameter, target]),
    [['subject', 'Patient']],
  );
  assert.equal(
    parse('Patient?_include=Patient:link&_include:iterate=RelatedPerson:patient').includes[1]?.iterate,
    true,
  );
  for (const wrong of [
    '_include=Observation:subject',
    '_include=Patient:name',
    '_include=Patient',
    '_include=Patient:link:Nothing',
    '_revinclude=Encounter:location',
    '_include=Patient:link:Group',
  ])
    assert.match(refusal(`Patient?${wrong}`), /^PARAMETER_INVALID/, wrong);
  assert.match(refusal('QuestionnaireResponse?_include=QuestionnaireResponse:questionnaire'), /^SEARCH_UNSUPPORTED/);
  assert.match(refusal(`Patient?${'_include=Patient:link&'.repeat(17)}`), /^SEARCH_TOO_LONG/);
});

test('nothing is ignored in silence', () => {
  for (const name of ['_text', '_content', '_list', '_filter', '_query', '_containedType'])
    assert.match(refusal(`Patient?${name}=x`), /^SEARCH_UNSUPPORTED/, name);
  for (const modifier of [
    'code:in=x',
    'code:not-in=x',
    'code:above=x',
    'code:exact=x',
    'date:exact=2013',
    '_id:exact=1',
    'subject:below=Patient/1',
    'code:=x',
  ])
    assert.match(refusal(`Observation?${modifier}`, { lenient: true }), /^SEARCH_UNSUPPORTED/, modifier);
  assert.match(refusal('Patient?favourite=x'), /^PARAMETER_UNKNOWN favourite$/);
  assert.deepEqual(parse('Patient?favourite=x&_text=x&name=eve', { lenient: true }).ignored, ['favourite', '_text']);
  assert.deepEqual(parse('Patient?favourite=x&name=eve', { lenient: true }).understood, [['name', 'eve']]);
  assert.match(refusal('Patient?birthdate=soon', { lenient: true }), /^PARAMETER_INVALID birthdate: a date/);
});

test('values that cannot be meant are refused with what would be right', () => {
  for (const wrong of [
    'birthdate=2013-02-30',
    'birthdate=2013-1-1',
    'birthdate=',
    'name=',
    'name=a,,b',
    'name=-',
    'identifier=|',
    'identifier=a|b|c',
    'organization=Patient/1',
    'organization=a b',
    'active:missing=maybe',
    'general-practitioner:Patient=1',
    '_id=a/b',
  ])
    assert.match(refusal(`Patient?${wrong}`), /^PARAMETER_INVALID \S+: \S/, wrong);
  for (const wrong of [
    'value-quantity=x',
    'value-quantity=1|s|',
    'value-quantity=1|s|c|d',
    'code-value-quantity=1-8',
    'value-quantity=1e99999',
  ])
    assert.match(refusal(`Observation?${wrong}`), /^PARAMETER_INVALID/, wrong);
});

test('a backslash quotes commas, bars, dollar signs and itself', () => {
  const values = (address: string) =>
    clausesOf(address).flatMap(({ ...clause }) =>
      clause.kind === 'value' && clause.criterion?.kind === 'text' ? clause.criterion.values : [],
    );
  assert.deepEqual(values(String.raw`Patient?name:exact=a\,b,c\|d\$e\\f`), ['a,b', 'c|d$e\\f']);
  const [token] = clausesOf(String.raw`Patient?identifier=a\|b|c\,d`);
  assert.deepEqual(token?.kind === 'value' && token.criterion, {
    kind: 'token',
    tokens: [{ parameter: 'identifier', value: String.raw`a\|b|c,d` }],
  });
});

test('attacks meet limits: many, long, and names that objects have', () => {
  assert.match(refusal(`Patient?${'name=a&'.repeat(65)}`), /^SEARCH_TOO_LONG parameters: 64$/);
  assert.match(refusal(`Patient?name=${'a,'.repeat(600)}a`), /^SEARCH_TOO_LONG alternatives/);
  assert.match(refusal(`Patient?name=${'a'.repeat(9000)}`), /^SEARCH_TOO_LONG/);
  assert.match(refusal(`Patient?${'n'.repeat(600)}=a`), /^SEARCH_TOO_LONG/);
  assert.match(refusal('Provenance?target.identifier=x'), /^SEARCH_TOO_LONG types that target/);
  for (const name of [
    'constructor',
    '__proto__',
    'toString',
    '_has:constructor:x:y',
    '_has:__proto__:__proto__:x',
    'constructor.name',
    'subject.__proto__',
    'subject:constructor.name',
  ])
    assert.match(refusal(`Observation?${name}=x`), /^PARAMETER_(?:UNKNOWN|INVALID)/, name);
  assert.match(refusal('Observation?subject:constructor=x'), /^SEARCH_UNSUPPORTED|^PARAMETER_INVALID/);
  const started = performance.now();
  for (const value of [
    '\\'.repeat(8000),
    '|'.repeat(8000),
    '1'.repeat(8000),
    `2013-${'0'.repeat(8000)}`,
    ' '.repeat(8000),
    '$'.repeat(8000),
    'é'.repeat(8000),
    '/'.repeat(8000),
  ]) {
    for (const name of [
      'code',
      'date',
      'value-quantity',
      'value-string',
      'subject',
      '_profile:above',
      'code-value-quantity',
    ])
      refusal(`Observation?${new URLSearchParams([[name, value]])}`);
  }
  assert.ok(performance.now() - started < 2000);
});
