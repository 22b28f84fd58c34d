import { deflateSync, gzipSync } from 'node:zlib';

/** A request that somebody who wants to do harm would send, and how it is refused; undefined code for an answer. */
export interface NamedCase {
  readonly name: string;
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  readonly expect: readonly [status: number, code?: string];
}

const OBSERVATION = '"resourceType":"Observation","status":"final","code":{"text":"x"}';
const post = (name: string, body: string | Buffer, expect: NamedCase['expect'], headers = {}): NamedCase => ({
  name,
  method: 'POST',
  path: 'Observation',
  body,
  headers,
  expect,
});
const get = (name: string, path: string, ...expect: NamedCase['expect']): NamedCase => ({ name, path, expect });
const bundle = (name: string, entries: string, expect: NamedCase['expect'], type = 'transaction'): NamedCase => ({
  name,
  method: 'POST',
  path: '',
  body: `{"resourceType":"Bundle","type":"${type}","entry":[${entries}]}`,
  expect,
});

const nested = (open: string, close: string, depth: number) => open.repeat(depth) + close.repeat(depth);
const bomb = Buffer.alloc(40 * 1024 * 1024, 0x20);

const BODIES: readonly NamedCase[] = [
  post('an object 100 deep', `{${OBSERVATION},"extension":${nested('[', ']', 100)}}`, [400, 'JSON_INVALID']),
  post('an object 200 000 deep', `{${OBSERVATION},"a":${nested('{"a":', '}', 200_000).replace(':}', ':1}')}}`, [
    400,
    'JSON_INVALID',
  ]),
  post(
    'extensions within extensions',
    `{${OBSERVATION},"extension":[${'{"url":"u","extension":['.repeat(28)}${']}'.repeat(28)}]}`,
    [422, 'RESOURCE_INVALID'],
  ),
  post('a decimal of 400 digits', `{${OBSERVATION},"valueQuantity":{"value":${'1'.repeat(400)}}}`, [
    400,
    'JSON_INVALID',
  ]),
  post('a decimal of 400 places', `{${OBSERVATION},"valueQuantity":{"value":0.${'1'.repeat(400)}}}`, [
    400,
    'JSON_INVALID',
  ]),
  post('a decimal beyond doubles', `{${OBSERVATION},"valueQuantity":{"value":1e400}}`, [400, 'JSON_INVALID']),
  post('a lone surrogate', `{${OBSERVATION},"language":"\\udc00"}`, [400, 'JSON_INVALID']),
  post(
    'a lone surrogate as bytes',
    Buffer.concat([Buffer.from(`{${OBSERVATION},"language":"`), Buffer.of(0xed, 0xa0, 0x80), Buffer.from('"}')]),
    [400, 'JSON_INVALID'],
  ),
  post('a name twice', `{${OBSERVATION},"status":"amended"}`, [400, 'JSON_INVALID']),
  post('a name twice, deep down', `{${OBSERVATION},"method":{"text":"a","text":"b"}}`, [400, 'JSON_INVALID']),
  post('a name twice, once escaped', `{${OBSERVATION},"st\\u0061tus":"amended"}`, [400, 'JSON_INVALID']),
  post('__proto__ as an element', `{${OBSERVATION},"__proto__":{"status":"x"}}`, [400, 'JSON_INVALID']),
  post('__proto__ deep down', `{${OBSERVATION},"method":{"__proto__":{"text":"x"}}}`, [400, 'JSON_INVALID']),
  post('constructor as an element', `{${OBSERVATION},"constructor":{"prototype":{"status":"x"}}}`, [
    422,
    'RESOURCE_INVALID',
  ]),
  post('__proto__ as a type', '{"resourceType":"__proto__"}', [400, 'TYPE_MISMATCH']),
  post('constructor as a type, contained', `{${OBSERVATION},"contained":[{"resourceType":"constructor","id":"a"}]}`, [
    422,
    'RESOURCE_INVALID',
  ]),
  post('a gzip bomb', gzipSync(bomb), [413, 'BODY_TOO_LARGE'], { 'content-encoding': 'gzip' }),
  post('a bomb in a bomb', gzipSync(gzipSync(bomb)), [400, 'JSON_INVALID'], { 'content-encoding': 'gzip' }),
  post('a deflate bomb', deflateSync(bomb), [413, 'BODY_TOO_LARGE'], { 'content-encoding': 'deflate' }),
  post('two encodings', gzipSync(gzipSync('{}')), [415, 'CONTENT_ENCODING_UNSUPPORTED'], {
    'content-encoding': 'gzip, gzip',
  }),
  post('an encoding named constructor', '{}', [415, 'CONTENT_ENCODING_UNSUPPORTED'], {
    'content-encoding': 'constructor',
  }),
  post('gzip that is none', '{}', [400, 'CONTENT_ENCODING_INVALID'], { 'content-encoding': 'gzip' }),
  post('gzip cut short', gzipSync(`{${OBSERVATION}}`).subarray(0, -9), [400, 'CONTENT_ENCODING_INVALID'], {
    'content-encoding': 'gzip',
  }),
  post('3 MB', `{${OBSERVATION},"language":"${'x'.repeat(3_000_000)}"}`, [413, 'BODY_TOO_LARGE']),
  post(
    '5000 codings',
    `{"resourceType":"Observation","status":"final","code":{"coding":[${Array.from({ length: 5000 }, (_, at) => `{"code":"c${at}"}`)}]}}`,
    [0],
  ),
  post(
    'a text in active content',
    `{${OBSERVATION},"text":{"status":"generated","div":"<div xmlns='http://www.w3.org/1999/xhtml'><img src=x onerror=alert(1)></img></div>"}}`,
    [422, 'RESOURCE_INVALID'],
  ),
];

