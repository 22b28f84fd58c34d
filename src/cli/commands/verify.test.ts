import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runLine } from '../../../test/support/command-line.ts';
import { parseTrust } from '../../chain/receipt/trust.ts';
import { EXIT } from '../exit-codes.ts';

const VECTORS = join(import.meta.dirname, '../../../test/vectors/receipt');

/** A folder with the committed receipts of a consortium and of a single operator, and command lines that run in it. */
function createFolder(t: TestContext) {
  const cwd = mkdtempSync(join(tmpdir(), 'aceso-verify-'));
  t.after(() => rmSync(cwd, { recursive: true }));
  cpSync(join(VECTORS, 'cometbft'), join(cwd, 'many'), { recursive: true });
  cpSync(VECTORS, join(cwd, 'one'), { recursive: true, filter: (source) => source !== join(VECTORS, 'cometbft') });
  return {
    cwd,
    async verify(line: string): Promise<readonly [code: number, notes: string]> {
      const { code, notes } = await runLine(['verify', ...line.split(' ')], { cwd });
      return [code, notes];
    },
    heightOf: (name: string) => parseTrust(readFileSync(join(cwd, name))).head?.height,
  };
}

test('a checkpoint of the newest verified head is written, and serves as the next trust file', async (t) => {
  const { cwd, verify, heightOf } = createFolder(t);
  assert.deepEqual(await verify('many/early.receipt.json --trust many/genesis.json --checkpoint held.json'), [0, '']);
  assert.equal(heightOf('held.json'), 1);
  assert.deepEqual(await verify('many --trust held.json --checkpoint held.json'), [0, '']);
  assert.equal(heightOf('held.json'), 4);
  assert.deepEqual(readFileSync(join(cwd, 'held.json')), readFileSync(join(cwd, 'many/checkpoint-4.json')));
  assert.deepEqual(await verify('many/state-present.receipt.json --trust held.json'), [0, '']);
  assert.ok(!readdirSync(cwd).includes('held.json.new'));
});

test('a checkpoint is not replaced by an older one, nor by what does not verify under it', async (t) => {
  const { cwd, verify, heightOf } = createFolder(t);
  const refused = async (line: string): Promise<string> => {
    const [code, notes] = await verify(line);
    assert.notEqual(code, 0, line);
    return notes;
  };
  cpSync(join(cwd, 'many/checkpoint-4.json'), join(cwd, 'held.json'));
  const older = 'many/early.receipt.json --trust many/genesis.json --checkpoint held.json';
  assert.match(await refused(older), /RECEIPT_BEFORE_CHECKPOINT/);
  assert.match(await refused('one --trust one/genesis.json --checkpoint held.json'), /RECEIPT_OTHER_LEDGER/);
  // A checkpoint of a fork: what genesis lets pass is held against what the file says.
  const checkpoint = JSON.parse(readFileSync(join(cwd, 'held.json'), 'utf8'));
  const [first, ...rest] = checkpoint.operator.validators;
  const forked = JSON.stringify({ ...checkpoint, operator: { ...checkpoint.operator, validators: rest } });
  writeFileSync(join(cwd, 'fork.json'), forked);
  assert.ok(first);
  const other = 'many/state-present.receipt.json --trust many/genesis.json --checkpoint fork.json';
  assert.match(await refused(other), /RECEIPT_CHECKPOINT_CONTRADICTED/);
  assert.equal(readFileSync(join(cwd, 'fork.json'), 'utf8'), forked);
  assert.equal(heightOf('held.json'), 4);
});

test('no other file is overwritten, and nothing is written unless all verified', async (t) => {
  const { cwd, verify } = createFolder(t);
  const before = readFileSync(join(cwd, 'many/genesis.json'));
  const [, overGenesis] = await verify('many --trust many/genesis.json --checkpoint many/genesis.json');
  assert.match(overGenesis, /FILE_EXISTS/);
  assert.deepEqual(readFileSync(join(cwd, 'many/genesis.json')), before);
  const [, overReceipt] = await verify('many --trust many/genesis.json --checkpoint many/early.receipt.json');
  assert.match(overReceipt, /TRUST_MALFORMED/);
  writeFileSync(join(cwd, 'many/torn.receipt.json'), '{');
  const [code] = await verify('many --trust many/genesis.json --checkpoint held.json');
  assert.equal(code, EXIT.UNVERIFIED);
  assert.ok(!readdirSync(cwd).some((name) => name.startsWith('held')));
});

test('a single operator’s checkpoint goes on from the held one only where a receipt ties them', async (t) => {
  const { cwd, verify, heightOf } = createFolder(t);
  cpSync(join(cwd, 'one/checkpoint.json'), join(cwd, 'held.json'));
  const [, untied] = await verify('one/transaction.receipt.json --trust one/genesis.json --checkpoint held.json');
  assert.match(untied, /RECEIPT_NOT_TIED/);
  assert.equal(heightOf('held.json'), 1);
  // Of all receipts of one head, the one that ties it is taken, whichever comes first.
  const both = 'one/transaction.receipt.json one/transaction-claim.receipt.json';
  const [code, notes] = await verify(`${both} --trust one/checkpoint.json --checkpoint held.json`);
  assert.deepEqual([code, notes], [0, '']);
  assert.equal(heightOf('held.json'), 4);
});
