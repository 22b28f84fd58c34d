import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codeOf } from '../../test/support/test-vault.ts';
import { reject } from './codes.ts';
import { createCommitQueue } from './commit-queue.ts';
import type { Change, Connection } from './database/connection.ts';
import type { JournalLog } from './journal-log.ts';
import type { KeyStore } from './key-store.ts';

const change = (...values: string[]): Change => ({ statement: {} as Change['statement'], values });

/** A queue over parts that only write down what is asked of them; `fail` says at which step to reject. */
function recordedQueue({ isLate = false } = {}) {
  const synced = Promise.withResolvers<void>();
  if (!isLate) synced.resolve();
  const durableSizes: number[] = [];
  const steps: string[] = [];
  const fail = new Map<string, Error>();
  const connection = (name: string) => {
    let tellLost: (reason: Error) => void = () => {};
    const lost = new Promise<Error>((resolve) => {
      tellLost = resolve;
    });
    const write = async (changes: readonly Change[]) => {
      if (changes.length === 0) return;
      steps.push([name, ...changes.flatMap(({ values }) => values)].join(' '));
      const error = fail.get(name);
      fail.delete(name);
      await Promise.resolve();
      if (error !== undefined) throw error;
    };
    const apply = async (changes: readonly Change[]) => {
      await write(changes);
      return { durable: synced.promise };
    };
    return { write, apply, inOrder: isLate, resume: () => void steps.push('resume'), lost, tellLost };
  };
  const [keys, vault] = [connection('keys'), connection('vault')];
  const keyStore = {
    lastKeyId: 0,
    adopted: 0,
    deleteKeys: (from: number, to: number) => change(`delete ${from}-${to}`),
    draft() {
      const changes: Change[] = [];
      return {
        changes,
        addVersionKey() {
          keyStore.lastKeyId += 1;
          changes.push(change('+'));
          return keyStore.lastKeyId;
        },
        adopt: () => void keyStore.adopted++,
        takeBack() {},
      };
    },
  };
  const log = {
    generation: 0,
    size: 0,
    append: async (leaves: readonly Uint8Array[]) => ({
      changes: [],
      adopt() {
        log.size += leaves.length;
        const { size } = log;
        return () => void durableSizes.push(size);
      },
    }),
    revert() {
      log.size = durableSizes.at(-1) ?? 0;
    },
  };
  const failures: string[] = [];
  const queue = createCommitQueue({
    keys: keys as unknown as Connection,
    vault: vault as unknown as Connection,
    keyStore: keyStore as unknown as KeyStore,
    log: log as unknown as JournalLog,
    complete: () => {},
    onFailure: (reason) => failures.push(reason.code),
  });
  const secret = { key: new Uint8Array(32), salt: new Uint8Array(32) };
  const write = () =>
    queue.submit(4, async () => (draft) => () => {
      draft.keys.addVersionKey({ number: 1, key: secret.key }, secret);
      draft.add(change('.'));
      return draft.journal.push(new Uint8Array(32));
    });
  return { queue, steps, fail, keyStore, log, failures, write, vault, synced, durableSizes };
}

test('calls of one turn share a commit, keys first, and get places in order', async () => {
  const { write, steps, log, keyStore } = recordedQueue();
  assert.deepEqual(await Promise.all([write(), write(), write()]), [0, 1, 2]);
  assert.deepEqual(steps, ['keys + + +', 'vault . . .']);
  assert.deepEqual([log.size, keyStore.adopted], [3, 1]);
});

