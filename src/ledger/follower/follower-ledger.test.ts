import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import Fastify from 'fastify';
import { notes } from '../../../test/support/notes-contract.ts';
import {
  notesGenesis,
  notesKernel,
  noteWire,
  OPERATOR_SEED,
  openNotesLedger,
  silentLog,
  temporaryFolder,
} from '../../../test/support/test-ledger.ts';
import { testSigner } from '../../../test/support/test-signer.ts';
import { createMemberCheck } from '../../auth/member-call-check.ts';
import { createMemberFetch, type MemberFetch, type MemberRequestInit } from '../../auth/member-fetch.ts';
import { headSignBytes } from '../../chain/head.ts';
import { signEd25519 } from '../../crypto/node/ed25519.ts';
import { bytesToHex } from '../../std/bytes.ts';
import { canonicalText } from '../../std/canonical-json.ts';
import { isReject } from '../../std/reject.ts';
import type { EmbeddedLedger } from '../embedded/embedded-ledger.ts';
import { createLedgerClient, type LedgerClient } from '../http/ledger-client.ts';
import { createLedgerPlugin } from '../http/ledger-plugin.ts';
import type { LogEntry } from '../http/log-entry.ts';
import type { ServedLedger } from '../http/member-routes.ts';
import { createFollowerLedger, type FollowerLedger } from './follower-ledger.ts';

const alice = testSigner('alice');
const bob = testSigner('bob');
const genesis = notesGenesis(['alice', 'bob']);
/** Keys of members: all of them but carol, who is none. */
const KEYS = new Map([alice, bob].map(({ account, record }) => [account, [record]]));
const root = temporaryFolder('follower');
after(() => rmSync(root, { recursive: true, force: true }));

let folders = 0;
const newFolder = (): string => join(root, `node-${++folders}`);

function put(ledger: { genesisHash: string }, name: string, text = 'text'): Uint8Array {
  return noteWire(ledger.genesisHash, alice, { type: 'note.put', name, text }, Date.now() + 60_000);
}

function follow(upstream: LedgerClient, folder = newFolder()): Promise<FollowerLedger> {
  return createFollowerLedger({
    folder,
    kernel: notesKernel(genesis),
    genesis,
    upstream,
    clock: Date.now,
    log: silentLog,
  });
}

/** The routes of a node of alice's, and the page that says whose it is. */
async function serve(ledger: ServedLedger, port = 0) {
  const app = Fastify();
  const audiences = [alice.account];
  const keysOf = (member: string) => KEYS.get(member) ?? [];
  const requireMember = createMemberCheck({ chain: ledger.genesisHash, audiences, keysOf, clock: Date.now });
  app.register(createLedgerPlugin(ledger, { requireMember, clock: Date.now }));
  app.get('/', async () => ({ genesis: ledger.genesisHash, organisations: [{ account: alice.account }] }));
  return { app, url: await app.listen({ port, host: '127.0.0.1' }) };
}

function memberClient(url: string, signer = bob): LedgerClient {
  return createLedgerClient({ url, fetch: memberFetch(signer) });
}

function memberFetch(signer = bob): MemberFetch {
  return createMemberFetch({ signer, chain: notesKernel(genesis).genesisHash, clock: Date.now, fetch });
}

const code = (wanted: string) => (error: unknown) => isReject(error) && error.code === wanted;

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(condition(), 'waited 5 s in vain');
}