const entry = (method: string, url: string, resource = '') =>
  `{"request":{"method":"${method}","url":"${url}"}${resource === '' ? '' : `,"resource":${resource}`}}`;

const BUNDLES: readonly NamedCase[] = [
  bundle(
    'Bundles in Bundles',
    entry(
      'POST',
      'Bundle',
      `{"resourceType":"Bundle","type":"collection","entry":[${'{"resource":{"resourceType":"Bundle","type":"collection","entry":['.repeat(30)}${']}}'.repeat(30)}]}`,
    ),
    [400, 'JSON_INVALID'],
  ),
  bundle('a transaction in a transaction', entry('POST', '', '{"resourceType":"Bundle","type":"transaction"}'), [
    400,
    'BUNDLE_INVALID',
  ]),
  bundle('a batch in a batch', entry('POST', '/', '{"resourceType":"Bundle","type":"batch"}'), [200], 'batch'),
  bundle('10 000 entries', Array.from({ length: 10_000 }, () => entry('GET', 'Patient/p')).join(','), [
    413,
    'BUNDLE_TOO_LONG',
  ]),
  bundle(
    'a write twice',
    `${entry('PUT', 'Patient/z', '{"resourceType":"Patient","id":"z"}')},${entry('DELETE', 'Patient/z')}`,
    [400, 'BUNDLE_OVERLAP'],
  ),
  bundle('a method of objects', entry('constructor', 'Patient/p'), [400, 'BUNDLE_INVALID']),
  bundle('an address of objects', entry('POST', '__proto__', '{"resourceType":"__proto__"}'), [404, 'TYPE_UNKNOWN']),
  bundle(
    'a condition that is none',
    '{"request":{"method":"POST","url":"Patient","ifNoneExist":""},"resource":{"resourceType":"Patient"}}',
    [400, 'CONDITION_INVALID'],
  ),
];

