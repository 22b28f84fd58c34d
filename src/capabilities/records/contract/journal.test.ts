import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import type { TestChain } from '../../../../test/support/test-chain.ts';
import { createMemberChain, expectOk } from '../../../../test/support/test-members.ts';
import { testAccount, testSigner } from '../../../../test/support/test-signer.ts';
import { appendLog, consistencyProof, logRoot } from '../../../state/log.ts';
import { logLeafHash } from '../../../state/log-proof.ts';
import { createMemoryStore } from '../../../state/memory-store.ts';
import { bytesToHex } from '../../../std/bytes.ts';
import type { JsonObject } from '../../../std/canonical-json.ts';
import { recordsContract } from './contract.ts';
import {
  anchorOfGeneration,
  closedGenerations,
  ERASURES_PER_MESSAGE,
  erasedIndices,
  erasures,
  isErased,
  lastAnchor,
} from './state.ts';

const ada = testSigner('ada');
const bob = testSigner('bob');

function chainOfTwo() {
  return createMemberChain({ ada: ['provider'], bob: ['provider'] }, [recordsContract]);
}

/** A journal of leaves `label 0`, `label 1`, …: same label, same journal. */
function journal(label: string, size: number) {
  const store = createMemoryStore();
  const hashes = Array.from({ length: size }, (_, at) =>
    logLeafHash(new Uint8Array(createHash('sha256').update(`${label} ${at}`).digest())),
  );
  store.apply(appendLog(store, 'j/', 0, hashes).writes);
  return {
    root: (at: number) => bytesToHex(logRoot(store, 'j/', at)),
    proof: (from: number, to: number) => consistencyProof(store, 'j/', from, to).map(bytesToHex),
    /** The anchor message that brings a journal anchored at `from` to `to`. */
    anchor: (from: number, to: number, more: JsonObject = {}) => ({
      type: 'journal.anchor',
      generation: 0,
      size: to,
      root: bytesToHex(logRoot(store, 'j/', to)),
      from,
      proof: from === 0 ? [] : consistencyProof(store, 'j/', from, to).map(bytesToHex),
      ...more,
    }),
  };
}

test('anchors extend, each custodian’s for itself', () => {
  const chain = chainOfTwo();
  const mine = journal('ada', 40);
  assert.equal(lastAnchor(chain.state, ada.account).size, 0);
  let from = 0;
  for (const size of [1, 2, 3, 7, 8, 9, 31, 40]) {
    const outcome = chain.submit(mine.anchor(from, size), { by: ada });
    const anchor = { generation: 0, size, root: mine.root(size) };
    assert.deepEqual(expectOk(outcome), anchor);
    assert.deepEqual(lastAnchor(chain.state, ada.account), { ...anchor, transaction: outcome.id });
    from = size;
  }
  expectOk(chain.submit(journal('bob', 5).anchor(0, 5), { by: bob }));
  assert.deepEqual(
    chain.kernel.query(chain.store, 'records.journal', { custodian: bob.account }),
    lastAnchor(chain.state, bob.account),
  );
  assert.throws(() => chain.kernel.query(chain.store, 'records.journal', { custodian: 1 }), { code: 'MEMBER_UNKNOWN' });
});

test('refusals of an anchor carry the last one and change nothing', () => {
  const chain = chainOfTwo();
  const mine = journal('ada', 20);
  const other = journal('other', 20);
  expectOk(chain.submit(mine.anchor(0, 10), { by: ada }));
  const last = lastAnchor(chain.state, ada.account);
  const proof = mine.proof(10, 15);
  const cases: Record<string, [JsonObject & { type: string }, string]> = {
    'the same again': [mine.anchor(0, 10), 'JOURNAL_ANCHOR_UNCHANGED'],
    'an older one again': [mine.anchor(0, 9), 'JOURNAL_SHRUNK'],
    'another root at the same size': [other.anchor(0, 10), 'JOURNAL_FORKED'],
    'another journal that is longer': [other.anchor(10, 15), 'JOURNAL_INCONSISTENT'],
    'another root, own proof': [mine.anchor(10, 15, { root: other.root(15) }), 'JOURNAL_INCONSISTENT'],
    'no proof': [mine.anchor(10, 15, { proof: [] }), 'JOURNAL_INCONSISTENT'],
    'a proof cut short': [mine.anchor(10, 15, { proof: proof.slice(1) }), 'JOURNAL_INCONSISTENT'],
    'a proof with more': [mine.anchor(10, 15, { proof: [...proof, proof[0] as string] }), 'JOURNAL_INCONSISTENT'],
    'a proof from another base': [mine.anchor(10, 15, { proof: mine.proof(9, 15), from: 9 }), 'JOURNAL_BASE'],
    'another generation': [mine.anchor(10, 15, { generation: 1 }), 'JOURNAL_GENERATION'],
  };
  for (const [name, [message, code]] of Object.entries(cases)) {
    const outcome = chain.submit(message, { by: ada });
    assert.equal(outcome.code, code, name);
    assert.deepEqual(outcome.data, last, name);
  }
  for (const change of [
    { size: 0 },
    { root: 'AB'.repeat(32) },
    { proof: Array(107).fill('0'.repeat(64)) },
    { more: 1 },
  ]) {
    assert.equal(chain.submit(mine.anchor(10, 15, change), { by: ada }).code, 'SCHEMA_INVALID');
  }
  assert.deepEqual(lastAnchor(chain.state, ada.account), last);
  expectOk(chain.submit(mine.anchor(10, 15), { by: ada }));
  const { from, ...withoutFrom } = mine.anchor(15, 20);
  assert.equal(from, 15);
  expectOk(chain.submit(withoutFrom, { by: ada }));
});

