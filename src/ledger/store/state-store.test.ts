import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { compareKeys } from '../../state/memory-store.ts';
import type { KvReader } from '../../state/store.ts';
import { isReject } from '../../std/reject.ts';
import { lockFolder } from './folder-lock.ts';
import { seededRandom } from './simulated-disk.ts';
import { openStateStore } from './state-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'aceso-state-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const NO_INDEX = { firstLeafIndex: 0, leaves: [], transactions: new Map() };

function check(
  reader: KvReader,
  model: ReadonlyMap<string, number>,
  keys: readonly string[],
  range: readonly [string, string],
): void {
  for (const key of keys) assert.equal(reader.get(key)?.[0], model.get(key), key);
  const expected = [...model]
    .filter(([key]) => key >= range[0] && key < range[1])
    .sort(([a], [b]) => compareKeys(a, b));
  assert.deepEqual(
    [...reader.range(...range)].map(([key, value]) => [key, value[0]]),
    expected,
  );
}

test('snapshots agree with a model, whatever is committed and flushed after they were taken', async () => {
  const keys = ['h/head', 's/a/1', 's/a/2', 's/a.b/1', 's/a/11', 's/b/x', 't/00', 't/01', 's/a/3', 's/b/y/z', 's/b'];
  for (let seed = 0; seed < 60; seed++) {
    const random = seededRandom(seed);
    const store = openStateStore({ path: join(folder, `model-${seed}`) });
    let model = new Map<string, number>();
    const snapshots: { reader: ReturnType<typeof store.snapshot>; model: Map<string, number>; height: number }[] = [];
    for (let height = 0; height < 25; height++) {
      const writes = new Map<string, Uint8Array | null>();
      model = new Map(model);
      for (let i = 0; i < 4; i++) {
        const key = keys[Math.floor(random() * keys.length)] as string;
        const value = random() < 0.25 ? null : Math.floor(random() * 256);
        writes.set(key, value === null ? null : Uint8Array.of(value));
        if (value === null) model.delete(key);
        else model.set(key, value);
      }
      store.apply(height, writes, NO_INDEX);
      snapshots.push({ reader: store.snapshot(), model, height });
      if (random() < 0.2) void store.flush();
      if (random() < 0.2) await store.flush();
      if (random() < 0.2) snapshots.splice(Math.floor(random() * snapshots.length), 1)[0]?.reader.release();
      const range = [keys[Math.floor(random() * keys.length)], random() < 0.5 ? 's/b~' : 'z'] as [string, string];
      for (const one of snapshots) {
        assert.equal(one.reader.height, one.height);
        check(one.reader, one.model, keys, range);
      }
    }
    for (const { reader } of snapshots) reader.release();
    await store.flush();
    await store.close();
    const reopened = openStateStore({ path: join(folder, `model-${seed}`) });
    assert.equal(reopened.flushedHeight(), 24);
    check(reopened.snapshot(), model, keys, ['h/', 'z']);
    await reopened.close();
  }
});

test('leaves and transactions are found before and after a flush', async () => {
  const store = openStateStore({ path: join(folder, 'leaves') });
  const id = (n: number): string => n.toString(16).padStart(64, '0');
  for (let height = 0; height < 10; height++) {
    const leaves = [0, 1, 2].map((i) => Uint8Array.of(height, i));
    const transactions = new Map([0, 1].map((i) => [id(height * 3 + i), height * 3 + i]));
    store.apply(height, new Map([['h/head', Uint8Array.of(height)]]), {
      firstLeafIndex: height * 3,
      leaves,
      transactions,
    });
    if (height % 4 === 3) await store.flush();
  }
  for (let index = 0; index < 30; index++) {
    assert.deepEqual(store.leaf(index), Uint8Array.of(Math.floor(index / 3), index % 3));
    assert.equal(store.leafIndexOf(id(index)), index % 3 === 2 ? undefined : index);
  }
  assert.equal(store.leaf(30), undefined);
  assert.equal(store.leafIndexOf('zz'), undefined);
  await store.close();
});

test('a released snapshot refuses to be read', async () => {
  const store = openStateStore({ path: join(folder, 'released') });
  const snapshot = store.snapshot();
  snapshot.release();
  assert.throws(() => snapshot.get('h/head'), /released/);
  await store.close();
});

test('a folder has one holder at a time', async () => {
  const lock = await lockFolder(join(folder, 'locked'));
  await assert.rejects(
    lockFolder(join(folder, 'locked')),
    (error) => isReject(error) && error.code === 'DATA_FOLDER_IN_USE',
  );
  lock.release();
  (await lockFolder(join(folder, 'locked'))).release();
});
