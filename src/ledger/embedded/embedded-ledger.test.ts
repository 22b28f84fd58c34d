import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { notes } from '../../../test/support/notes-contract.ts';
import {
  GENESIS_MS,
  notesGenesis,
  notesKernel,
  noteWire,
  openNotesLedger,
  temporaryFolder,
} from '../../../test/support/test-ledger.ts';
import { testSigner } from '../../../test/support/test-signer.ts';
import { headSignBytes } from '../../chain/head.ts';
import { parseLeaf } from '../../chain/leaf.ts';
import { verifyEd25519Sync } from '../../crypto/node/ed25519.ts';
import { createMemoryStore } from '../../state/memory-store.ts';
import { equalBytes, hexToBytes } from '../../std/bytes.ts';
import { isReject } from '../../std/reject.ts';
import type { EmbeddedLedger, EmbeddedLedgerOptions } from './embedded-ledger.ts';

const alice = testSigner('alice');
const bob = testSigner('bob');
const genesis = notesGenesis(['alice', 'bob']);
const root = temporaryFolder('embedded');
after(() => rmSync(root, { recursive: true, force: true }));

let folders = 0;
const newFolder = (): string => join(root, `node-${++folders}`);
const open = (folder: string, options: Partial<EmbeddedLedgerOptions> = {}): Promise<EmbeddedLedger> =>
  openNotesLedger(folder, genesis, options);

function put(ledger: EmbeddedLedger, name: string, text = 'text', signer = alice): Uint8Array {
  return noteWire(
    ledger.genesisHash,
    signer,
    { type: 'note.put', name, text },
    Math.max(Date.now(), ledger.head().timeMs) + 60_000,
  );
}

const refusedWith = (code: string) => (error: unknown) => {
  assert.ok(isReject(error), String(error));
  assert.equal(error.code, code);
  return true;
};

test('a transaction is committed, found, in a signed head, and there after a restart', async () => {
  const folder = newFolder();
  const ledger = await open(folder);
  const seen: number[] = [];
  ledger.subscribe((block, outcomes, head) => {
    assert.equal(head.height, block.height);
    seen.push(outcomes.length);
  });
  const committed = await ledger.submit(put(ledger, 'first', 'hello'));
  assert.equal(committed.outcome.code, 'OK');
  assert.deepEqual(seen, [1]);
  assert.deepEqual(await ledger.find(committed.outcome.id), committed);
  const leaf = parseLeaf((await ledger.leaf(committed.leafIndex)) as Uint8Array);
  assert.equal(leaf?.kind === 'outcome' && leaf.id, committed.outcome.id);
  assert.equal(ledger.read().state.get(notes, alice.account, 'first'), 'hello');
  assert.equal(ledger.query('notes.text', { account: alice.account, name: 'first' }), 'hello');
  const { head, commit } = await ledger.signedHead();
  assert.equal(head.height, committed.height);
  const [key, signature] = [commit.publicKey, commit.signature].map((hex) => hexToBytes(hex as string) as Uint8Array);
  assert.ok(verifyEd25519Sync(key as Uint8Array, headSignBytes(head), signature as Uint8Array));
  await ledger.close();
  await assert.rejects(ledger.submit(new Uint8Array()), refusedWith('LEDGER_CLOSED'));

  const again = await open(folder);
  assert.deepEqual({ ...again.head() }, { ...head, timeMs: committed.timeMs });
  assert.deepEqual(await again.find(committed.outcome.id), committed);
  assert.equal(again.read().state.get(notes, alice.account, 'first'), 'hello');
  await again.close();
});

test('state that was lost is rebuilt from the blocks, to the same root', async () => {
  const folder = newFolder();
  const ledger = await open(folder);
  for (let i = 0; i < 20; i++) await ledger.submit(put(ledger, `n${i}`));
  const before = ledger.head();
  const blocks = await Array.fromAsync(ledger.blocks(1));
  await ledger.close();
  rmSync(join(folder, 'state'), { recursive: true });
  const again = await open(folder);
  assert.deepEqual(again.head(), before);
  assert.deepEqual(await Array.fromAsync(again.blocks(1)), blocks);
  await again.close();
  // The same list of blocks over the memory store, through a kernel of its own.
  const kernel = notesKernel(genesis);
  const store = createMemoryStore();
  store.apply(kernel.initialise().writes);
  for (const block of blocks) store.apply(kernel.execute(store, block).writes);
  assert.equal(kernel.head(store)?.appHash, before.appHash);
});

