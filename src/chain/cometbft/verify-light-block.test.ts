import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  inOrder,
  setOf,
  type TestValidator,
  testCommit,
  testHeader,
  testHeaderHash,
  testLightBlock,
  testValidator,
  testValidatorsHash,
  testVoteBytes,
} from '../../../test/support/cometbft-signer.ts';
import single from '../../../test/vectors/cometbft/commit.json' with { type: 'json' };
import chain from '../../../test/vectors/cometbft/valset-changes.json' with { type: 'json' };
import { chainIdOf } from '../chain-id.ts';
import { headerHash } from './header-hash.ts';
import { type LightBlock, lightBlockOf } from './light-block.ts';
import { bytesToUpperHex } from './upper-hex.ts';
import { validatorsHash } from './validators-hash.ts';
import { verifySignedHeader, withoutOddSignatures } from './verify-light-block.ts';
import { voteSignBytes } from './vote-sign-bytes.ts';

interface RpcValidator {
  readonly pub_key: { readonly value: string };
  readonly voting_power: string;
}

const rpcSet = (list: readonly RpcValidator[]) =>
  list.map((one) => ({
    publicKey: Buffer.from(one.pub_key.value, 'base64').toString('hex'),
    power: Number(one.voting_power),
  }));

/** The set of the real chain that votes at a height. */
function realSetAt(height: number) {
  const from = Object.keys(chain.validators)
    .map(Number)
    .filter((first) => first <= height);
  return rpcSet(chain.validators[String(Math.max(...from)) as keyof typeof chain.validators]);
}

const realBlocks = chain.signedHeaders.map(lightBlockOf);

test('headers of a real chain hold: the first, those that change the set, rounds of 1, votes absent and for no block', async () => {
  const said: unknown[] = [];
  for (const block of realBlocks) {
    const height = Number(block.header.height);
    const { signed, of } = await verifySignedHeader(block, realSetAt(height), chain.chainId);
    said.push([height, block.commit.round, signed, of]);
  }
  assert.deepEqual(said, [
    [1, 0, 4, 4],
    [5, 0, 4, 4],
    [9, 1, 4, 5],
    [17, 1, 4, 5],
    [26, 0, 4, 5],
    [30, 0, 4, 4],
  ]);
  const set = rpcSet(single.validators);
  const { header } = single.signedHeader;
  assert.deepEqual(await verifySignedHeader(lightBlockOf(single.signedHeader), set, header.chain_id), {
    signed: 1,
    of: 1,
  });
});

test('the signer of the tests makes the bytes of the real chain, and so does the verifier', () => {
  for (const { header, commit } of realBlocks) {
    assert.equal(testHeaderHash(header), commit.block_id.hash);
    assert.equal(bytesToUpperHex(headerHash(header)), commit.block_id.hash);
    const set = realSetAt(Number(header.height));
    assert.equal(testValidatorsHash(set), header.validators_hash);
    assert.equal(bytesToUpperHex(validatorsHash(set)), header.validators_hash);
    for (const { timestamp } of commit.signatures)
      assert.deepEqual(
        Buffer.from(voteSignBytes(commit, timestamp, chain.chainId)),
        Buffer.from(testVoteBytes(commit, timestamp, chain.chainId)),
      );
  }
});

test('any text or number of a real header or commit changed is refused', async () => {
  for (const block of realBlocks) {
    const set = realSetAt(Number(block.header.height));
    const accepts = async (bent: LightBlock): Promise<boolean> => {
      try {
        await verifySignedHeader(lightBlockOf(bent), set, chain.chainId);
        return true;
      } catch (error) {
        assert.match((error as { code: string }).code, /^COMMIT_/);
        return false;
      }
    };
    assert.ok(await accepts(block));
    for (const path of leavesOf(block)) {
      for (const bend of BENDS) {
        const bent = structuredClone(block);
        const [holder, name] = placeIn(bent, path);
        const value = bend(holder[name] as string | number);
        if (value === holder[name]) continue;
        holder[name] = value;
        const isDropped = name === 'block_id_flag';
        // A vote that says of itself that it is for another block is left out; the others may suffice.
        if (!isDropped)
          assert.equal(await accepts(bent), false, `${block.header.height}: ${path.join('.')} as ${value}`);
      }
    }
  }
});

const digit = (text: string, at: number) => text.slice(0, at) + (text[at] === '1' ? '2' : '1') + text.slice(at + 1);
const BENDS: readonly ((value: string | number) => string | number)[] = [
  (value) => (typeof value === 'number' ? value + 1 : digit(value, 0)),
  (value) => (typeof value === 'number' ? value + 2 ** 31 : digit(value, value.length >> 1)),
  (value) => (typeof value === 'number' ? -value : value.slice(0, -1)),
  (value) => (typeof value === 'number' ? String(value) : `${value}0`),
  (value) => (typeof value === 'number' ? value + 0.5 : ''),
  (value) => (typeof value === 'number' ? 0 : value.toLowerCase()),
];

