import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import type { ClaimSlip } from '../../src/capabilities/membership/api.ts';
import { claimAccount } from '../../src/wallet/claim.ts';
import { nodeKeys } from '../../src/wallet/node/node-keys.ts';
import { newWalletAccount } from '../../src/wallet/wallet.ts';
import { type Answer, type BadInputNode, codeOf, startBadInputNode } from './bad-input-node.ts';

/*
 * Whatever is sent to a node over HTTP, it answers with a status and a code of its own, goes on, keeps what it had and
 * takes nothing of what it refused. One real node on a real socket; after all of it, it starts again on its folder.
 */

type Who = 'administrator' | 'physician' | 'patient' | 'other';

interface Row {
  readonly name: string;
  readonly send: string;
  readonly as?: Who;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  readonly expect: readonly [status: number, code: string];
  /** Journal entries that the refusal itself leaves: none, unless a record was asked for and denied. */
  readonly journalled?: number;
}

const FHIR = { 'content-type': 'application/fhir+json' };
const JSON_TYPE = { 'content-type': 'application/json' };
const OBSERVATION =
  '{"resourceType":"Observation","id":"o-1","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p-1"}';
const deep = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;
const nested = (depth: number): string => `{"resourceType":"Patient","extension":${deep(depth)}}`;
const HEX32 = 'ab'.repeat(16);

const TOKENS: readonly Row[] = [
  { name: 'no token', send: 'GET /fhir/Patient/p-1', expect: [401, 'TOKEN_MISSING'] },
  { name: 'no token at the API', send: 'GET /api/journal', expect: [401, 'TOKEN_MISSING'] },
  {
    name: 'Basic instead of Bearer',
    send: 'GET /api/journal',
    headers: { authorization: 'Basic YTpi' },
    expect: [401, 'TOKEN_UNKNOWN'],
  },
  {
    name: 'a forged token',
    send: 'GET /api/journal',
    headers: { authorization: `Bearer aceso_${'A'.repeat(43)}` },
    expect: [401, 'TOKEN_UNKNOWN'],
  },
  {
    name: 'two words of token',
    send: 'GET /api/journal',
    headers: { authorization: 'Bearer a b' },
    expect: [401, 'TOKEN_UNKNOWN'],
  },
  {
    name: 'a token of 8 KB',
    send: 'GET /api/journal',
    headers: { authorization: `Bearer ${'A'.repeat(8000)}` },
    expect: [401, 'TOKEN_UNKNOWN'],
  },
  {
    name: 'a purpose that the account may not have',
    send: 'GET /fhir/Patient/p-1',
    as: 'physician',
    headers: { 'aceso-purpose': 'HRESCH' },
    expect: [403, 'PURPOSE_NOT_ALLOWED'],
  },
  {
    name: 'a purpose that is none',
    send: 'GET /fhir/Patient/p-1',
    as: 'physician',
    headers: { 'aceso-purpose': '__proto__' },
    expect: [403, 'PURPOSE_NOT_ALLOWED'],
  },
  {
    name: 'two purposes',
    send: 'GET /fhir/Patient/p-1',
    as: 'physician',
    headers: { 'aceso-purpose': 'TREAT, BTG' },
    expect: [403, 'PURPOSE_NOT_ALLOWED'],
  },
];

