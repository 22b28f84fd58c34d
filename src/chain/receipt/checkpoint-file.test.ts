import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { createReceiptSamples, type ReceiptSamples } from '../../../test/support/receipt-samples.ts';
import { nextCheckpoint } from './checkpoint-file.ts';
import { parseTrust, type Trust } from './trust.ts';
import { verifyReceipt } from './verify.ts';

describe('a checkpoint made from a receipt of a single operator', () => {
  let samples: ReceiptSamples;
  let genesis: Trust;
  const sample = (name: string): Uint8Array => samples.receipts[name] as Uint8Array;

  before(async () => {
    samples = await createReceiptSamples();
    genesis = parseTrust(samples.genesis);
  });

  test('holds its head, the keys of the trust file and its witnesses', async () => {
    const made = nextCheckpoint(await verifyReceipt(samples.early, genesis), genesis);
    assert.deepEqual(Buffer.from(made), Buffer.from(samples.checkpoint));
    const held = parseTrust(made);
    const next = parseTrust(nextCheckpoint(await verifyReceipt(sample('transaction-claim'), held), held));
    assert.ok((next.head?.height ?? 0) > (held.head?.height ?? 0));
    assert.equal((await verifyReceipt(sample('journal-version'), next)).checkpoint, 'same');
  });

  test('is not made of an older head, nor of one that does not go on from the held one', async () => {
    const held = parseTrust(samples.checkpoint);
    const untied = await verifyReceipt(sample('transaction'), held);
    assert.equal(untied.checkpoint, 'not tied');
    assert.throws(() => nextCheckpoint(untied, held), { code: 'RECEIPT_NOT_TIED' });
    const newest = parseTrust(nextCheckpoint(await verifyReceipt(sample('transaction-claim'), held), held));
    const older = await verifyReceipt(samples.early, genesis);
    assert.throws(() => nextCheckpoint(older, newest), { code: 'RECEIPT_BEFORE_CHECKPOINT' });
  });
});