type Holder = { [name: string]: unknown };

function leavesOf(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([name, inner]) => leavesOf(inner, [...path, name]));
}

function placeIn(value: unknown, path: readonly string[]): [Holder, string] {
  const holder = path.slice(0, -1).reduce((at, name) => at[name] as Holder, value as Holder);
  return [holder, path.at(-1) as string];
}

const CHAIN = chainIdOf('5a'.repeat(32));
const refused = async (block: LightBlock, set: readonly TestValidator[], chainId = CHAIN): Promise<string> => {
  try {
    await verifySignedHeader(block, setOf(set), chainId);
    return '';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

test('exactly two thirds of the power are too little, and one more suffices', async () => {
  const three = ['a', 'b', 'c'].map((name) => testValidator(name, 1));
  const block = (voters: readonly TestValidator[], set: readonly TestValidator[]) =>
    testLightBlock({ chainId: CHAIN, height: 2, set }, voters);
  assert.equal(await refused(block(three.slice(0, 2), three), three), 'COMMIT_POWER_MISSING');
  assert.equal(await refused(block(three, three), three), '');
  const [a, b, c] = three as [TestValidator, TestValidator, TestValidator];
  const uneven = [
    { ...a, power: 1_000_000 },
    { ...b, power: 499_999 },
    { ...c, power: 1 },
  ];
  assert.equal(await refused(block(uneven.slice(0, 1), uneven), uneven), 'COMMIT_POWER_MISSING');
  assert.equal(await refused(block([uneven[0], uneven[2]] as TestValidator[], uneven), uneven), '');
  assert.equal(await refused(block(uneven.slice(1), uneven), uneven), 'COMMIT_POWER_MISSING');
});

test('a set that CometBFT cannot have is refused, though a header names it', async () => {
  const [a, b] = [testValidator('a'), testValidator('b')];
  for (const set of [[a, a, b], [{ ...a, power: 0 }, b], [{ ...a, power: -10 }, b], [{ ...a, power: 0.5 }, b], []]) {
    const header = { ...testHeader({ chainId: CHAIN, height: 2, set: [a, b] }) };
    if (set.every(({ power }) => power > 0 && Number.isInteger(power)))
      header.validators_hash = bytesToUpperHex(validatorsHash(set));
    assert.equal(await refused({ header, commit: testCommit(header, inOrder([a, b])) }, set), 'COMMIT_SET_DIFFERS');
  }
});

test('a key of small order signs for nobody', async () => {
  const [a, b, c] = [testValidator('a'), testValidator('b'), testValidator('c')];
  // The neutral point: under it (R = base point, S = 1) is a signature of anything.
  const neutral = { ...testValidator('weak'), publicKey: `01${'00'.repeat(31)}` };
  const set = [a, b, c, neutral];
  const block = testLightBlock({ chainId: CHAIN, height: 2, set }, [a, b, neutral]);
  for (const vote of block.commit.signatures)
    if (vote.validator_address === testCommit(block.header, [neutral]).signatures[0]?.validator_address)
      vote.signature = Buffer.from(`58${'66'.repeat(31)}01${'00'.repeat(31)}`, 'hex').toString('base64');
  assert.equal(await refused(block, set), 'COMMIT_SIGNATURE_WRONG');
});

test('an issuer leaves odd signatures out, and the others suffice', async () => {
  const set = ['a', 'b', 'c', 'd'].map((name) => testValidator(name));
  const block = testLightBlock({ chainId: CHAIN, height: 2, set }, set);
  const [odd] = block.commit.signatures;
  if (odd !== undefined) odd.signature = Buffer.alloc(64, 1).toString('base64');
  assert.equal(await refused(block, set), 'COMMIT_SIGNATURE_WRONG');
  const left = await withoutOddSignatures(block, setOf(set));
  assert.equal(left.commit.signatures.length, 3);
  assert.equal(await refused(left, set), '');
});

test('a chain id is the genesis hash in 49 characters', () => {
  assert.match(CHAIN, /^aceso-[A-Za-z0-9_-]{43}$/);
  assert.equal(chainIdOf('00'.repeat(32)), `aceso-${'A'.repeat(43)}`);
  assert.throws(() => chainIdOf('AB'.repeat(32)), RangeError);
  assert.throws(() => chainIdOf('ab'), RangeError);
});

test('what is no signed header of the RPC is refused', () => {
  const [good] = chain.signedHeaders;
  assert.ok(good);
  const bad: readonly unknown[] = [
    {},
    { header: null, commit: null },
    { ...good, commit: { signatures: null } },
    { ...good, header: 1 },
  ];
  for (const one of bad) assert.throws(() => lightBlockOf(one as LightBlock), { code: 'COMMIT_MALFORMED' });
});
