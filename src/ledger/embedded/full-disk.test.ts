import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { notesGenesis, noteWire, openNotesLedger, temporaryFolder } from '../../../test/support/test-ledger.ts';
import { testSigner } from '../../../test/support/test-signer.ts';
import { isReject } from '../../std/reject.ts';
import { createSimulatedDisk, seededRandom } from '../store/simulated-disk.ts';

const alice = testSigner('alice');
const genesis = notesGenesis(['alice']);
const root = temporaryFolder('full-disk');
after(() => rmSync(root, { recursive: true, force: true }));

test('a full disk refuses transactions, keeps what was committed, and goes on when there is room', async () => {
  const folder = join(root, 'node');
  const disk = createSimulatedDisk(seededRandom(1));
  let monotonicMs = 0;
  const options = { blocksFolder: disk.folder, monotonic: () => monotonicMs, clock: () => Date.now() };
  const ledger = await openNotesLedger(folder, genesis, options);
  const wire = (name: string): Uint8Array =>
    noteWire(ledger.genesisHash, alice, { type: 'note.put', name, text: 'x' }, Date.now() + 60_000);
  const first = await ledger.submit(wire('before'));
  await ledger.signedHead();
  const full = (error: unknown): boolean => isReject(error) && error.code === 'LEDGER_STORAGE_FULL';

  disk.freeBytes = 100;
  const late = wire('late');
  await assert.rejects(ledger.submit(late), full);
  assert.equal(ledger.health().status, 'stopped');
  await assert.rejects(ledger.submit(wire('refused')), full);
  assert.equal(ledger.head().height, 1);
  monotonicMs += 2_000;
  await assert.rejects(ledger.submit(wire('again')), full);

  disk.freeBytes = 1_000_000;
  monotonicMs += 2_000;
  const second = await ledger.submit(late);
  assert.deepEqual([second.height, second.outcome.code], [2, 'OK']);
  assert.equal(ledger.health().status, 'ok');
  assert.deepEqual(await ledger.find(first.outcome.id), first);
  await ledger.signedHead();
  await ledger.close();

  disk.restart();
  const again = await openNotesLedger(folder, genesis, options);
  assert.equal(again.cut, undefined);
  assert.deepEqual(await again.find(second.outcome.id), second);
  assert.equal((await Array.fromAsync(again.blocks(1))).length, 2);
  await again.close();
});
