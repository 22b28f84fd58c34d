import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createNotesChain, hospital, patient } from '../../test/support/notes-chain.ts';
import { notes, notesContract, reports } from '../../test/support/notes-contract.ts';
import { type TestChain, verifySignature } from '../../test/support/test-chain.ts';
import { testSigner } from '../../test/support/test-signer.ts';
import { consistencyProof, inclusionProof, logRoot } from '../state/log.ts';
import { logLeafHash, verifyConsistency, verifyInclusion } from '../state/log-proof.ts';
import { createMemoryStore } from '../state/memory-store.ts';
import type { KvReader } from '../state/store.ts';
import { readTreeRoot } from '../state/tree.ts';
import type { StateWriter } from '../state/typed-map.ts';
import { bytesToHex, hexToBytes } from '../std/bytes.ts';
import type { JsonObject } from '../std/canonical-json.ts';
import { isReject } from '../std/reject.ts';
import { appHash } from './app-hash.ts';
import { RulesMissing, StorageFault } from './fault.ts';
import { createKernel } from './kernel.ts';
import type { SignatureTask } from './kernel-api.ts';
import { parseLeaf, rememberedIds } from './leaf.ts';
import { isSameTask, keyRecordHash } from './signature.ts';
import type { Message } from './transaction.ts';

const put: Message = { type: 'note.put', name: 'a', text: 'x' };
const kernelOf = (chain: TestChain) =>
  createKernel({ genesis: chain.genesis, contracts: [notesContract], verifySignature });
const fresh = (chain: TestChain) => {
  const store = createMemoryStore();
  store.apply(chain.kernel.initialise().writes);
  return store;
};
const rejectCode = (call: () => unknown): string => {
  try {
    call();
  } catch (error) {
    if (isReject(error)) return error.code;
    throw error;
  }
  return 'none';
};

test('an empty block changes nothing but height and time', () => {
  const chain = createNotesChain();
  chain.submit(put, { by: patient });
  const before = chain.head;
  chain.advance(60_000);
  const { leaves, outcomes, writes } = chain.block([]);
  assert.deepEqual([leaves, outcomes], [[], []]);
  assert.deepEqual([...writes.keys()], ['h/head', 'h/time']);
  assert.deepEqual(chain.head, { ...before, height: before.height + 1 });
  assert.equal(chain.kernel.timeMs(chain.store), chain.timeMs);
});

test('a block ends with a leaf of its tree root, and its head covers tree and log', () => {
  const chain = createNotesChain();
  const { outcomes } = chain.block([chain.wire(put, { by: patient, approvers: [hospital] }), new Uint8Array([9])]);
  const treeRoot = readTreeRoot(chain.store);
  const at = { height: 1, timeMs: chain.timeMs };
  const signers = [
    { account: patient.account, key: keyRecordHash(patient.record), role: 'sender' },
    { account: hospital.account, key: keyRecordHash(hospital.record), role: 'approver' },
  ];
  assert.deepEqual(chain.leaves.map(parseLeaf), [
    { kind: 'outcome', ...at, index: 0, id: outcomes[0]?.id, signers, code: 'OK', data: {} },
    { kind: 'outcome', ...at, index: 1, id: outcomes[1]?.id, signers: [], code: 'TRANSACTION_MALFORMED', data: {} },
    { kind: 'block', ...at, treeRoot: bytesToHex(treeRoot) },
  ]);
  const { head } = chain;
  const root = hexToBytes(head.logRoot) as Uint8Array;
  assert.equal(head.logSize, 3);
  assert.equal(head.appHash, bytesToHex(appHash(treeRoot, root, 3, 1)));
  for (const [index, leaf] of chain.leaves.entries()) {
    assert.ok(verifyInclusion(logLeafHash(leaf), index, 3, inclusionProof(chain.store, 'l/', index, 3), root));
  }
});

