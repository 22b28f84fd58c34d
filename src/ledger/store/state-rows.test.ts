import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sealBlock } from '../../chain/head-store.ts';
import { appendLog } from '../../state/log.ts';
import { logLeafHash } from '../../state/log-proof.ts';
import { createMemoryStore } from '../../state/memory-store.ts';
import type { KvReader } from '../../state/store.ts';
import { updateTree } from '../../state/tree.ts';
import { treeKeyHash, treeValueHash } from '../../state/tree-proof.ts';
import { bytesToHex, utf8 } from '../../std/bytes.ts';
import { isReject } from '../../std/reject.ts';
import { rebuild, stateRows } from './state-rows.ts';

/** A whole store as the kernel would have left it. */
function storeOf(rows: number, leaves: number) {
  const store = createMemoryStore();
  const state = new Map(Array.from({ length: rows }, (_, at) => [`s/map.some/${at}`, utf8(`"${at}"`)] as const));
  store.apply(state);
  const tree = updateTree(
    store,
    [...state].map(([key, value]) => ({ keyHash: treeKeyHash(key), valueHash: treeValueHash(value) })),
  );
  const log = appendLog(
    store,
    'l/',
    0,
    Array.from({ length: leaves }, (_, at) => logLeafHash(utf8(`${at}`))),
  );
  const block = { height: 5, timeMs: 1 };
  const sealed = sealBlock({
    genesis: 'a'.repeat(64),
    block,
    treeRoot: tree.root,
    log,
    writes: [tree.writes, log.writes],
  });
  store.apply(sealed.writes);
  return { store, treeRoot: bytesToHex(tree.root), head: sealed.head };
}

function copyOf(rows: Iterable<readonly [string, Uint8Array]>) {
  const copy = createMemoryStore();
  copy.apply(new Map(rows));
  return copy;
}

function all(store: KvReader): string[] {
  return [...store.range(' ', '~')].map(([key, value]) => `${key} ${bytesToHex(value)}`);
}

test('the rows that are carried lead to all others, whatever their number', async () => {
  for (const [rows, leaves] of [
    [0, 0],
    [1, 1],
    [2, 255],
    [600, 256],
    [8_192, 257],
    [20_000, 70_000],
  ] as const) {
    const { store, treeRoot, head } = storeOf(rows, leaves);
    const copy = copyOf(stateRows(store));
    const proven = await rebuild(copy, async (writes) => copy.apply(writes));
    assert.deepEqual(proven, { head, treeRoot });
    // All but the block time, which no hash covers.
    assert.deepEqual(
      all(copy),
      all(store).filter((row) => !row.startsWith('h/time')),
    );
  }
});

test('a log beyond its size is not carried', async () => {
  const { store, head } = storeOf(3, 300);
  const more = appendLog(store, 'l/', 300, Array(300).fill(logLeafHash(utf8('later'))));
  store.apply(more.writes);
  const copy = copyOf(stateRows(store));
  assert.deepEqual((await rebuild(copy, async (writes) => copy.apply(writes))).head, head);
});

test('rows that lead elsewhere are refused', async () => {
  const { store } = storeOf(30, 300);
  for (const [key, value] of stateRows(store)) {
    const bent = value.slice();
    bent[bent.length - 1] = (bent.at(-1) as number) ^ 1;
    for (const change of [null, bent]) {
      const copy = copyOf(stateRows(store));
      copy.apply(new Map([[key, change]]));
      await assert.rejects(
        rebuild(copy, async (writes) => copy.apply(writes)),
        (error) => isReject(error) && error.code === 'LEDGER_STATE_UNPROVEN',
        key,
      );
    }
  }
});
