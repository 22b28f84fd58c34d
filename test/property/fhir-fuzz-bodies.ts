import fc from 'fast-check';
import { path } from './fhir-fuzz-addresses.ts';
import { OBJECT_NAMES, pick, text, weighted } from './fhir-fuzz-texts.ts';

const PATIENT = {
  resourceType: 'Patient',
  id: 'p',
  active: true,
  name: [{ family: 'A', given: ['B'] }],
  birthDate: '1970-01-01',
};
const OBSERVATION = {
  resourceType: 'Observation',
  id: 'o',
  status: 'final',
  code: { coding: [{ system: 'urn:x', code: 'y' }] },
  subject: { reference: 'Patient/p' },
  effectivePeriod: { start: '2020', end: '2021-02' },
  valueQuantity: { value: 1.5, system: 'http://unitsofmeasure.org', code: 'mg' },
};
const VALUE_SET = {
  resourceType: 'ValueSet',
  id: 'v',
  status: 'active',
  url: 'urn:v',
  compose: {
    include: [
      { system: 'urn:s', concept: [{ code: 'a' }], filter: [{ property: 'concept', op: 'regex', value: '(a+)+$' }] },
    ],
  },
};
const PARAMETERS = {
  resourceType: 'Parameters',
  parameter: [
    { name: 'resource', resource: PATIENT },
    { name: 'count', valueInteger: 3 },
    { name: 'url', valueUri: 'urn:v' },
    { name: 'code', valueCode: 'a' },
  ],
};
export const FHIRPATH_PATCH = {
  resourceType: 'Parameters',
  parameter: [
    {
      name: 'operation',
      part: [
        { name: 'type', valueCode: 'replace' },
        { name: 'path', valueString: 'Patient.birthDate' },
        { name: 'value', valueDate: '1980-01-01' },
      ],
    },
  ],
};
export const JSON_PATCH = [
  { op: 'add', path: '/name/0/given/-', value: 'C' },
  { op: 'test', path: '/active', value: true },
  { op: 'move', from: '/name', path: '/name' },
];
export const RESOURCES: readonly object[] = [PATIENT, OBSERVATION, VALUE_SET, PARAMETERS, FHIRPATH_PATCH, JSON_PATCH];

export const json: fc.Arbitrary<unknown> = weighted<unknown>(
  [4, text],
  [3, fc.jsonValue({ maxDepth: 3 })],
  [
    2,
    pick<unknown>(
      null,
      true,
      0,
      -0.5,
      1e308,
      {},
      [],
      [[]],
      { reference: 'Patient/p' },
      { reference: '#x' },
      { div: '<div xmlns="http://www.w3.org/1999/xhtml"><script>x</script></div>', status: 'generated' },
    ),
  ],
);
const ELEMENTS = [
  'id',
  'meta',
  'resourceType',
  'extension',
  'contained',
  'text',
  'name',
  'subject',
  'valueString',
  'status',
  '_status',
  'parameter',
  'op',
  'path',
  'value',
  'entry',
  'url',
  'compose',
  ...OBJECT_NAMES,
];

/** A resource with some elements taken away, replaced or added, at any depth. */
export function mutated(from: object): fc.Arbitrary<unknown> {
  const change = fc.record({
    depth: fc.nat({ max: 5 }),
    key: fc.nat(),
    name: pick(...ELEMENTS),
    value: json,
    what: pick('drop', 'set', 'add', 'wrap'),
  });
  return fc.array(change, { maxLength: 4 }).map((changes) => {
    const copy = structuredClone(from) as Record<string, unknown>;
    for (const { depth, key, name, value: given, what } of changes) {
      const value = structuredClone(given);
      let place: Record<string, unknown> = copy;
      for (let step = 0; step < depth; step++) {
        const next = Object.values(place).filter((one) => typeof one === 'object' && one !== null);
        if (next.length > 0) place = next[key % next.length] as Record<string, unknown>;
      }
      const keys = Object.keys(place);
      const chosen = keys[key % Math.max(keys.length, 1)] ?? name;
      if (what === 'drop') delete place[chosen];
      else if (what === 'set') place[chosen] = value;
      else if (what === 'wrap') place[chosen] = [place[chosen]];
      else Object.defineProperty(place, name, { value, enumerable: true, configurable: true, writable: true });
    }
    return copy;
  });
}

export const resource = pick(...RESOURCES).chain(mutated);

export function bundleArbitrary(query: fc.Arbitrary<string>): fc.Arbitrary<unknown> {
  const url = weighted([3, path], [2, fc.tuple(path, query).map((parts) => parts.join('?'))], [1, text]);
  const request = fc.record(
    {
      method: pick('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'BREW'),
      url,
      ifNoneExist: pick('identifier=x', '_id=p', ''),
      ifMatch: pick('W/"1"', 'x'),
    },
    { requiredKeys: ['method', 'url'] },
  );
  const entry = fc.record(
    { fullUrl: pick('urn:uuid:1', 'urn:uuid:2', 'http://x/Patient/p', ''), resource, request },
    { requiredKeys: ['request'] },
  );
  return fc.record({
    resourceType: fc.constant('Bundle'),
    type: pick('transaction', 'batch', 'document', 'history', ''),
    entry: fc.array(entry, { maxLength: 5 }),
  });
}

/** How a text comes onto the wire: whole, cut short, with bytes changed, with a member twice, deep inside others. */
export const WIRE: readonly ((text: string, n: number) => string | Buffer)[] = [
  ...Array.from({ length: 24 }, () => (given: string) => given),
  (given, n) => given.slice(0, n % (given.length + 1)),
  (given, n) => {
    const bytes = Buffer.from(given);
    if (bytes.length > 0) bytes[n % bytes.length] = n & 0xff;
    return bytes;
  },
  (given) => given.replace(/"(\w+)":/, '"$1":1,"$1":'),
  (given, n) => `${'['.repeat(n % 300)}${given}${']'.repeat(n % 300)}`,
  (given, n) => given.replace(/:(?:1\.5|true)/, `:${'9'.repeat(n % 500)}`),
  (given, n) => given.replace(/"[^"]{1,9}"(?!:)/, `"\\u${['d800', '0000', 'dfff', 'zzzz'][n % 4]}"`),
  (given, n) => given + ' '.repeat(n % 100_000),
  (given) => `\ufeff${given}`,
];