const QUERIES: readonly NamedCase[] = [
  get('a query of 70 kB', `Patient?family=${'x'.repeat(70_000)}`, 414, 'URL_TOO_LONG'),
  {
    ...get('a posted query of 70 kB', 'Patient/_search', 400, 'SEARCH_TOO_LONG'),
    method: 'POST',
    body: `family=${'x'.repeat(70_000)}`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  },
  {
    ...get('20 000 posted parameters', 'Patient/_search', 400, 'SEARCH_TOO_LONG'),
    method: 'POST',
    body: 'family=x&'.repeat(20_000),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  },
  get('a huge _count', 'Patient?_count=999999999', 200),
  get('a _count beyond integers', `Patient?_count=${'9'.repeat(400)}`, 400, 'PARAMETER_INVALID'),
  get('a negative _count', 'Patient?_count=-1', 400, 'PARAMETER_INVALID'),
  get('a chain of 3', `Encounter?${'part-of.'.repeat(3)}status=x`, 200),
  get('a chain of 4', `Encounter?${'part-of.'.repeat(4)}status=x`, 400, 'SEARCH_TOO_LONG'),
  get('a chain of 300', `Encounter?${'part-of.'.repeat(300)}status=x`, 400, 'SEARCH_TOO_LONG'),
  get('_has of 3', `Encounter?${'_has:Encounter:part-of:'.repeat(3)}status=x`, 200),
  get('_has of 4', `Encounter?${'_has:Encounter:part-of:'.repeat(4)}status=x`, 400, 'SEARCH_TOO_LONG'),
  get('_has of 100', `Encounter?${'_has:Encounter:part-of:'.repeat(100)}status=x`, 400, 'SEARCH_TOO_LONG'),
  get(
    'an _include loop',
    'Observation?_include=Observation:encounter&_include:iterate=Encounter:part-of&_revinclude:iterate=Observation:encounter&_include:iterate=Observation:encounter',
    200,
  ),
  get(
    'every include there is',
    'Observation?_include=*&_include:iterate=*&_revinclude:iterate=Observation:encounter&_revinclude:iterate=Encounter:patient',
    200,
  ),
  get('40 includes', `Observation?${'_include=Observation:subject&'.repeat(40)}`, 400, 'SEARCH_TOO_LONG'),
  get('3000 values', `Patient?identifier=${'a,'.repeat(3000)}a`, 400, 'SEARCH_TOO_LONG'),
  get('3000 values of a reference', `Observation?subject=${'a,'.repeat(3000)}a`, 400, 'SEARCH_TOO_LONG'),
  get('__proto__ as a parameter', 'Patient?__proto__=x', 400, 'PARAMETER_UNKNOWN'),
  get('constructor as a parameter', 'Patient?constructor=x', 400, 'PARAMETER_UNKNOWN'),
  get('constructor as a modifier', 'Patient?family:constructor=x', 400, 'SEARCH_UNSUPPORTED'),
  get('constructor in a chain', 'Observation?subject:Patient.constructor=x', 400, 'PARAMETER_UNKNOWN'),
  get('__proto__ as a type of a chain', 'Observation?subject:__proto__.family=x', 400, 'PARAMETER_INVALID'),
  get('constructor in _has', 'Patient?_has:constructor:subject:code=x', 400, 'PARAMETER_UNKNOWN'),
  get('__proto__ included', 'Patient?_include=Patient:__proto__', 400, 'PARAMETER_UNKNOWN'),
  get('constructor to sort by', 'Patient?_sort=constructor', 400, 'PARAMETER_UNKNOWN'),
  get('constructor as an element', 'Patient?_elements=constructor', 400, 'PARAMETER_INVALID'),
  get('constructor as a summary', 'Patient?_summary=constructor', 400, 'PARAMETER_INVALID'),
  get('constructor as a type', 'constructor', 404, 'ROUTE_UNKNOWN'),
  get('__proto__ as a type of a compartment', 'Patient/p/__proto__', 404, 'TYPE_UNKNOWN'),
  get('an operation of objects', 'Patient/p/$constructor', 404, 'OPERATION_UNKNOWN'),
  get('a cursor that was made up', 'Patient?_cursor=AAAA', 400, 'CURSOR_INVALID'),
  get('a cursor of objects', 'Patient?_cursor=__proto__', 400, 'CURSOR_INVALID'),
  get('a cursor of 8 kB', `Patient?_cursor=${'A'.repeat(7000)}`, 400, 'CURSOR_INVALID'),
  get('a cursor of history, made up', 'Patient/_history?_cursor=AAAA', 400, 'CURSOR_INVALID'),
  get('a cursor of $everything, made up', 'Patient/p/$everything?_cursor=AAAA', 400, 'PAGE_INVALID'),
  get(
    'a cursor of $everything that names objects',
    `Patient/p/$everything?_cursor=${Buffer.from('__proto__ x').toString('base64url')}`,
    400,
    'PAGE_INVALID',
  ),
];

/** One parameter of each type, and texts on which a careless pattern takes for ever. */
const SLOW: readonly NamedCase[] = [
  ['token', 'Observation?code='],
  ['string', 'Patient?family='],
  ['string that contains', 'Patient?family:contains='],
  ['date', 'Observation?date='],
  ['number', 'RiskAssessment?probability='],
  ['quantity', 'Observation?value-quantity='],
  ['reference', 'Observation?subject='],
  ['uri', 'ValueSet?url:below='],
  ['composite', 'Observation?code-value-quantity='],
  ['_id', 'Patient?_id='],
  ['special', 'Location?near='],
  ['_lastUpdated', 'Patient?_lastUpdated='],
  ['_sort', 'Patient?_sort='],
  ['_elements', 'Patient?_elements='],
  ['_include', 'Patient?_include='],
].flatMap(([kind, query]) =>
  [
    `${'a'.repeat(5000)}!`,
    '\\'.repeat(5001),
    `${'0'.repeat(5000)}x`,
    `2020-01-01T00:00:00.${'0'.repeat(5000)}`,
    '|'.repeat(5000),
    '$'.repeat(5000),
    `1${'e1'.repeat(2500)}`,
    '%20'.repeat(2000),
  ].map((text): NamedCase => ({ name: `${kind} of ${text.slice(0, 4)}…`, path: `${query}${text}`, expect: [0] })),
);

/** Bodies of operations that are JSON, and nothing that an operation takes. */
const OPERATIONS: readonly NamedCase[] = [
  'ValueSet/$expand',
  'ValueSet/$validate-code',
  'CodeSystem/$lookup',
  'CodeSystem/$subsumes',
  'Patient/$match',
  'Patient/$validate',
  'Observation/$lastn',
].flatMap((path) =>
  ['null', '[]', '1', '""', '{}', '[null]', '{"resourceType":"Parameters","parameter":[null]}'].map(
    (body): NamedCase => ({ name: `${body} to ${path}`, method: 'POST', path, body, expect: [400] }),
  ),
);

export const NAMED_CASES: readonly NamedCase[] = [...BODIES, ...OPERATIONS, ...BUNDLES, ...QUERIES, ...SLOW];