test('a follower executes the blocks of another node, relays to it, and goes on after a restart of either', async () => {
  const leaderFolder = newFolder();
  let leader = await openNotesLedger(leaderFolder, genesis);
  for (let i = 0; i < 70; i++) await leader.submit(put(leader, `n${i}`));
  let { app, url } = await serve(leader);
  const client = memberClient(url);
  assert.equal(canonicalText(await createLedgerClient({ url }).genesis()), canonicalText(genesis));

  const folder = newFolder();
  let follower = await follow(client, folder);
  await follower.reached(70);
  assert.deepEqual(follower.head(), leader.head());
  assert.equal(follower.health().status, 'following');
  const committed = await follower.submit(put(follower, 'relayed', 'by the follower'));
  assert.deepEqual(await leader.find(committed.outcome.id), committed);
  assert.equal(follower.read().state.get(notes, alice.account, 'relayed'), 'by the follower');
  assert.deepEqual(await follower.signedHead(), await leader.signedHead());
  await assert.rejects(follower.submit(new Uint8Array(3)), code('TRANSACTION_MALFORMED'));

  // Who follows the follower gets the same.
  const second = await serve(follower);
  const third = await follow(memberClient(second.url));
  await third.reached(71);
  assert.deepEqual(third.head(), leader.head());
  assert.equal((await third.submit(put(third, 'twice'))).height, 72);
  await third.close();
  await second.app.close();

  await follower.close();
  await leader.submit(put(leader, 'meanwhile'));
  follower = await follow(memberClient(url), folder);
  await follower.reached(73);
  await app.close();
  await leader.close();
  await until(() => follower.health().reason !== undefined);
  await assert.rejects(follower.submit(put(follower, 'nowhere')), code('LEDGER_UPSTREAM_UNREACHABLE'));
  leader = await openNotesLedger(leaderFolder, genesis);
  ({ app } = await serve(leader, Number(new URL(url).port)));
  assert.equal((await follower.submit(put(follower, 'back'))).height, 74);
  await follower.close();
  await app.close();
  await leader.close();
});

/** The client of `ledger` whose answers are bent. */
function bentClient(
  ledger: EmbeddedLedger,
  bend: (answer: Awaited<ReturnType<LedgerClient['blocks']>>) => unknown,
): LedgerClient {
  return {
    genesis: async () => ledger.genesis,
    async blocks(from, limit) {
      if (ledger.head().height < from) await new Promise((resolve) => setTimeout(resolve, 20));
      const answer = { blocks: await ledger.signedBlocks(from, limit), newest: await ledger.operatorHead() };
      return bend(structuredClone(answer)) as typeof answer;
    },
    submit: (wire) => ledger.submit(wire),
    head: () => ledger.signedHead(),
    snapshots: async () => [],
    entries: async () => [],
    signedHeader: async () => ({}),
    close() {},
  };
}

test('a node that lies is not followed: the follower stops before the lie, and says why', async () => {
  const ledger = await openNotesLedger(newFolder(), genesis);
  for (let i = 0; i < 5; i++) await ledger.submit(put(ledger, `n${i}`));
  const resign = (head: object): string => bytesToHex(signEd25519(OPERATOR_SEED, headSignBytes(head as never)));
  // biome-ignore lint/suspicious/noExplicitAny: answers are bent in ways that their type forbids
  const lies: Record<string, [number, (blocks: any[]) => void]> = {
    'a head that nobody signed': [
      2,
      (blocks) => {
        blocks[2].signature = '00'.repeat(64);
      },
    ],
    'a signed head that the block does not lead to': [
      2,
      (blocks) => {
        blocks[2].head.appHash = 'ab'.repeat(32);
        blocks[2].signature = resign(blocks[2].head);
      },
    ],
    'a transaction left out': [
      1,
      (blocks) => {
        blocks[1].block.transactions = [];
      },
    ],
    'a time that goes back': [
      3,
      (blocks) => {
        blocks[3].block.timeMs = 0;
      },
    ],
  };
  for (const [name, [height, lie]] of Object.entries(lies)) {
    const follower = await follow(
      bentClient(ledger, (answer) => {
        if (answer.blocks.length > 3) lie([...answer.blocks]);
        return answer;
      }),
    );
    await assert.rejects(follower.reached(5), code('LEDGER_FORKED'), name);
    assert.equal(follower.health().status, 'stopped');
    assert.match(follower.health().reason ?? '', /LEDGER_FORKED/);
    assert.equal(follower.head().height, height, name);
    await assert.rejects(follower.submit(put(follower, 'late')), code('LEDGER_FORKED'));
    await follower.close();
  }

  const faces: Record<string, (answer: { blocks: unknown[]; newest: { head: object; signature: string } }) => unknown> =
    {
      'another head at the same height': (answer) => {
        const head = { ...answer.newest.head, appHash: 'cd'.repeat(32) };
        return { ...answer, newest: { head, signature: resign(head) } };
      },
      'fewer blocks than it signed': (answer) => {
        const head = { ...answer.newest.head, height: 1 };
        return { ...answer, newest: { head, signature: resign(head) } };
      },
    };
  for (const [name, lie] of Object.entries(faces)) {
    const follower = await follow(
      bentClient(ledger, (answer) => (answer.blocks.length === 0 ? lie(answer as never) : answer)),
    );
    await until(() => follower.health().status === 'stopped');
    assert.match(follower.health().reason ?? '', new RegExp(name));
    await follower.close();
  }
  await ledger.close();
});