test('the log of each block extends that of the block before', () => {
  const chain = createNotesChain();
  const heads = [chain.head];
  for (let count = 1; count <= 20; count++) {
    chain.block(Array.from({ length: count }, () => chain.wire(put, { by: hospital })));
    heads.push(chain.head);
  }
  for (const { logSize, logRoot: root } of heads) {
    const path = consistencyProof(chain.store, 'l/', logSize, chain.head.logSize);
    const [from, to] = [hexToBytes(root) as Uint8Array, hexToBytes(chain.head.logRoot) as Uint8Array];
    assert.ok(verifyConsistency(logSize, from, chain.head.logSize, to, path));
    assert.equal(bytesToHex(logRoot(chain.store, 'l/', logSize)), root);
  }
});

test('a transaction runs once: in its block, in later ones, and after a restart', () => {
  const chain = createNotesChain();
  const wire = chain.wire(put, { by: patient, validityMs: 600_000 });
  const twice = chain.block([wire, wire]).outcomes;
  assert.deepEqual(
    twice.map(({ code }) => code),
    ['OK', 'TRANSACTION_REPLAYED'],
  );
  assert.equal(
    rejectCode(() => chain.kernel.check(chain.store, wire, chain.timeMs)),
    'TRANSACTION_REPLAYED',
  );
  chain.advance(600_000);
  assert.equal(chain.block([wire.slice()]).outcomes[0]?.code, 'TRANSACTION_REPLAYED');

  const restarted = kernelOf(chain);
  const block = { height: chain.head.height + 1, timeMs: chain.timeMs, transactions: [wire], misbehaviour: [] };
  assert.equal(restarted.execute(chain.store, block).outcomes[0]?.code, 'OK', 'the window is not state');
  const remembering = kernelOf(chain);
  remembering.remember(rememberedIds(chain.leaves));
  assert.equal(remembering.execute(chain.store, block).outcomes[0]?.code, 'TRANSACTION_REPLAYED');
  assert.equal(
    rejectCode(() => remembering.check(chain.store, wire, chain.timeMs)),
    'TRANSACTION_REPLAYED',
  );
  chain.advance(1);
  assert.equal(chain.block([wire]).outcomes[0]?.code, 'TRANSACTION_EXPIRED');
});

test('a copy with a forged signature does not keep the genuine transaction out', () => {
  const chain = createNotesChain();
  const wire = chain.wire(put, { by: patient });
  const forged = wire.slice();
  forged[forged.length - 1] = (forged.at(-1) as number) ^ 1;
  const { outcomes } = chain.block([forged, wire]);
  assert.equal(outcomes[0]?.id, outcomes[1]?.id);
  assert.deepEqual(
    outcomes.map(({ code }) => code),
    ['SIGNATURE_WRONG', 'OK'],
  );
  assert.deepEqual([...rememberedIds(chain.leaves)].length, 1);
});

test('what a worker verified is not verified again, and only for exactly that key record', () => {
  const chain = createNotesChain();
  let verified = 0;
  const counting = (task: Parameters<typeof verifySignature>[0]) => {
    verified += 1;
    return verifySignature(task);
  };
  const kernel = createKernel({ genesis: chain.genesis, contracts: [notesContract], verifySignature: counting });
  const block = { height: 1, timeMs: chain.timeMs, transactions: [chain.wire(put, { by: patient })], misbehaviour: [] };
  const seen: [string, SignatureTask][] = [];
  const trust = (id: string, task: SignatureTask) => seen.push([id, task]) > 0;
  const trusted = kernel.execute(chain.store, block, trust);
  const [[id, task] = []] = seen;
  assert(seen.length === 1 && task !== undefined);
  assert.equal(id, trusted.outcomes[0]?.id);
  assert(isSameTask(task, { ...task, account: patient.account, keyRecordHash: keyRecordHash(patient.record) }));
  // Neither another signature over the same bytes nor another record passes for what was verified.
  assert(!isSameTask(task, { ...task, signature: task.signature.map((byte) => byte ^ 1) }));
  assert(!isSameTask(task, { ...task, keyRecordHash: '0'.repeat(64) }));
  assert.equal(verified, 0);
  assert.deepEqual(
    kernel.execute(chain.store, block, () => false),
    trusted,
  );
  assert.equal(verified, 1);
});

