import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import vector from '../../../test/vectors/cometbft/valset-changes.json' with { type: 'json' };
import { canonicalBytes, type Json, parseCanonical } from '../../std/canonical-json.ts';
import { isReject } from '../../std/reject.ts';
import { lightBlockOf } from '../cometbft/light-block.ts';
import { verifySignedHeader } from '../cometbft/verify-light-block.ts';
import { CometBftCommit } from './cometbft-commit.ts';
import { walkToSet } from './validator-walk.ts';

const Walk = Type.Object({ ...CometBftCommit.properties }, { additionalProperties: false });

const set = (from: keyof typeof vector.validators) =>
  vector.validators[from].map(({ pub_key, voting_power }) => ({
    publicKey: Buffer.from(pub_key.value, 'base64').toString('hex'),
    power: Number(voting_power),
  }));

const block = (height: number) => {
  const found = vector.signedHeaders.find(({ header }) => header.height === String(height));
  assert.ok(found);
  return lightBlockOf(found);
};

/** The real chain's way from its first set to the header of height 30, as a receipt would hold it. */
const WALK = {
  kind: 'cometbft',
  ...block(30),
  changes: [
    { ...block(5), validators: set('6') },
    { ...block(17), validators: set('18') },
    { ...block(26), validators: set('27') },
  ],
};

/** '' when the walk holds; else the code, or `form`. */
async function walk(bytes: Uint8Array, trusted = { set: set('1'), height: 0 }): Promise<string> {
  const value = parseCanonical(bytes);
  if (!Value.Check(Walk, value)) return 'form';
  try {
    const { header, commit, changes } = value as CometBftCommit;
    const finalHeight = Number(header.height);
    const last = await walkToSet(changes, trusted, { chainId: vector.chainId, finalHeight });
    await verifySignedHeader({ header, commit }, last, vector.chainId);
    return '';
  } catch (error) {
    if (!isReject(error)) throw error;
    return error.code;
  }
}

const bytesOf = (value: unknown): Uint8Array => canonicalBytes(value as Json);

test('a real chain is walked through one who joins, one who gains power and one who leaves', async () => {
  assert.equal(await walk(bytesOf(WALK)), '');
  const { changes } = WALK;
  for (let at = 0; at < changes.length; at++)
    assert.equal(await walk(bytesOf({ ...WALK, changes: changes.toSpliced(at, 1) })), 'COMMIT_SET_DIFFERS');
  assert.equal(await walk(bytesOf({ ...WALK, ...block(9), changes: changes.slice(0, 1) })), '');
  assert.equal(await walk(bytesOf({ ...WALK, ...block(1), changes: [] })), '');
});

test('from a later set on, what came before is held against it', async () => {
  const from = (name: '1' | '6' | '18' | '27', height: number) => walk(bytesOf(WALK), { set: set(name), height });
  assert.equal(await from('6', 5), '');
  assert.equal(await from('6', 16), '');
  assert.equal(await from('18', 17), '');
  assert.equal(await from('27', 26), '');
  assert.equal(await from('27', 29), '');
  assert.equal(await from('6', 4), 'COMMIT_SET_DIFFERS');
  assert.equal(await from('1', 5), 'RECEIPT_CHECKPOINT_CONTRADICTED');
  assert.equal(await from('6', 17), 'RECEIPT_CHECKPOINT_CONTRADICTED');
});

test('any byte of it changed is refused', async () => {
  const bytes = bytesOf(WALK);
  const stride = process.env.ACESO_LONG === '1' ? 1 : 3;
  for (let at = 0; at < bytes.length; at += stride) {
    const bent = bytes.slice();
    bent[at] = (bent[at] as number) ^ 1;
    assert.notEqual(await walk(bent), '', `byte ${at}: ${Buffer.from(bytes.subarray(at - 20, at + 20))}`);
  }
});
