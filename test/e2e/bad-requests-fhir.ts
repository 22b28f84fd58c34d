import { FHIR, OBSERVATION, type Row } from './bad-requests-access.ts';

const nested = (depth: number): string =>
  `{"resourceType":"Patient","extension":${'['.repeat(depth)}${']'.repeat(depth)}}`;

/** Bodies that are no strict JSON, no FHIR R4, or too large. */
export const FHIR_BODIES: readonly Row[] = (
  [
    ['no body', undefined, [400, 'BODY_EMPTY']],
    ['cut JSON', OBSERVATION, [400, 'JSON_INVALID']],
    ['no JSON', 'select 1', [400, 'JSON_INVALID']],
    ['JSON of another encoding', Buffer.from([0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00]), [400, 'JSON_INVALID']],
    [
      'invalid UTF-8',
      Buffer.concat([Buffer.from('{"resourceType":"'), Buffer.of(0xc3, 0x28), Buffer.from('"}')]),
      [400, 'JSON_INVALID'],
    ],
    ['a name twice', `${OBSERVATION},"status":"final"}`, [400, 'JSON_INVALID']],
    ['a raw NUL byte', `${OBSERVATION},"language":"a\0b"}`, [400, 'JSON_INVALID']],
    ['an escaped NUL', `${OBSERVATION},"language":"a\\u0000b"}`, [400, 'JSON_INVALID']],
    ['half a surrogate pair', `${OBSERVATION},"language":"\\ud800"}`, [400, 'JSON_INVALID']],
    ['nesting of 100', nested(100), [400, 'JSON_INVALID']],
    ['nesting of 100 000', nested(100_000), [400, 'JSON_INVALID']],
    ['a number of 10 000 digits', `${OBSERVATION},"valueInteger":${'9'.repeat(10_000)}}`, [400, 'JSON_INVALID']],
    ['__proto__', `${OBSERVATION},"__proto__":{"status":"x"}}`, [400, 'JSON_INVALID']],
    ['constructor', `${OBSERVATION},"constructor":{"prototype":{"a":1}}}`, [422, 'RESOURCE_INVALID']],
    ['an unknown element', `${OBSERVATION},"mood":"good"}`, [422, 'RESOURCE_INVALID']],
    ['a wrong type', `${OBSERVATION.replace('"final"', '7')}}`, [422, 'RESOURCE_INVALID']],
    ['another resource type', '{"resourceType":"Patient","id":"o-1"}', [400, 'TYPE_MISMATCH']],
    ['another id', `${OBSERVATION.replace('o-1', 'o-2')}}`, [400, 'ID_MISMATCH']],
    ['an array', '[]', [400, 'TYPE_MISMATCH']],
    ['an unknown patient', `${OBSERVATION.replace('p-1', 'p-9')}}`, [422, 'REFERENCE_UNRESOLVED']],
    [
      '2 MB and a byte',
      `{"resourceType":"Observation","id":"${'x'.repeat(2 * 1024 * 1024)}"}`,
      [413, 'BODY_TOO_LARGE'],
    ],
  ] as const
).map(([name, body, expect]) => ({
  name: `FHIR: ${name}`,
  send: 'PUT /fhir/Observation/o-1',
  as: 'physician',
  headers: FHIR,
  ...(body === undefined ? {} : { body }),
  expect,
}));

/** Addresses that are none, or tricks. */
export const FHIR_PATHS: readonly Row[] = (
  [
    ['GET /fhir/Patient/../../../etc/passwd', [404, 'TYPE_UNKNOWN']],
    ['GET /fhir/Patient/..%2f..%2f..%2fetc%2fpasswd', [404, 'NOT_FOUND']],
    ['GET /fhir/Patient/%2e%2e', [404, 'NOT_FOUND']],
    ['GET /fhir/Patient/p%00-1', [404, 'NOT_FOUND']],
    ['GET /fhir/Patient/p-1%', [400, 'REQUEST_MALFORMED']],
    ['GET /fhir/Patient/%ff%fe', [400, 'REQUEST_MALFORMED']],
    [`GET /fhir/Patient/${'x'.repeat(65)}`, [404, 'NOT_FOUND']],
    ['GET /fhir/__proto__/p-1', [404, 'ROUTE_UNKNOWN']],
    ['GET /fhir/constructor/p-1', [404, 'ROUTE_UNKNOWN']],
    ['GET /fhir/Patient/__proto__', [404, 'TYPE_UNKNOWN']],
    ['GET /fhir/Patient/p-1/_history/__proto__', [404, 'NOT_FOUND']],
    ['GET /fhir/Patient/p-1/_history/-1', [404, 'NOT_FOUND']],
    ['GET /fhir/Patient?__proto__=x', [400, 'PARAMETER_UNKNOWN']],
    ['GET /fhir/Patient?constructor=x', [400, 'PARAMETER_UNKNOWN']],
    ['GET /fhir/Patient?_count=-1', [400, 'PARAMETER_INVALID']],
    ['GET /fhir/Patient?_count=1e9', [400, 'PARAMETER_INVALID']],
    [`GET /fhir/Patient?identifier=${'a,'.repeat(3000)}a`, [400, 'SEARCH_TOO_LONG']],
    [`GET /fhir/Patient?name=${'x'.repeat(9000)}`, [414, 'URL_TOO_LONG']],
    ['PATCH /fhir/Patient/p-1', [400, 'BODY_EMPTY']],
    ['DELETE /fhir', [405, 'INTERACTION_UNSUPPORTED']],
  ] as const
).map(([send, expect]) => ({ name: `FHIR: ${send.slice(0, 70)}`, send, as: 'physician', expect }));