const FOREIGN: readonly Row[] = [
  { name: 'another organisation’s patient', send: 'GET /fhir/Patient/p-1', as: 'other', expect: [404, 'NOT_FOUND'] },
  {
    name: 'another organisation’s history',
    send: 'GET /fhir/Patient/p-1/_history/1',
    as: 'other',
    expect: [404, 'NOT_FOUND'],
  },
  {
    name: 'another organisation’s accounting',
    send: 'GET /api/patients/p-1/accounting',
    as: 'other',
    expect: [404, 'PATIENT_NOT_HERE'],
  },
  {
    name: 'another organisation’s policies',
    send: 'GET /api/patients/p-1/policies',
    as: 'other',
    expect: [404, 'CONSENT_PATIENT_UNKNOWN'],
  },
  {
    name: 'a claim code for another’s patient',
    send: 'POST /api/accounts/p-1/claim-code',
    as: 'other',
    expect: [404, 'PATIENT_UNKNOWN'],
  },
  {
    name: 'breaking another’s glass',
    send: 'POST /api/access/break-glass',
    as: 'other',
    body: '{"patientId":"p-1","reason":1,"statedReason":"none"}',
    expect: [404, 'PATIENT_NOT_HERE'],
  },
  {
    name: 'a receipt of another’s version',
    send: 'GET /api/receipts/versions/Patient/p-1/1',
    as: 'other',
    expect: [404, 'RECEIPT_SUBJECT_UNKNOWN'],
  },
  {
    name: 'another patient, as a patient',
    send: 'GET /fhir/Patient/p-2',
    as: 'patient',
    expect: [404, 'NOT_FOUND'],
    journalled: 1,
  },
  {
    name: 'a patient as administrator',
    send: 'GET /api/journal',
    as: 'patient',
    expect: [404, 'RECEIPT_SUBJECT_UNKNOWN'],
  },
  {
    name: 'a patient who imports',
    send: 'POST /api/import',
    as: 'patient',
    headers: FHIR,
    body: '{}',
    expect: [403, 'ADMINISTRATOR_ONLY'],
  },
  {
    name: 'a patient who makes tokens',
    send: 'POST /api/tokens',
    as: 'patient',
    body: '{}',
    expect: [403, 'ADMINISTRATOR_NEEDED'],
  },
  {
    name: 'a physician who makes tokens',
    send: 'POST /api/tokens',
    as: 'physician',
    body: '{}',
    expect: [403, 'ADMINISTRATOR_NEEDED'],
  },
  {
    name: 'a patient who breaks glass',
    send: 'POST /api/access/break-glass',
    as: 'patient',
    body: '{"patientId":"p-2","reason":1,"statedReason":"none"}',
    expect: [403, 'CLINICIANS_ONLY'],
  },
  {
    name: 'a patient who writes',
    send: 'PUT /fhir/Observation/o-1',
    as: 'patient',
    headers: FHIR,
    body: `${OBSERVATION}}`,
    expect: [403, 'WRITE_DENIED'],
    journalled: 1,
  },
  {
    name: 'a patient at another’s policies',
    send: 'GET /api/patients/p-2/policies',
    as: 'patient',
    expect: [403, 'CONSENT_CALLER_NOT_ENTITLED'],
  },
  {
    name: 'a patient at another’s accounting',
    send: 'GET /api/patients/p-2/accounting',
    as: 'patient',
    expect: [403, 'ACCOUNTING_NOT_YOURS'],
  },
];