test('calls that come while a commit is written share the next one', async () => {
  const { write, steps, log } = recordedQueue();
  const first = write();
  while (steps.length === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(await Promise.all([first, write(), write()]), [0, 1, 2]);
  assert.deepEqual(steps, ['keys +', 'vault .', 'keys + +', 'vault . .']);
  assert.equal(log.size, 3);
});

test('the next commit begins while the disk has the last one, and nobody is answered before it is durable', async () => {
  const { write, queue, steps, log, synced, durableSizes } = recordedQueue({ isLate: true });
  let answered = 0;
  const all = Promise.all([write(), write(), write(), write()].map((one) => one.then(() => answered++)));
  let isDrained = false;
  let ran = '';
  const drained = queue.alone(async () => {
    ran = `alone after ${answered}`;
  });
  const idle = queue.drained().then(() => {
    isDrained = true;
  });
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(
    steps.filter((step) => step.startsWith('vault')),
    ['vault . . .', 'vault .'],
  );
  assert.deepEqual([log.size, answered, isDrained, ran, durableSizes], [4, 0, false, '', []]);
  synced.resolve();
  await Promise.all([all, drained, idle]);
  assert.deepEqual([answered, ran, durableSizes], [4, 'alone after 4', [3, 4]]);
});

test('a disk that fails after the write fails what waits for it, what comes after it, and the vault', async () => {
  const { write, failures, synced } = recordedQueue({ isLate: true });
  const first = codeOf(write());
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
  const second = codeOf(write());
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
  synced.reject(reject('VAULT_STORAGE_FAILED', { step: 'sync' }));
  assert.deepEqual(await Promise.all([first, second]), ['VAULT_STORAGE_FAILED', 'VAULT_STORAGE_FAILED']);
  assert.equal(await codeOf(write()), 'VAULT_STORAGE_FAILED');
  assert.deepEqual(failures, ['VAULT_STORAGE_FAILED']);
});

test('keys of a vault write that failed go in the next key write', async () => {
  const { write, steps, fail, keyStore, log } = recordedQueue();
  await write();
  fail.set('vault', reject('VAULT_FULL'));
  assert.deepEqual(await Promise.all([codeOf(write()), codeOf(write())]), ['VAULT_FULL', 'VAULT_FULL']);
  assert.deepEqual([log.size, keyStore.adopted], [1, 1]);
  steps.length = 0;
  fail.set('keys', reject('VAULT_FULL'));
  assert.equal(await codeOf(write()), 'VAULT_FULL');
  assert.equal(await write(), 1);
  assert.deepEqual(steps, ['keys delete 2-3 +', 'keys delete 2-3 +', 'vault .']);
  assert.equal(keyStore.lastKeyId, 5);
  steps.length = 0;
  await write();
  assert.deepEqual(steps, ['keys +', 'vault .']);
});

test('a call that is refused, while it reads or when it is checked, leaves the others alone', async () => {
  const { queue, write, log, steps } = recordedQueue();
  const reading = queue.submit(1, () => Promise.reject(reject('VAULT_DAMAGED')));
  const checked = queue.submit(1, async () => () => {
    throw reject('PERMIT_USED');
  });
  const codes = await Promise.all([codeOf(write()), codeOf(reading), codeOf(checked), codeOf(write())]);
  assert.deepEqual(codes, ['', 'VAULT_DAMAGED', 'PERMIT_USED', '']);
  assert.deepEqual([steps, log.size], [['keys + +', 'vault . .'], 2]);
});

test('a row that calls of one commit change is written as the last one left it', async () => {
  const { queue, steps } = recordedQueue();
  const put = (value: string) => queue.submit(1, async () => (draft) => () => draft.set('a', change(value)));
  await Promise.all([put('1'), put('2'), put('3')]);
  assert.deepEqual(steps, ['vault 3']);
});

test('after a failed sync nothing more is written', async () => {
  const { queue, write, fail, failures, steps } = recordedQueue();
  fail.set('vault', reject('VAULT_STORAGE_FAILED'));
  assert.equal(await codeOf(write()), 'VAULT_STORAGE_FAILED');
  steps.length = 0;
  assert.equal(await codeOf(write()), 'VAULT_STORAGE_FAILED');
  assert.equal(await codeOf(queue.alone(async () => 1)), 'VAULT_STORAGE_FAILED');
  assert.deepEqual([steps, failures], [[], ['VAULT_STORAGE_FAILED']]);
  await queue.drained();
});

test('a database that goes away fails the vault at once', async () => {
  const { vault, failures, write } = recordedQueue();
  vault.tellLost(reject('VAULT_STORAGE_FAILED'));
  await Promise.resolve();
  assert.deepEqual(failures, ['VAULT_STORAGE_FAILED']);
  assert.equal(await codeOf(write()), 'VAULT_STORAGE_FAILED');
});

test('a task alone runs between commits, in the order of the calls', async () => {
  const { queue, write, steps } = recordedQueue();
  await Promise.all([write(), queue.alone(async () => steps.push('alone')), write()]);
  assert.deepEqual(steps, ['keys +', 'vault .', 'alone', 'keys +', 'vault .']);
  assert.equal(await codeOf(queue.alone(() => Promise.reject(reject('PERMIT_USED')))), 'PERMIT_USED');
});

test('a commit takes about 64 versions, and a larger call whole', async () => {
  const { queue, steps } = recordedQueue();
  const sized = (weight: number) => queue.submit(weight, async () => (draft) => () => draft.add(change('.')));
  await Promise.all([...Array.from({ length: 65 }, () => sized(4)), sized(10_000), sized(4)]);
  assert.equal(steps.length, 4);
});
