import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { testAccount, testSigner } from '../../test/support/test-signer.ts';
import { isReject } from '../std/reject.ts';
import { type CalledRequest, createMemberCheck } from './member-call-check.ts';
import { createMemberFetch } from './member-fetch.ts';

const clinic = testSigner('clinic');
const CHAIN = 'c4'.repeat(32);

interface TestNode {
  readonly url: string;
  /** Of the organisations that it hosts. */
  accounts: readonly string[];
  chain: string;
  /** How often it was asked whose it is, and each request that it let in, or why not. */
  asked: number;
  readonly calls: string[];
}

/** A node on a real socket: its public page, a redirect, and everything else for members alone. */
async function startNode(t: TestContext): Promise<TestNode> {
  const server = createServer(async (request, response) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method = '', url = '', headers } = request;
    if (url === '/') {
      node.asked++;
      const organisations = node.accounts.map((account) => ({ slug: 'a', name: 'A', account }));
      response.end(JSON.stringify({ genesis: node.chain, organisations }));
      return;
    }
    if (url === '/elsewhere') {
      response.writeHead(307, { location: '/ledger/blocks' }).end();
      return;
    }
    try {
      const called: CalledRequest = { method, url, headers, bodyBytes: Buffer.concat(chunks) };
      const audiences = node.accounts;
      const member = createMemberCheck({ chain: CHAIN, audiences, keysOf: () => [clinic.record], clock: Date.now })(
        called,
      );
      node.calls.push(`${method} ${url}`);
      response.end(member);
    } catch (error) {
      const code = isReject(error) ? error.code : String(error);
      node.calls.push(code);
      response.writeHead(401).end(JSON.stringify({ code }));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const node: TestNode = { url, accounts: [testAccount('hospital')], chain: CHAIN, asked: 0, calls: [] };
  return node;
}

const memberFetch = () => createMemberFetch({ signer: clinic, chain: CHAIN, clock: Date.now, fetch });

test('requests of every kind arrive signed for the node that they go to, which is asked once whose it is', async (t) => {
  const node = await startNode(t);
  const request = memberFetch();
  const text = async (path: string, init?: Parameters<typeof request>[1]) =>
    (await request(node.url + path, init)).text();
  assert.equal(await text('/ledger/blocks?from=1&limit=2'), clinic.account);
  assert.equal(await text('/ledger/a%20b/ü?q=ö|'), clinic.account);
  assert.equal(await text('/ledger/engine', { method: 'POST', body: '{"a":"ü"}' }), clinic.account);
  assert.equal(await text('/ledger/engine', { method: 'post', body: new Uint8Array([0, 255]) }), clinic.account);
  assert.equal(node.asked, 1);
});

test('a node that moved is asked again, and the call made again', async (t) => {
  const node = await startNode(t);
  const request = memberFetch();
  await request(`${node.url}/ledger/blocks`);
  node.accounts = [testAccount('pharmacy')];
  assert.equal(await (await request(`${node.url}/ledger/blocks`)).text(), clinic.account);
  assert.deepEqual(node.calls, ['GET /ledger/blocks', 'MEMBER_CALL_MISADDRESSED', 'GET /ledger/blocks']);
  assert.equal(node.asked, 2);
});

test('nothing is sent to what is no node of the ledger, and no redirect is followed', async (t) => {
  const node = await startNode(t);
  await assert.rejects(memberFetch()(`${node.url}/elsewhere`), TypeError);
  node.chain = 'c5'.repeat(32);
  await assert.rejects(memberFetch()(`${node.url}/ledger/blocks`), { code: 'MEMBER_CALL_AUDIENCE_UNKNOWN' });
  node.chain = CHAIN;
  node.accounts = [];
  await assert.rejects(memberFetch()(`${node.url}/ledger/blocks`), { code: 'MEMBER_CALL_AUDIENCE_UNKNOWN' });
  assert.deepEqual(node.calls, []);
});