test('a wire that was written to after its check is run as it is in the block', () => {
  const chain = createNotesChain();
  const wire = chain.wire(put, { by: patient });
  chain.kernel.check(chain.store, wire, chain.timeMs);
  wire[wire.length - 1] = (wire.at(-1) as number) ^ 1;
  assert.equal(chain.block([wire]).outcomes[0]?.code, 'SIGNATURE_WRONG');
});

test('a failing store halts, whatever it throws, and is never an outcome', () => {
  const chain = createNotesChain();
  const block = { height: 1, timeMs: chain.timeMs, transactions: [chain.wire(put, { by: patient })], misbehaviour: [] };
  for (const unreadable of ['s/notes.texts/', 's/chain.accounts/', 's/chain.budgets/', 's/chain.rules', 't/']) {
    const store: KvReader = {
      get(key) {
        if (key.startsWith(unreadable)) throw new TypeError('disk');
        return chain.store.get(key);
      },
      range(from, to) {
        if (from.startsWith(unreadable)) throw new TypeError('disk');
        return chain.store.range(from, to);
      },
    };
    assert.throws(() => chain.kernel.execute(store, block), StorageFault, unreadable);
  }
});

test('blocks follow one another in height and time', () => {
  const chain = createNotesChain();
  const { timeMs } = chain;
  const block = { height: 1, timeMs, transactions: [], misbehaviour: [] };
  assert.throws(() => chain.kernel.execute(chain.store, { ...block, height: 2 }), /does not follow/);
  assert.throws(() => chain.kernel.execute(chain.store, { ...block, height: 0 }), /does not follow/);
  assert.throws(() => chain.kernel.execute(chain.store, { ...block, timeMs: timeMs - 1 }), /goes back/);
  assert.throws(() => chain.kernel.execute(createMemoryStore(), block), /empty/);
});

test('rules change at their height: neither before nor by what the software has', () => {
  const chain = createNotesChain();
  const activate = (list: JsonObject[]) =>
    chain.submit({ type: 'note.activate', capability: 'notes', list }, { by: hospital });
  activate([
    { version: 1, fromHeight: 0 },
    { version: 2, fromHeight: 4 },
    { version: 1, fromHeight: 6 },
  ]);
  const codes = [2, 3, 4, 5, 6].map(() => chain.submit({ type: 'note.added' }, { by: patient }).code);
  assert.deepEqual(codes, ['MESSAGE_INACTIVE', 'MESSAGE_INACTIVE', 'OK', 'OK', 'MESSAGE_INACTIVE']);
});

for (const [capability, version] of [
  ['notes', 3],
  ['later', 1],
  ['chain', 2],
] as const) {
  test(`activated rules that the software lacks (${capability}/${version}) halt it`, () => {
    const chain = createNotesChain();
    const list = [{ version, fromHeight: 3 }];
    chain.submit({ type: 'note.activate', capability, list }, { by: hospital });
    chain.block([]);
    assert.throws(() => chain.block([]), RulesMissing);
  });
}

test('a capability that the software has and genesis does not activate leaves no trace', () => {
  const chain = createNotesChain();
  const later = {
    ...notesContract,
    name: 'later',
    maps: [],
    queries: {},
    ruleSets: [{ version: 1, messages: {} }],
    misbehaviour: (state: StateWriter) => state.set(reports, ['later'], 1),
    genesis: () => assert.fail(),
  };
  const kernel = createKernel({ genesis: chain.genesis, contracts: [later, notesContract], verifySignature });
  assert.deepEqual(kernel.initialise(), chain.kernel.initialise());
  const report = { kind: 'duplicate-vote', validator: 'ab'.repeat(20), height: 1, timeMs: 1 } as const;
  const block = { height: 1, timeMs: chain.timeMs, transactions: [], misbehaviour: [report] };
  assert.deepEqual(kernel.execute(fresh(chain), block), chain.kernel.execute(fresh(chain), block));
});