test('snapshots stay as they were while blocks are committed', async () => {
  const ledger = await open(newFolder());
  const snapshots = [ledger.read()];
  for (let i = 1; i <= 10; i++) {
    await ledger.submit(put(ledger, 'same', `text ${i}`));
    snapshots.push(ledger.read());
    if (i % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 250));
  }
  for (const [height, snapshot] of snapshots.entries()) {
    assert.equal(snapshot.head.height, height);
    assert.equal(snapshot.state.get(notes, alice.account, 'same'), height === 0 ? undefined : `text ${height}`);
    snapshot.release();
  }
  await ledger.close();
});

test('the same transaction sent at once is committed once, and refused as replayed later and after a restart', async () => {
  const folder = newFolder();
  const ledger = await open(folder, { threads: 1 });
  const wire = put(ledger, 'once');
  const results = await Promise.all(Array.from({ length: 50 }, () => ledger.submit(wire)));
  for (const result of results) assert.deepEqual(result, results[0]);
  await assert.rejects(ledger.submit(wire), refusedWith('TRANSACTION_REPLAYED'));
  await ledger.close();
  const again = await open(folder);
  await assert.rejects(again.submit(wire), refusedWith('TRANSACTION_REPLAYED'));
  await again.close();
});

test('a forged copy does not keep the genuine transaction out', async () => {
  const ledger = await open(newFolder(), { threads: 1 });
  const wire = put(ledger, 'genuine');
  const forged = wire.slice();
  forged[forged.length - 1] = (forged.at(-1) as number) ^ 1;
  const [first, second] = await Promise.allSettled([ledger.submit(forged), ledger.submit(wire)]);
  assert.equal(first.status, 'rejected');
  assert.ok(refusedWith('SIGNATURE_WRONG')((first as PromiseRejectedResult).reason));
  assert.equal(second.status, 'fulfilled');
  await ledger.close();
});

test('bad transactions are refused before they cost a block', async () => {
  const ledger = await open(newFolder());
  const stranger = testSigner('stranger');
  const cases: [string, Uint8Array][] = [
    ['TRANSACTION_MALFORMED', new Uint8Array(10)],
    [
      'TRANSACTION_OTHER_LEDGER',
      noteWire('00'.repeat(32), alice, { type: 'note.put', name: 'a', text: '' }, Date.now() + 1000),
    ],
    [
      'TRANSACTION_EXPIRED',
      noteWire(ledger.genesisHash, alice, { type: 'note.put', name: 'a', text: '' }, Date.now() - 1000),
    ],
    ['SIGNER_UNKNOWN', put(ledger, 'a', 'b', stranger)],
  ];
  for (const [code, wire] of cases) await assert.rejects(ledger.submit(wire), refusedWith(code));
  assert.equal(ledger.head().height, 0);
  await ledger.close();
});

test('workers and the main thread decide alike', async () => {
  const ledger = await open(newFolder(), { threads: 2 });
  const wires = Array.from({ length: 400 }, (_, i) => put(ledger, `w${i}`, 'x', i % 2 === 0 ? alice : bob));
  const bad = new Set([3, 77, 250]);
  for (const at of bad) {
    const wire = wires[at] as Uint8Array;
    wire[wire.length - 1] = (wire.at(-1) as number) ^ 1;
  }
  const results = await Promise.allSettled(wires.map((wire) => ledger.submit(wire)));
  for (const [at, result] of results.entries()) {
    if (bad.has(at)) assert.ok(refusedWith('SIGNATURE_WRONG')((result as PromiseRejectedResult).reason));
    else assert.equal(result.status === 'fulfilled' && result.value.outcome.code, 'OK');
  }
  assert.ok(ledger.head().height < 50, `${ledger.head().height} blocks for 400 transactions at once`);
  await ledger.close();
});

test('two nodes on one folder: the second is refused', async () => {
  const folder = newFolder();
  const ledger = await open(folder);
  await assert.rejects(open(folder), refusedWith('DATA_FOLDER_IN_USE'));
  await ledger.close();
  await (await open(folder)).close();
});

test('another operator key and another genesis are refused', async () => {
  const folder = newFolder();
  await assert.rejects(
    open(folder, { operatorKey: { seed: new Uint8Array(32) } }),
    refusedWith('LEDGER_OPERATOR_KEY_WRONG'),
  );
  await (await open(folder)).close();
  const other = notesGenesis(['alice']);
  await assert.rejects(openNotesLedger(folder, other), refusedWith('LEDGER_OTHER_GENESIS'));
});

/** A ledger with a few blocks, closed; returns the one block file. */
async function filledFolder(blocks = 5): Promise<{ folder: string; file: string }> {
  const folder = newFolder();
  const ledger = await open(folder);
  for (let i = 0; i < blocks; i++) await ledger.submit(put(ledger, `n${i}`));
  await ledger.close();
  return { folder, file: join(folder, 'blocks', '0000000000000001.blocks') };
}