test('a first anchor needs no proof and takes none', () => {
  const chain = chainOfTwo();
  const mine = journal('ada', 8);
  assert.equal(chain.submit(mine.anchor(0, 8, { proof: mine.proof(4, 8) }), { by: ada }).code, 'JOURNAL_INCONSISTENT');
  expectOk(chain.submit(mine.anchor(0, 8), { by: ada }));
});

test('only members have journals', () => {
  const chain = chainOfTwo();
  const nurse = testSigner('nurse');
  expectOk(
    chain.submit(
      { type: 'practitioner.register', account: nurse.account, keys: [nurse.record], roleCodes: [] },
      { by: ada },
    ),
  );
  const messages = [
    journal('x', 1).anchor(0, 1),
    { type: 'records.erase', generation: 0, indices: [0] },
    { type: 'journal.restart', custodian: ada.account, generation: 0, keptSize: 0 },
    { type: 'journal.approveRestart', proposal: 'f'.repeat(64) },
  ];
  for (const message of messages)
    assert.equal(chain.submit(message, { by: nurse }).code, 'MEMBER_REQUIRED', message.type);
});

function restart(chain: TestChain, generation: number, keptSize: number) {
  const { id } = chain.submit({ type: 'journal.restart', custodian: ada.account, generation, keptSize }, { by: ada });
  return chain.submit({ type: 'journal.approveRestart', proposal: id }, { by: bob });
}

test('a restart by vote closes the generation and opens the next', () => {
  const chain = chainOfTwo();
  const mine = journal('ada', 10);
  const { id: transaction } = chain.submit(mine.anchor(0, 10), { by: ada });
  const proposal = chain.submit(
    { type: 'journal.restart', custodian: ada.account, generation: 0, keptSize: 7 },
    { by: ada },
  );
  assert.equal(proposal.data.executed, false);
  assert.equal(lastAnchor(chain.state, ada.account).generation, 0);
  const { id } = proposal;
  // Neither of the two kinds of vote settles the other's matters.
  assert.equal(chain.submit({ type: 'membership.approve', proposal: id }, { by: bob }).code, 'PROPOSAL_UNKNOWN');
  const admission = chain.submit(
    { type: 'membership.setRoles', account: bob.account, roles: ['payer'] },
    { by: ada },
  ).id;
  assert.equal(
    chain.submit({ type: 'journal.approveRestart', proposal: admission }, { by: bob }).code,
    'PROPOSAL_UNKNOWN',
  );
  const decided = chain.submit({ type: 'journal.approveRestart', proposal: id }, { by: bob });
  assert.deepEqual(expectOk(decided), {
    proposal: id,
    votes: 2,
    needed: 2,
    executed: true,
    custodian: ada.account,
    closed: 0,
    generation: 1,
    lost: 3, // biome-ignore format: one record
  });
  assert.deepEqual(chain.state.get(closedGenerations, ada.account, '0'), {
    size: 10,
    root: mine.root(10),
    keptSize: 7,
    transaction,
  });
  assert.equal(chain.submit(mine.anchor(10, 10), { by: ada }).code, 'JOURNAL_GENERATION');
  const next = journal('ada again', 4);
  const { id: later } = chain.submit(next.anchor(0, 4, { generation: 1 }), { by: ada });
  assert.deepEqual(anchorOfGeneration(chain.state, ada.account, 0), {
    generation: 0,
    size: 10,
    root: mine.root(10),
    transaction,
  });
  assert.deepEqual(anchorOfGeneration(chain.state, ada.account, 1), {
    generation: 1,
    size: 4,
    root: next.root(4),
    transaction: later,
  });
  assert.equal(anchorOfGeneration(chain.state, ada.account, 2), undefined);
});

