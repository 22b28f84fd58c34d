import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createNotesChain } from '../../test/support/notes-chain.ts';
import { notesContract } from '../../test/support/notes-contract.ts';
import { verifySignature } from '../../test/support/test-chain.ts';
import type { Json, JsonObject } from '../std/canonical-json.ts';
import { isReject } from '../std/reject.ts';
import type { Contract } from './contract.ts';
import { type Genesis, genesisHash, parseGenesis } from './genesis.ts';
import { createKernel } from './kernel.ts';
import { rules } from './rules.ts';

const valid = createNotesChain().genesis as JsonObject & { sections: { chain: JsonObject; notes: JsonObject } };
const chainSection = (chain: Json): JsonObject => ({ ...valid, sections: { ...valid.sections, chain } });
const witness = { name: 'witness.example', publicKey: 'ab'.repeat(32) };

const MALFORMED: Readonly<Record<string, unknown>> = {
  'no object': [],
  'another format': { ...valid, format: 'aceso.genesis/2' },
  'unknown member': { ...valid, more: 1 },
  'no name': { ...valid, name: '' },
  'time as text': { ...valid, createdMs: '0' },
  'time negative': { ...valid, createdMs: -1 },
  'operator without kind': { ...valid, operator: { publicKey: 'ab'.repeat(32) } },
  'embedded operator without key': { ...valid, operator: { kind: 'embedded' } },
  'embedded operator with more': { ...valid, operator: { ...(valid.operator as JsonObject), more: 1 } },
  'a witness twice': { ...valid, witnesses: [witness, witness] },
  'a witness without key': { ...valid, witnesses: [{ name: 'x' }] },
  'no sections': { ...valid, sections: {} },
  'a section no object': { ...valid, sections: { ...valid.sections, notes: 1 } },
  'no rules': chainSection({}),
  'unknown limit': chainSection({ ...valid.sections.chain, limits: { more: 1 } }),
  'a limit of zero': chainSection({ ...valid.sections.chain, limits: { workPerMinute: 0 } }),
  'rules twice': chainSection({
    rules: [
      { capability: 'notes', version: 1 },
      { capability: 'notes', version: 2 },
    ],
  }),
  'rules of the kernel': chainSection({ rules: [{ capability: 'chain', version: 1 }] }),
  'null inside': { ...valid, sections: { ...valid.sections, notes: { accounts: null } } },
  'a float inside': { ...valid, sections: { ...valid.sections, notes: { half: 0.5 } } },
};

const founder = { account: '1'.repeat(32), publicKey: 'ab'.repeat(32), power: 1, node: '2'.repeat(40) };
const second = { account: '3'.repeat(32), publicKey: 'cd'.repeat(32), power: 0, node: '4'.repeat(40) };

function consortium(...validators: readonly JsonObject[]): JsonObject {
  return { ...valid, operator: { kind: 'cometbft', validators: [...validators], blockBytes: 1024 * 1024 } };
}

const MALFORMED_CONSORTIUM: Readonly<Record<string, JsonObject>> = {
  'no validators': consortium(),
  'nobody with power': consortium(second),
  'an account twice': consortium(founder, { ...second, account: founder.account }),
  'a key twice': consortium(founder, { ...second, publicKey: founder.publicKey }),
  'a node twice': consortium(founder, { ...second, node: founder.node }),
  'a key of small order': consortium({ ...founder, publicKey: `01${'00'.repeat(31)}` }),
  'negative power': consortium({ ...founder, power: -1 }),
  'power beyond the limit': consortium({ ...founder, power: 1_000_001 }),
  'a member that nobody knows': consortium({ ...founder, more: 1 }),
  'a state that the head does not commit to': {
    ...consortium(founder),
    previous: {
      head: {
        genesis: 'a'.repeat(64),
        height: 7,
        logSize: 3,
        logRoot: 'b'.repeat(64),
        appHash: 'c'.repeat(64),
      },
      treeRoot: 'd'.repeat(64),
    },
  },
};

test('a consortium’s genesis names validators', () => {
  assert.notEqual(parseGenesis(consortium(founder, second)), undefined);
});

for (const [name, value] of Object.entries({ ...MALFORMED, ...MALFORMED_CONSORTIUM })) {
  test(`malformed genesis: ${name}`, () => assert.equal(parseGenesis(value as Json), undefined));
}

function kernelCode(genesis: JsonObject, contracts: readonly Contract[] = [notesContract]): string {
  try {
    createKernel({ genesis, contracts, verifySignature });
    return 'OK';
  } catch (error) {
    return isReject(error) ? error.code : 'thrown';
  }
}

test('a kernel wants rules that it has, and sections that somebody reads', () => {
  assert.equal(kernelCode(valid), 'OK');
  assert.equal(kernelCode(chainSection({ rules: [{ capability: 'notes', version: 3 }] })), 'GENESIS_MALFORMED');
  assert.equal(kernelCode(chainSection({ rules: [{ capability: 'none', version: 1 }] })), 'GENESIS_MALFORMED');
  assert.equal(kernelCode(chainSection({ rules: [] })), 'GENESIS_MALFORMED');
  assert.equal(kernelCode({ ...valid, more: 1 }), 'GENESIS_MALFORMED');
});

test('contracts that claim the same thing are refused', () => {
  const other = (rest: Partial<Contract>): Contract => ({
    ...notesContract,
    name: 'other',
    maps: [],
    queries: {},
    ruleSets: [],
    ...rest,
  });
  assert.equal(kernelCode(valid, [notesContract, other({})]), 'OK');
  for (const rest of [
    { name: 'notes' },
    { name: 'chain' },
    { maps: notesContract.maps },
    { queries: notesContract.queries ?? {} },
    { ruleSets: notesContract.ruleSets.slice(0, 1) },
    {
      ruleSets: [
        { version: 1, messages: {} },
        { version: 1, messages: {} },
      ],
    },
  ]) {
    assert.equal(kernelCode(valid, [notesContract, other(rest)]), 'thrown', JSON.stringify(rest));
  }
});

test('block 0 activates the rules and belongs to its document', () => {
  const chain = createNotesChain();
  const active = [...chain.state.entries(rules, [])].map(([[capability], list]) => [capability, list]);
  assert.deepEqual(active, [
    ['chain', [{ version: 1, fromHeight: 0 }]],
    ['notes', [{ version: 1, fromHeight: 0 }]],
  ]);
  assert.deepEqual([chain.head.height, chain.head.logSize, chain.head.genesis], [0, 0, chain.genesisHash]);
  const parsed = parseGenesis(valid) as Genesis;
  assert.equal(genesisHash(parsed), chain.genesisHash);
  assert.notEqual(genesisHash({ ...parsed, createdMs: 1 }), chain.genesisHash);
});