test('a flipped byte anywhere in the blocks stops the node with the height', async () => {
  const { folder, file } = await filledFolder();
  const bytes = readFileSync(file);
  for (let at = 3; at < bytes.length; at += 97) {
    const damaged = Buffer.from(bytes);
    damaged[at] = (damaged[at] as number) ^ 0x10;
    writeFileSync(file, damaged);
    await assert.rejects(open(folder), (error) => {
      assert.ok(isReject(error) && error.code === 'LEDGER_BLOCK_DAMAGED', `byte ${at}: ${String(error)}`);
      assert.ok((error.data.height as number) >= 1);
      return true;
    });
    assert.ok(equalBytes(readFileSync(file), damaged), 'the folder was changed');
  }
  writeFileSync(file, bytes);
  await (await open(folder)).close();
});

test('a torn last block that nothing names is cut off; one that a signed head, the state or a journal names is not', async () => {
  const { folder, file } = await filledFolder();
  const bytes = readFileSync(file);
  writeFileSync(file, Buffer.concat([bytes, bytes.subarray(bytes.length - 700, bytes.length - 40)]));
  const ledger = await open(folder);
  assert.deepEqual(ledger.cut, { height: 6, bytes: 660 });
  assert.equal((await ledger.submit(put(ledger, 'after'))).height, 6);
  await ledger.close();
  await assert.rejects(open(folder, { namedHeight: 7 }), refusedWith('LEDGER_BLOCK_MISSING'));
  const whole = readFileSync(file);
  writeFileSync(file, whole.subarray(0, -10));
  await assert.rejects(open(folder), refusedWith('LEDGER_BLOCK_DAMAGED'));
  // Without the state, the signed head still names the block.
  rmSync(join(folder, 'state'), { recursive: true });
  await assert.rejects(open(folder), refusedWith('LEDGER_BLOCK_DAMAGED'));
  for (const name of readdirSync(join(folder, 'blocks')))
    if (name.endsWith('.heads')) rmSync(join(folder, 'blocks', name));
  const cut = await open(folder);
  assert.equal(cut.cut?.height, 6);
  await cut.close();
});

test('missing blocks stop the node', async () => {
  const { folder, file } = await filledFolder();
  rmSync(file);
  await assert.rejects(open(folder), refusedWith('LEDGER_BLOCK_MISSING'));
  assert.ok(!existsSync(file));
});

test('a clock that went back or jumped stops the ledger until it is confirmed', async () => {
  const folder = newFolder();
  let [clockMs, monotonicMs] = [GENESIS_MS + 1_000_000, 0];
  const options = { clock: () => clockMs, monotonic: () => monotonicMs };
  const wire = (ledger: EmbeddedLedger, name: string): Uint8Array =>
    noteWire(
      ledger.genesisHash,
      alice,
      { type: 'note.put', name, text: '' },
      Math.max(clockMs, ledger.head().timeMs) + 60_000,
    );
  const ledger = await open(folder, options);
  const first = await ledger.submit(wire(ledger, 'a'));
  assert.equal(first.timeMs, clockMs);
  clockMs -= 5_000;
  assert.equal((await ledger.submit(wire(ledger, 'b'))).timeMs, first.timeMs, 'block time never goes back');
  clockMs += 2 * 60 * 60 * 1000;
  await assert.rejects(ledger.submit(wire(ledger, 'c')), refusedWith('LEDGER_CLOCK_UNCONFIRMED'));
  assert.equal(ledger.health().status, 'stopped');
  clockMs -= 2 * 60 * 60 * 1000;
  assert.equal(ledger.health().status, 'stopped', 'only the operator confirms');
  ledger.confirmClock();
  assert.equal(ledger.health().status, 'ok');
  await ledger.submit(wire(ledger, 'd'));
  monotonicMs += 3 * 60 * 60 * 1000;
  clockMs += 3 * 60 * 60 * 1000;
  await ledger.submit(wire(ledger, 'e'));
  await ledger.close();

  clockMs -= 60 * 60 * 1000;
  const back = await open(folder, options);
  assert.equal(back.health().status, 'stopped');
  await assert.rejects(back.submit(wire(back, 'f')), refusedWith('LEDGER_CLOCK_UNCONFIRMED'));
  back.confirmClock();
  const last = back.head().timeMs;
  assert.equal((await back.submit(wire(back, 'f'))).timeMs, last);
  await back.close();
  clockMs += 500 * 60 * 60 * 1000;
  const forward = await open(folder, options);
  assert.equal(forward.health().status, 'ok', 'a gap forward at the start is normal');
  await forward.close();
});