test('refusals of a restart', () => {
  const chain = chainOfTwo();
  expectOk(chain.submit(journal('ada', 10).anchor(0, 10), { by: ada }));
  const propose = (change: JsonObject) =>
    chain.submit(
      { type: 'journal.restart', custodian: ada.account, generation: 0, keptSize: 5, ...change },
      { by: bob },
    ).code;
  assert.equal(propose({ custodian: testAccount('nobody') }), 'MEMBER_UNKNOWN');
  assert.equal(propose({ generation: 1 }), 'JOURNAL_GENERATION');
  assert.equal(propose({ keptSize: 11 }), 'JOURNAL_KEPT_SIZE');
  assert.equal(propose({ keptSize: -1 }), 'SCHEMA_INVALID');
  // Two proposals for one generation: the second finds it closed.
  const late = chain.submit(
    { type: 'journal.restart', custodian: ada.account, generation: 0, keptSize: 5 },
    { by: bob },
  ).id;
  expectOk(restart(chain, 0, 10));
  assert.equal(
    chain.submit({ type: 'journal.approveRestart', proposal: late }, { by: ada }).code,
    'JOURNAL_GENERATION',
  );
});

test('erasures mark anchored entries, once each', () => {
  const chain = chainOfTwo();
  expectOk(chain.submit(journal('ada', 300).anchor(0, 300), { by: ada }));
  const erase = (indices: readonly number[], generation = 0) =>
    chain.submit({ type: 'records.erase', generation, indices }, { by: ada });
  assert.deepEqual(expectOk(erase([3, 299, 12])), { generation: 0, marked: 3 });
  const at = chain.state.get(erasures, ada.account, '0', '3');
  assert.deepEqual(at, { timeMs: chain.timeMs });
  chain.advance(1000);
  assert.deepEqual(expectOk(erase([3, 4])), { generation: 0, marked: 1 });
  assert.deepEqual(chain.state.get(erasures, ada.account, '0', '3'), at);
  assert.equal(isErased(chain.state, ada.account, 0, 299), true);
  assert.equal(isErased(chain.state, ada.account, 0, 298), false);
  assert.equal(isErased(chain.state, bob.account, 0, 299), false);
  assert.deepEqual(
    [...erasedIndices(chain.state, ada.account, 0, 10)].sort((a, b) => a - b),
    [3, 4, 12, 299],
  );
  const first = erasedIndices(chain.state, ada.account, 0, 2);
  assert.deepEqual(
    [...first, ...erasedIndices(chain.state, ada.account, 0, 10, first.at(-1))],
    erasedIndices(chain.state, ada.account, 0, 10),
  );
  assert.deepEqual(erase([5, 300]).data, { index: 300, size: 300 });
  assert.equal(isErased(chain.state, ada.account, 0, 5), false);
  assert.equal(erase([5, 300]).code, 'ERASURE_NOT_ANCHORED');
  assert.equal(erase([5, 5]).code, 'ERASURE_REPEATED');
  assert.equal(erase([5], 1).code, 'JOURNAL_GENERATION');
  assert.equal(erase([]).code, 'SCHEMA_INVALID');
  const many = Array.from({ length: ERASURES_PER_MESSAGE }, (_, index) => index);
  assert.equal(erase([...many, 299]).code, 'SCHEMA_INVALID');
  assert.deepEqual(expectOk(erase(many)), { generation: 0, marked: many.length - 3 });
});

test('an entry of a closed generation can still be erased', () => {
  const chain = chainOfTwo();
  expectOk(chain.submit(journal('ada', 10).anchor(0, 10), { by: ada }));
  expectOk(restart(chain, 0, 10));
  expectOk(chain.submit({ type: 'records.erase', generation: 0, indices: [9] }, { by: ada }));
  assert.equal(
    chain.submit({ type: 'records.erase', generation: 0, indices: [10] }, { by: ada }).code,
    'ERASURE_NOT_ANCHORED',
  );
  assert.equal(
    chain.submit({ type: 'records.erase', generation: 1, indices: [0] }, { by: ada }).code,
    'ERASURE_NOT_ANCHORED',
  );
});

test('property: whatever is sent, accepted anchors are prefixes of one journal', () => {
  const mine = journal('ada', 24);
  const other = journal('other', 24);
  const attempt = fc.record({
    isForked: fc.boolean(),
    base: fc.integer({ min: 0, max: 24 }),
    size: fc.integer({ min: 1, max: 24 }),
    isTold: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(attempt, { minLength: 5, maxLength: 25 }), (attempts) => {
      const chain = chainOfTwo();
      expectOk(chain.submit(mine.anchor(0, 1), { by: ada }));
      for (const { isForked, base, size, isTold } of attempts) {
        const before = lastAnchor(chain.state, ada.account).size;
        const from = base > size ? before : base;
        if (from > size) continue;
        const { from: told, ...message } = (isForked ? other : mine).anchor(from, size);
        const { code } = chain.submit(isTold ? { ...message, from: told } : message, { by: ada });
        const after = lastAnchor(chain.state, ada.account);
        assert.equal(after.root, mine.root(after.size));
        assert.equal(code === 'OK', after.size > before, `${code}: ${before} to ${after.size}`);
        if (!isForked && from === before && size > before) assert.equal(code, 'OK');
      }
    }),
    { numRuns: 40 },
  );
});
