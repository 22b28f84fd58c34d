import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isReject } from '../../std/reject.ts';
import { createMempool, type PooledTransaction } from './mempool.ts';

const LIMITS = { transactions: 10, bytes: 1_000, perSponsor: 6, urgentReserve: 2 };
const ALL = { transactions: 100, bytes: 10_000 };

let ids = 0;
function transaction(
  sponsor: string,
  lane: 'ordinary' | 'urgent' = 'ordinary',
  notAfterMs = 100,
  bytes = 10,
): PooledTransaction {
  return {
    wire: new Uint8Array(bytes),
    checked: { id: `${sponsor}${++ids}`, notAfterMs, sponsor, lane, signatures: [] },
  };
}

function filled(transactions: readonly PooledTransaction[]) {
  const mempool = createMempool(LIMITS);
  for (const one of transactions) {
    mempool.reserve(one);
    mempool.add(one);
  }
  return mempool;
}

const refused = (code: string) => (error: unknown) => isReject(error) && error.code === code;

test('urgent transactions go first, and members take turns', () => {
  const [a, b, c] = [1, 2, 3].map(() => transaction('a')) as [PooledTransaction, PooledTransaction, PooledTransaction];
  const [d, e] = [transaction('b'), transaction('b', 'urgent')];
  const mempool = filled([a, b, c, d, e]);
  assert.deepEqual(mempool.take({ transactions: 3, bytes: 10_000 }, 0).taken, [e, a, d]);
  assert.deepEqual(mempool.take(ALL, 0).taken, [b, c]);
  assert.equal(mempool.ready(), 0);
});

test('a member who was served goes behind those who were not', () => {
  const [a, b] = [transaction('a'), transaction('a')];
  const [c, d] = [transaction('b'), transaction('b')];
  const mempool = filled([a, b, c, d]);
  assert.deepEqual(mempool.take({ transactions: 1, bytes: 10_000 }, 0).taken, [a]);
  assert.deepEqual(mempool.take({ transactions: 2, bytes: 10_000 }, 0).taken, [c, b]);
});

test('places are bounded by count, bytes and member, with room left for urgent ones', () => {
  const mempool = createMempool(LIMITS);
  for (let i = 0; i < 6; i++) mempool.reserve(transaction('a'));
  assert.throws(() => mempool.reserve(transaction('a')), refused('LEDGER_SPONSOR_QUEUE_FULL'));
  mempool.reserve(transaction('a', 'urgent'));
  mempool.reserve(transaction('b'));
  assert.throws(() => mempool.reserve(transaction('c')), refused('LEDGER_MEMPOOL_FULL'));
  const urgent = transaction('c', 'urgent');
  mempool.reserve(urgent);
  mempool.reserve(transaction('c', 'urgent'));
  assert.throws(() => mempool.reserve(transaction('d', 'urgent')), refused('LEDGER_MEMPOOL_FULL'));
  mempool.giveBack(urgent);
  mempool.reserve(transaction('d', 'urgent'));
  assert.throws(
    () => createMempool(LIMITS).reserve(transaction('a', 'ordinary', 100, 1_001)),
    refused('LEDGER_MEMPOOL_FULL'),
  );
});

test('a block is bounded by count and bytes, and expired transactions come apart and free their place', () => {
  const late = transaction('a', 'ordinary', 5);
  const [b, c] = [transaction('a', 'ordinary', 100, 400), transaction('a', 'ordinary', 100, 400)];
  const mempool = filled([late, b, c]);
  const { taken, expired } = mempool.take({ transactions: 100, bytes: 300 }, 6);
  assert.deepEqual([taken, expired], [[b], [late]]);
  assert.equal(mempool.ready(), 1);
  for (let i = 0; i < 5; i++) mempool.reserve(transaction('a'));
  assert.throws(() => mempool.reserve(transaction('a')), refused('LEDGER_SPONSOR_QUEUE_FULL'));
});
