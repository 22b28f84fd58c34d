import { mkdirSync, writeFileSync } from 'node:fs';
import { nextCheckpoint } from '../../../src/chain/receipt/checkpoint-file.ts';
import { parseTrust } from '../../../src/chain/receipt/trust.ts';
import { verifyReceipt } from '../../../src/chain/receipt/verify.ts';
import { createCometBftSamples } from '../../support/receipt-samples.ts';

// node test/vectors/receipt/make-cometbft.ts FOLDER writes receipts of a consortium, its genesis and two checkpoints to
// FOLDER beside this file. It adds and never changes: receipts like these are in people's hands.
const name = process.argv[2] ?? '';
if (!/^[a-z0-9-]+$/.test(name)) throw new Error('usage: node test/vectors/receipt/make-cometbft.ts FOLDER');
const folder = new URL(`./${name}/`, import.meta.url);
mkdirSync(folder);

const { receipts, genesis, content, early } = await createCometBftSamples();
const write = (file: string, bytes: Uint8Array) => writeFileSync(new URL(file, folder), bytes, { flag: 'wx' });
write('genesis.json', genesis);
write('content-of-journal-version.json', content);
for (const [subject, bytes] of Object.entries({ ...receipts, early })) write(`${subject}.receipt.json`, bytes);
const trust = parseTrust(genesis);
for (const bytes of [early, receipts.transaction as Uint8Array]) {
  const verdict = await verifyReceipt(bytes, trust);
  write(`checkpoint-${verdict.head.height}.json`, nextCheckpoint(verdict, trust));
}
