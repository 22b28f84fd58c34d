import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import type { ClaimSlip } from '../../src/capabilities/membership/api.ts';
import { claimAccount } from '../../src/wallet/claim.ts';
import { nodeKeys } from '../../src/wallet/node/node-keys.ts';
import { newWalletAccount } from '../../src/wallet/wallet.ts';
import { type Answer, type BadInputNode, codeOf, startBadInputNode } from './bad-input-node.ts';
import { FHIR, FOREIGN, OBSERVATION, type Row, TOKENS, type Who } from './bad-requests-access.ts';
import { API } from './bad-requests-api.ts';
import { FHIR_BODIES, FHIR_PATHS } from './bad-requests-fhir.ts';

/*
 * Whatever is sent to a node over HTTP, it answers with a status and a code of its own, goes on, keeps what it had and
 * takes nothing of what it refused. One real node on a real socket; after all of it, it starts again on its folder.
 */

const JSON_TYPE = { 'content-type': 'application/json' };

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
      // Node answers for a missing host by itself, with the status alone.
      const code = status === 431 ? 'HEADERS_TOO_LARGE' : name === 'no host' ? '' : 'REQUEST_MALFORMED';
      assert.equal(codeOf(answer.split('\r\n\r\n')[1] ?? ''), code);
      assert.equal((await send(node, { send: 'GET /health' })).status, 200);
    });
  }
  assert.deepEqual(await kept(node, tokens), before);
  assert.deepEqual(node.logged, []);
  await t.test('a token past its time', async () => {
    node.clock.offsetMs = 2 * 86_400_000;
    const { status, code } = await send(node, { send: 'GET /fhir/Patient/p-1' }, tokens.physician);
    node.clock.offsetMs = 0;
    assert.deepEqual([status, code], [401, 'TOKEN_UNKNOWN']);
  });
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