test('the HTTP routes bound what they take and answer errors with codes', async () => {
  const ledger = await openNotesLedger(newFolder(), genesis);
  const { outcome, leafIndex } = await ledger.submit(put(ledger, 'one'));
  const { app, url } = await serve(ledger);
  const request = memberFetch();
  const answers: [string, MemberRequestInit | undefined, number, string?][] = [
    ['/ledger/head', undefined, 200],
    ['/ledger/health', undefined, 200],
    ['/ledger/blocks?from=1', undefined, 200],
    ['/ledger/blocks?from=2', undefined, 200],
    [`/ledger/transactions/${outcome.id}`, undefined, 200],
    [`/ledger/leaves/${leafIndex}`, undefined, 200],
    ['/ledger/blocks', undefined, 400, 'LEDGER_REQUEST_INVALID'],
    ['/ledger/blocks?from=0', undefined, 400, 'LEDGER_REQUEST_INVALID'],
    ['/ledger/blocks?from=1&limit=100000', undefined, 400, 'LEDGER_REQUEST_INVALID'],
    ['/ledger/blocks?from=1&waitMs=9999999', undefined, 400, 'LEDGER_REQUEST_INVALID'],
    ['/ledger/leaves/-1', undefined, 400, 'LEDGER_REQUEST_INVALID'],
    ['/ledger/leaves/999', undefined, 404, 'LEDGER_NOT_FOUND'],
    ['/ledger/entries?from=0', undefined, 404, 'LEDGER_NOT_FOUND'],
    ['/ledger/entries', undefined, 400, 'LEDGER_REQUEST_INVALID'],
    ['/ledger/headers/1', undefined, 404, 'LEDGER_NOT_FOUND'],
    ['/ledger/headers/0', undefined, 400, 'LEDGER_REQUEST_INVALID'],
    ['/ledger/transactions/..%2f..%2fetc', undefined, 400, 'LEDGER_REQUEST_INVALID'],
    [`/ledger/transactions/${'0'.repeat(64)}`, undefined, 404, 'LEDGER_NOT_FOUND'],
    ['/ledger/transactions', post({ wire: 'AAAA' }), 400, 'TRANSACTION_MALFORMED'],
    ['/ledger/transactions', post({ wire: '!' }), 400, 'LEDGER_REQUEST_INVALID'],
    ['/ledger/transactions', post({ wire: 'AAAA', more: 1 }), 400, 'LEDGER_REQUEST_INVALID'],
    ['/ledger/transactions', post({ wire: 'A'.repeat(200_000) }), 413],
  ];
  for (const [path, init, status, wanted] of answers) {
    const response = await request(`${url}${path}`, init);
    const value = (await response.json()) as { code?: string };
    assert.equal(response.status, status, path);
    if (wanted !== undefined) assert.equal(value.code, wanted, path);
  }
  const client = memberClient(url);
  await assert.rejects(client.submit(new Uint8Array(3)), code('TRANSACTION_MALFORMED'));
  await app.close();
  await ledger.close();
});