test('misbehaviour is told before the transactions, and makes a block that has a leaf', () => {
  const faults: unknown[] = [];
  const chain = createNotesChain({ onInternalError: (_error, what) => faults.push(what) });
  const report = { kind: 'duplicate-vote', validator: 'ab'.repeat(20), height: 7, timeMs: 1 } as const;
  assert.equal(chain.block([], [report]).leaves.length, 1);
  assert.equal(chain.state.get(reports, report.validator), 7);
  chain.block([], [{ ...report, validator: 'cd'.repeat(20), kind: 'light-client-attack' }]);
  assert.equal(chain.state.get(reports, 'cd'.repeat(20)), undefined, 'a fault of the contract leaves no writes');
  assert.deepEqual(faults, ['notes', 'notes']);
});

test('queries answer by name at a committed state', () => {
  const chain = createNotesChain();
  chain.submit(put, { by: patient });
  const argument = { account: patient.account, name: 'a' };
  assert.equal(chain.kernel.query(chain.store, 'notes.text', argument), 'x');
  for (const name of ['notes.none', 'none.text', 'notes', 'text', 'constructor', '__proto__', '']) {
    assert.equal(
      rejectCode(() => chain.kernel.query(chain.store, name, argument)),
      'QUERY_UNKNOWN',
      name,
    );
  }
});

test('a check follows the head that it is given, forward and back', () => {
  const chain = createNotesChain();
  const earlier = fresh(chain);
  const newcomer = testSigner('unclaimed', 'new');
  const claim: Message = { type: 'note.claim', account: newcomer.account, keys: [newcomer.record] };
  assert.equal(chain.submit(claim, { by: newcomer }).code, 'OK');
  const wire = chain.wire(put, { by: newcomer });
  const check = (store: KvReader) => rejectCode(() => chain.kernel.check(store, wire, chain.timeMs));
  assert.equal(check(chain.store), 'none');
  assert.equal(check(earlier), 'SIGNER_KEY_UNKNOWN');
  assert.equal(check(chain.store), 'none');
  const { lane, sponsor, signatures } = chain.kernel.check(chain.store, wire, 0);
  assert.deepEqual([lane, sponsor, signatures.map(verifySignature)], ['ordinary', hospital.account, [true]]);
});

test('a check knows the rules and the budgets of the head that it is given', () => {
  const chain = createNotesChain({ limits: { workPerMinute: 50_000 } });
  const check = (message: Message) =>
    rejectCode(() => chain.kernel.check(chain.store, chain.wire(message, { by: hospital }), chain.timeMs));
  assert.equal(check({ type: 'note.added' }), 'MESSAGE_INACTIVE');
  const list = [{ version: 2, fromHeight: 2 }];
  chain.submit({ type: 'note.activate', capability: 'notes', list }, { by: hospital });
  assert.equal(check({ type: 'note.added' }), 'none');
  chain.submit({ type: 'note.burn', units: 60_000 }, { by: hospital });
  assert.equal(check({ type: 'note.added' }), 'BUDGET_EXCEEDED');
  chain.advance(60_000);
  assert.equal(check({ type: 'note.added' }), 'none');
});

test('a moved ledger goes on with the old one’s height and log', () => {
  const chain = createNotesChain();
  chain.submit(put, { by: patient });
  const genesis = { ...chain.genesis, name: 'moved', previous: { head: chain.head } };
  const kernel = createKernel({ genesis, contracts: [notesContract], verifySignature });
  const store = createMemoryStore();
  store.apply(new Map(chain.store.range('l/', 'l0')));
  const { head, writes } = kernel.initialise();
  store.apply(writes);
  assert.deepEqual([head.height, head.logSize, head.logRoot], [1, chain.head.logSize, chain.head.logRoot]);
  assert.notEqual(head.genesis, chain.head.genesis);
  const old = chain.wire({ ...put, name: 'b' }, { by: patient });
  const executed = kernel.execute(store, { height: 2, timeMs: chain.timeMs, transactions: [old], misbehaviour: [] });
  assert.equal(executed.outcomes[0]?.code, 'TRANSACTION_OTHER_LEDGER');
  assert.equal(executed.head.logSize, chain.head.logSize + 2);
  assert.equal(kernel.state(store).get(notes, patient.account, 'a'), undefined);
});