const FHIR_BODIES: readonly Row[] = (
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
    ['an escaped NUL', `${OBSERVATION},"language":"a\\u0000b"}`, [400, 'RESOURCE_INVALID']],
    ['half a surrogate pair', `${OBSERVATION},"language":"\\ud800"}`, [400, 'JSON_INVALID']],
    ['nesting of 100', nested(100), [400, 'JSON_INVALID']],
    ['nesting of 100 000', nested(100_000), [400, 'JSON_INVALID']],
    ['a number of 10 000 digits', `${OBSERVATION},"valueInteger":${'9'.repeat(10_000)}}`, [400, 'JSON_INVALID']],
    ['__proto__', `${OBSERVATION},"__proto__":{"status":"x"}}`, [400, 'RESOURCE_INVALID']],
    ['constructor', `${OBSERVATION},"constructor":{"prototype":{"a":1}}}`, [400, 'RESOURCE_INVALID']],
    ['an unknown element', `${OBSERVATION},"mood":"good"}`, [400, 'RESOURCE_INVALID']],
    ['a wrong type', OBSERVATION.replace('"final"', '7') + '}', [400, 'RESOURCE_INVALID']],
    ['another resource type', '{"resourceType":"Patient","id":"o-1"}', [400, 'TYPE_MISMATCH']],
    ['another id', OBSERVATION.replace('o-1', 'o-2') + '}', [400, 'ID_MISMATCH']],
    ['an array', '[]', [400, 'RESOURCE_INVALID']],
    ['an unknown patient', OBSERVATION.replace('p-1', 'p-9') + '}', [400, 'REFERENCE_UNRESOLVED']],
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

const FHIR_PATHS: readonly Row[] = (
  [
    ['GET /fhir/Patient/../../../etc/passwd', [404, 'ROUTE_UNKNOWN']],
    ['GET /fhir/Patient/..%2f..%2f..%2fetc%2fpasswd', [400, 'ID_INVALID']],
    ['GET /fhir/Patient/%2e%2e', [404, 'NOT_FOUND']],
    ['GET /fhir/Patient/p%00-1', [400, 'ID_INVALID']],
    ['GET /fhir/Patient/p-1%', [400, 'REQUEST_MALFORMED']],
    ['GET /fhir/Patient/%ff%fe', [400, 'REQUEST_MALFORMED']],
    [`GET /fhir/Patient/${'x'.repeat(65)}`, [400, 'ID_INVALID']],
    ['GET /fhir/__proto__/p-1', [404, 'TYPE_UNKNOWN']],
    ['GET /fhir/constructor/p-1', [404, 'TYPE_UNKNOWN']],
    ['GET /fhir/Patient/__proto__', [400, 'ID_INVALID']],
    ['GET /fhir/Patient/p-1/_history/__proto__', [404, 'NOT_FOUND']],
    ['GET /fhir/Patient/p-1/_history/-1', [404, 'NOT_FOUND']],
    ['GET /fhir/Patient?__proto__=x', [400, 'PARAMETER_UNKNOWN']],
    ['GET /fhir/Patient?constructor=x', [400, 'PARAMETER_UNKNOWN']],
    ['GET /fhir/Patient?_count=-1', [400, 'PARAMETER_INVALID']],
    ['GET /fhir/Patient?_count=1e9', [400, 'PARAMETER_INVALID']],
    [`GET /fhir/Patient?identifier=${'a,'.repeat(3000)}a`, [429, 'SEARCH_TOO_COSTLY']],
    [`GET /fhir/Patient?name=${'x'.repeat(9000)}`, [429, 'URL_TOO_LONG']],
    ['PATCH /fhir/Patient/p-1', [405, 'INTERACTION_UNSUPPORTED']],
    ['DELETE /fhir', [405, 'INTERACTION_UNSUPPORTED']],
  ] as const
).map(([send, expect]) => ({ name: `FHIR: ${send.slice(0, 70)}`, send, as: 'physician', expect }));

const API: readonly Row[] = [
  { name: 'nothing there', send: 'GET /nothing', expect: [404, 'ROUTE_UNKNOWN'] },
  { name: 'up and out', send: 'GET /../../../../etc/passwd', expect: [404, 'ROUTE_UNKNOWN'] },
  {
    name: 'a path of 5 KB',
    send: `GET /api/patients/${'x'.repeat(5000)}/accounting`,
    as: 'physician',
    expect: [404, 'ROUTE_UNKNOWN'],
  },
  {
    name: 'a path that does not decode',
    send: 'GET /api/patients/%E0%A4%A/accounting',
    as: 'physician',
    expect: [400, 'REQUEST_MALFORMED'],
  },
  {
    name: 'a patient id with a slash',
    send: 'GET /api/patients/..%2Fp-1/policies',
    as: 'physician',
    expect: [404, 'CONSENT_PATIENT_UNKNOWN'],
  },
  {
    name: 'a patient id that is a name of objects',
    send: 'GET /api/patients/__proto__/policies',
    as: 'physician',
    expect: [404, 'CONSENT_PATIENT_UNKNOWN'],
  },
  {
    name: 'an id of no transaction',
    send: 'GET /api/receipts/transactions/..%2f..%2fgenesis',
    as: 'physician',
    expect: [404, 'RECEIPT_SUBJECT_UNKNOWN'],
  },
  {
    name: 'an unknown transaction',
    send: `GET /api/receipts/transactions/${'0'.repeat(64)}`,
    as: 'physician',
    expect: [404, 'RECEIPT_SUBJECT_UNKNOWN'],
  },
  {
    name: 'a state map that is none',
    send: 'GET /api/receipts/state/__proto__/x',
    as: 'physician',
    expect: [404, 'RECEIPT_SUBJECT_UNKNOWN'],
  },
  {
    name: 'a state key with traversal',
    send: 'GET /api/receipts/state/chain.accounts/..%2f..',
    as: 'physician',
    expect: [404, 'RECEIPT_SUBJECT_UNKNOWN'],
  },
  {
    name: 'a journal index that is no count',
    send: 'GET /api/receipts/journal/0/1e3',
    as: 'administrator',
    expect: [404, 'RECEIPT_SUBJECT_UNKNOWN'],
  },
  {
    name: 'a journal index beyond the end',
    send: 'GET /api/receipts/journal/0/999999999999',
    as: 'administrator',
    expect: [404, 'RECEIPT_SUBJECT_UNKNOWN'],
  },
  {
    name: 'a version number below one',
    send: 'GET /api/receipts/versions/Patient/p-1/-1',
    as: 'physician',
    expect: [404, 'RECEIPT_SUBJECT_UNKNOWN'],
  },
  { name: 'a query that is none', send: 'GET /api/query/__proto__', as: 'physician', expect: [404, 'QUERY_UNKNOWN'] },
  {
    name: 'a query argument twice',
    send: 'GET /api/query/membership.members?a=1&a=2',
    as: 'physician',
    expect: [400, 'QUERY_MALFORMED'],
  },
  {
    name: 'a query of too much',
    send: `GET /api/query/membership.members?a=${'x'.repeat(300)}`,
    as: 'physician',
    expect: [400, 'QUERY_MALFORMED'],
  },
  {
    name: 'cut JSON',
    send: 'POST /api/tokens',
    as: 'administrator',
    body: '{"label":',
    expect: [400, 'REQUEST_MALFORMED'],
  },
  {
    name: 'no JSON object',
    send: 'POST /api/tokens',
    as: 'administrator',
    body: 'null',
    expect: [400, 'TOKEN_REQUEST_INVALID'],
  },
  {
    name: 'JSON with __proto__',
    send: 'POST /api/tokens',
    as: 'administrator',
    body: '{"__proto__":{"a":1}}',
    expect: [400, 'REQUEST_MALFORMED'],
  },
  {
    name: 'JSON with constructor.prototype',
    send: 'POST /api/tokens',
    as: 'administrator',
    body: '{"constructor":{"prototype":{}}}',
    expect: [400, 'REQUEST_MALFORMED'],
  },
  {
    name: 'an unknown field',
    send: 'POST /api/tokens',
    as: 'administrator',
    body: '{"label":"a","roleCodes":[],"purposes":["TREAT"],"days":1,"admin":true}',
    expect: [400, 'TOKEN_REQUEST_INVALID'],
  },
  {
    name: 'a role code of no system',
    send: 'POST /api/tokens',
    as: 'administrator',
    body: '{"label":"a","roleCodes":["boss"],"purposes":["TREAT"],"days":1}',
    expect: [400, 'TOKEN_REQUEST_INVALID'],
  },
  {
    name: 'a label with a line break',
    send: 'POST /api/tokens',
    as: 'administrator',
    body: '{"label":"a\\nb","roleCodes":[],"purposes":["TREAT"],"days":1}',
    expect: [400, 'TOKEN_REQUEST_INVALID'],
  },
  {
    name: 'deep JSON',
    send: 'POST /api/tokens',
    as: 'administrator',
    body: deep(30_000),
    expect: [400, 'TOKEN_REQUEST_INVALID'],
  },
  {
    name: 'a body over the limit',
    send: 'POST /api/tokens',
    as: 'administrator',
    body: `"${'x'.repeat(65 * 1024)}"`,
    expect: [413, 'BODY_TOO_LARGE'],
  },
  {
    name: 'another content type',
    send: 'POST /api/tokens',
    as: 'administrator',
    headers: { 'content-type': 'text/xml' },
    body: '<a/>',
    expect: [415, 'MEDIA_TYPE_UNSUPPORTED'],
  },
  {
    name: 'a claim without a slip',
    send: 'POST /api/accounts/claim',
    body: '{}',
    expect: [400, 'CLAIM_TRANSACTION_WRONG'],
  },
  {
    name: 'a claim at an organisation elsewhere',
    send: 'POST /api/accounts/claim',
    body: JSON.stringify({
      custodian: HEX32,
      account: HEX32,
      code: 'x',
      body: '',
      signature: '',
      sealingPublicKey: '',
    }),
    expect: [404, 'ORGANISATION_NOT_HERE'],
  },
  {
    name: 'break-glass without a reason',
    send: 'POST /api/access/break-glass',
    as: 'physician',
    body: '{"patientId":"p-1","reason":1,"statedReason":""}',
    expect: [400, 'REASON_MISSING'],
  },
  {
    name: 'a reason of a wrong type',
    send: 'POST /api/access/break-glass',
    as: 'physician',
    body: '{"patientId":"p-1","reason":"1","statedReason":"why"}',
    expect: [400, 'REASON_MISSING'],
  },
  {
    name: 'a consent that is no resource',
    send: 'POST /api/consents',
    as: 'physician',
    body: '{"patientId":"p-2","consent":"{}"}',
    expect: [400, 'RESOURCE_INVALID'],
  },
  {
    name: 'a consent over the limit',
    send: 'POST /api/consents',
    as: 'physician',
    body: `"${'x'.repeat(385 * 1024)}"`,
    expect: [413, 'BODY_TOO_LARGE'],
  },
  {
    name: 'a revocation of no policy',
    send: 'POST /api/consents/revoke',
    as: 'physician',
    body: `{"patientId":"p-2","policy":"${'0'.repeat(64)}"}`,
    expect: [404, 'CONSENT_POLICY_UNKNOWN'],
  },
  {
    name: 'an import that is no Bundle',
    send: 'POST /api/import',
    as: 'administrator',
    headers: FHIR,
    body: '{"resourceType":"Patient"}',
    expect: [400, 'BUNDLE_INVALID'],
  },
  {
    name: 'an import without a body',
    send: 'POST /api/import',
    as: 'administrator',
    headers: FHIR,
    expect: [400, 'JSON_INVALID'],
  },
  {
    name: 'an import with a bad last entry',
    send: 'POST /api/import',
    as: 'administrator',
    headers: FHIR,
    body: '{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"PUT","url":"Patient/p-8"},"resource":{"resourceType":"Patient","id":"p-8"}},{"request":{"method":"PUT","url":"Patient/p-7"},"resource":{"resourceType":"Patient","id":"p-7","mood":"good"}}]}',
    expect: [400, 'RESOURCE_INVALID'],
  },
  {
    name: 'a Bundle with a bad last entry',
    send: 'POST /fhir',
    as: 'physician',
    headers: FHIR,
    body: '{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"PUT","url":"Patient/p-8"},"resource":{"resourceType":"Patient","id":"p-8"}},{"request":{"method":"PUT","url":"Patient/p-7"},"resource":{"resourceType":"Patient","id":"p-7","mood":"good"}}]}',
    expect: [400, 'RESOURCE_INVALID'],
  },
  { name: 'blocks from no number', send: 'GET /ledger/blocks?from=-1', expect: [400, 'LEDGER_REQUEST_INVALID'] },
  { name: 'a leaf of no number', send: 'GET /ledger/leaves/__proto__', expect: [400, 'LEDGER_REQUEST_INVALID'] },
  { name: 'a leaf that is not there', send: 'GET /ledger/leaves/999999999', expect: [404, 'LEDGER_NOT_FOUND'] },
  {
    name: 'a transaction id that is none',
    send: 'GET /ledger/transactions/..%2f',
    expect: [400, 'LEDGER_REQUEST_INVALID'],
  },
];

/** Bytes as they go over the wire, and the status line that must come back (or nothing: the connection just ends). */
const RAW: readonly (readonly [name: string, bytes: string, status: number])[] = [
  ['two lengths', 'POST /api/tokens HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}', 400],
  [
    'length and chunks',
    'POST /api/tokens HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    400,
  ],
  ['an unknown coding', 'POST /api/tokens HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, x\r\n\r\n0\r\n\r\n', 400],
  [
    'a chunk size that is none',
    'POST /api/tokens HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n',
    400,
  ],
  ['a space before the colon', 'GET /health HTTP/1.1\r\nHost: a\r\nAuthorization : Bearer x\r\n\r\n', 400],
  ['a folded header', 'GET /health HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n', 400],
  ['a NUL in a header', 'GET /health HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n', 400],
  ['a NUL in the path', 'GET /hea\0lth HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['no host', 'GET /health HTTP/1.1\r\n\r\n', 400],
  ['bare line feeds', 'GET /health HTTP/1.1\nHost: a\nX: \x01\n\n', 400],
  ['headers of 64 KB', `GET /health HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(65_536)}\r\n\r\n`, 431],
  ['a URL of 64 KB', `GET /${'x'.repeat(65_536)} HTTP/1.1\r\nHost: a\r\n\r\n`, 431],
  ['another protocol', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
  ['a TLS greeting', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
];

test('bad input over HTTP: its code each, nothing written, nothing lost', { timeout: 60_000 }, async (t) => {
  const node = await startBadInputNode(t);
  const tokens = await furnish(node);
  const sent = (row: Row): Promise<Answer> => send(node, row, row.as === undefined ? undefined : tokens[row.as]);
  const before = await kept(node, tokens);
  for (const row of [...TOKENS, ...FOREIGN, ...FHIR_BODIES, ...FHIR_PATHS, ...API]) {
    await t.test(row.name, async () => {
      const size = await journalSizes(node);
      const { status, code, text } = await sent(row);
      if (process.env.PROBE === '1') {
        if (status !== row.expect[0] || code !== row.expect[1])
          console.log('PROBE', row.name, '=>', status, code, text.slice(0, 300));
      }
      assert.deepEqual([status, code], row.expect, text.slice(0, 400));
      assert.doesNotMatch(text, /\bat .*\.ts:\d|node_modules|\/src\//);
      assert.equal((await journalSizes(node)) - size, row.journalled ?? 0);
    });
  }
  for (const [name, bytes, status] of RAW) {
    await t.test(`on the wire: ${name}`, async () => {
      const answer = await sendRaw(node, bytes);
      assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `));
      assert.equal(answer.match(/^HTTP\/1\.1 /gm)?.length, 1);
      assert.equal((await send(node, { send: 'GET /health' })).status, 200);
    });
  }
  assert.deepEqual(await kept(node, tokens), before);
  await t.test('a token past its time', async () => {
    node.clock.offsetMs = 2 * 86_400_000;
    const { status, code } = await send(node, { send: 'GET /fhir/Patient/p-1' }, tokens.physician);
    node.clock.offsetMs = 0;
    assert.deepEqual([status, code], [401, 'TOKEN_UNKNOWN']);
  });
  assert.deepEqual(node.logged, []);
  await node.restart();
  assert.deepEqual(await kept(node, tokens), before);
});

type Tokens = Readonly<Record<Who, string>>;

/** A hospital with a physician and two patients, one of whom claimed the account; `other` administers the next hospital. */
async function furnish(node: BadInputNode): Promise<Tokens> {
  const { adminTokens } = node.running();
  const administrator = adminTokens['st-brigid'] as string;
  const other = await staff(node, adminTokens.riverside as string);
  const physician = await staff(node, administrator);
  for (const id of ['p-1', 'p-2']) {
    const body = JSON.stringify({ resourceType: 'Patient', id });
    const { status, text } = await send(node, { send: `PUT /fhir/Patient/${id}`, headers: FHIR, body }, physician);
    assert.equal(status, 201, text);
  }
  const { text } = await send(
    node,
    { send: 'PUT /fhir/Observation/o-1', headers: FHIR, body: `${OBSERVATION}}` },
    physician,
  );
  assert.match(text, /"o-1"/);
  const slip = JSON.parse(
    (await send(node, { send: 'POST /api/accounts/p-1/claim-code' }, administrator)).text,
  ) as ClaimSlip;
  const post = async (path: string, body: unknown) =>
    JSON.parse((await send(node, { send: `POST ${path}`, body: JSON.stringify(body) })).text) as unknown;
  const { token } = await claimAccount({ post, keys: nodeKeys, nowMs: Date.now() }, slip, newWalletAccount(slip));
  return { administrator, other, physician, patient: token as string };
}

async function staff(node: BadInputNode, administrator: string): Promise<string> {
  const body =
    '{"label":"physician","roleCodes":["http://snomed.info/sct|309343006"],"purposes":["TREAT","BTG"],"days":1}';
  const { status, text } = await send(node, { send: 'POST /api/tokens', body }, administrator);
  assert.equal(status, 200, text);
  return (JSON.parse(text) as { token: string }).token;
}

/** What must come through unharmed: the exact bytes of the records, and how many versions there are. */
async function kept(node: BadInputNode, tokens: Tokens): Promise<readonly string[]> {
  const texts: string[] = [];
  for (const path of ['Patient/p-1', 'Patient/p-2', 'Observation/o-1', 'Patient/p-1/_history/1', 'Patient?_count=50']) {
    const { status, text } = await send(node, { send: `GET /fhir/${path}` }, tokens.physician);
    assert.equal(status, 200, text);
    texts.push(path.includes('?') ? String(JSON.parse(text).total ?? JSON.parse(text).entry.length) : text);
  }
  const health = JSON.parse((await send(node, { send: 'GET /health' })).text) as { ledger: { status?: string } };
  return [...texts, String(health.ledger.status)];
}

async function journalSizes(node: BadInputNode): Promise<number> {
  let sum = 0;
  for (const token of Object.values(node.running().adminTokens)) {
    sum += (JSON.parse((await send(node, { send: 'GET /api/journal' }, token)).text) as { size: number }).size;
  }
  return sum;
}

/** Sends a path as it stands: fetch would tidy it up. */
function send(node: BadInputNode, row: Pick<Row, 'send' | 'headers' | 'body'>, token?: string): Promise<Answer> {
  const [method = 'GET', path = '/'] = row.send.split(' ');
  const { hostname, port } = new URL(node.running().url);
  const headers = {
    ...(row.body === undefined ? {} : JSON_TYPE),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...row.headers,
  };
  return new Promise((resolve, fail) => {
    const request = httpRequest({ hostname, port, method, path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode ?? 0, code: codeOf(text), text });
      });
    });
    request.on('error', fail);
    request.end(row.body);
  });
}

/** Sends bytes and resolves to all that came back when the node closed the connection, or after a second of silence. */
function sendRaw(node: BadInputNode, bytes: string): Promise<string> {
  const { hostname, port } = new URL(node.running().url);
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(Number(port), hostname, () => socket.write(bytes, 'latin1'));
    socket.setTimeout(1000, () => socket.destroy());
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
  });
}