test('blocks, leaves, entries, headers and snapshots are for members; the rest anybody may ask for', async () => {
  const ledger = await openNotesLedger(newFolder(), genesis);
  const { outcome } = await ledger.submit(put(ledger, 'one'));
  const { app, url } = await serve(ledger);
  const open = ['genesis', 'head', 'health', `transactions/${outcome.id}`];
  const closed = ['blocks?from=1', 'leaves/0', 'entries?from=0', 'headers/1', 'snapshots'];
  for (const path of open) assert.equal((await fetch(`${url}/ledger/${path}`)).status, 200, path);
  for (const path of closed) {
    const missing = await fetch(`${url}/ledger/${path}`);
    assert.deepEqual(
      [missing.status, missing.headers.get('www-authenticate'), ((await missing.json()) as { code: string }).code],
      [401, 'Aceso-Member', 'MEMBER_CALL_MISSING'],
      path,
    );
    const stranger = await memberFetch(testSigner('carol'))(`${url}/ledger/${path}`);
    assert.equal(((await stranger.json()) as { code: string }).code, 'MEMBER_CALL_SIGNATURE_WRONG', path);
  }
  await assert.rejects(memberClient(url, testSigner('carol')).blocks(1, 1, 0), code('MEMBER_CALL_SIGNATURE_WRONG'));
  await app.close();
  await ledger.close();
});

test('a ledger with entries and headers gives them to members, one without blocks says why it cannot be followed', async () => {
  const ledger = await openNotesLedger(newFolder(), genesis);
  const wires = ['one', 'two', 'three'].map((name) => put(ledger, name));
  for (const wire of wires) await ledger.submit(wire);
  const { signedBlocks: _, operatorHead: __, ...rest } = ledger;
  const header = { header: { height: '7' }, commit: { round: 0 } };
  const validators: ServedLedger = {
    ...rest,
    // Each block of one transaction is an outcome's leaf and a block's.
    async entries(from, limit) {
      const out: LogEntry[] = [];
      for (let index = from; out.length < limit; index++) {
        const leaf = await ledger.leaf(index);
        if (leaf === undefined) break;
        const wire = index % 2 === 0 ? wires[index / 2] : undefined;
        out.push({ leaf, ...(wire === undefined ? {} : { wire }) });
      }
      return out;
    },
    snapshotHeights: async () => [1000, 2000],
    signedHeader: async (height) => (height === 7 ? header : undefined),
  };
  const { app, url } = await serve(validators);
  const client = memberClient(url);
  const entries = await client.entries(1, 4);
  assert.equal(entries.length, 4);
  assert.deepEqual(entries[0]?.leaf, await ledger.leaf(1));
  assert.deepEqual(
    entries.map(({ wire }) => wire),
    [undefined, wires[1], undefined, wires[2]],
  );
  assert.deepEqual(await client.entries(1000, 4), []);
  assert.deepEqual(await client.signedHeader(7), header);
  assert.deepEqual(await client.snapshots(), [1000, 2000]);
  assert.deepEqual(await client.head(), await ledger.signedHead());
  await assert.rejects(client.signedHeader(8), code('LEDGER_NOT_FOUND'));
  await assert.rejects(client.blocks(1, 1, 0), code('LEDGER_NOT_FOLLOWABLE'));
  await app.close();
  await ledger.close();
});

test('entries are bounded in bytes, and one is always given', async () => {
  const ledger = await openNotesLedger(newFolder(), genesis);
  const wire = new Uint8Array(64 * 1024).fill(1);
  const entries = async (_from: number, limit: number) =>
    Array.from({ length: limit }, () => ({ leaf: Uint8Array.of(1), wire }));
  const { app, url } = await serve({ ...ledger, entries });
  assert.equal((await memberClient(url).entries(0, 1000)).length, 63);
  assert.equal((await memberClient(url).entries(0, 1)).length, 1);
  await app.close();
  await ledger.close();
});

function post(body: object): MemberRequestInit {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}
