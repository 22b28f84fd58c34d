import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reject } from './codes.ts';
import { createCommitQueue } from './commit-queue.ts';
import type { Connection } from './database.ts';
import type { JournalLog } from './journal-log.ts';
import type { KeyStore } from './key-store.ts';
import { codeOf } from './test-vault.ts';

/** A queue over parts that only write down what is asked of them; `fail` says at which step to throw. */
function recordedQueue() {
  const steps: string[] = [];
  const fail = new Map<string, Error>();
  const step = (name: string) => {
    steps.push(name);
    const error = fail.get(name);
    fail.delete(name);
    if (error !== undefined) throw error;
  };
  const connection = (name: string) => {
    let open = false;
    return {
      get inTransaction() {
        return open;
      },
      begin() {
        step(`${name} begin`);
        open = true;
      },
      commit() {
        step(`${name} commit`);
        open = false;
      },
      rollback() {
        if (open) steps.push(`${name} rollback`);
        open = false;
      },
      end: () => {
        open = false;
      },
    };
  };
  const [keys, vault] = [connection('keys'), connection('vault')];
  const keyStore = {
    lastKeyId: 0,
    deleteKeys: (from: number, to: number) => step(`delete ${from}-${to}`),
    forget: () => step('forget'),
  };
  const log = {
    generation: 0,
    size: 0,
    append: (leaves: readonly Uint8Array[]) => () => {
      log.size += leaves.length;
    },
  };
  const failures: string[] = [];
  const queue = createCommitQueue({
    keys: keys as unknown as Connection,
    vault: vault as unknown as Connection,
    keyStore: keyStore as unknown as KeyStore,
    log: log as unknown as JournalLog,
    onFailure: (reason) => failures.push(reason.code),
  });
  const write = () =>
    queue.submit(4, () => (tail) => {
      keyStore.lastKeyId += 1;
      return tail.push(new Uint8Array(32));
    });
  return { queue, steps, fail, keyStore, log, failures, write, vault };
}

test('calls of one turn share a commit, keys first, and get places in order', async () => {
  const { write, steps, log } = recordedQueue();
  assert.deepEqual(await Promise.all([write(), write(), write()]), [0, 1, 2]);
  assert.deepEqual(steps, ['keys begin', 'vault begin', 'keys commit', 'vault commit']);
  assert.equal(log.size, 3);
});

test('keys of a vault commit that failed go in the next key transaction, before it is durable', async () => {
  const { write, steps, fail, keyStore, log } = recordedQueue();
  await write();
  fail.set('vault commit', reject('VAULT_FULL'));
  assert.deepEqual(await Promise.all([codeOf(write()), codeOf(write())]), ['VAULT_FULL', 'VAULT_FULL']);
  assert.equal(log.size, 1);
  assert.ok(steps.includes('forget'));
  steps.length = 0;
  fail.set('keys commit', reject('VAULT_FULL'));
  assert.equal(await codeOf(write()), 'VAULT_FULL');
  assert.equal(await write(), 1);
  const once = ['keys begin', 'vault begin', 'delete 2-3', 'keys commit'];
  assert.deepEqual(steps, [...once, 'vault rollback', 'keys rollback', 'forget', ...once, 'vault commit']);
  assert.equal(keyStore.lastKeyId, 5);
  steps.length = 0;
  await write();
  assert.deepEqual(steps, ['keys begin', 'vault begin', 'keys commit', 'vault commit']);
});

test('a call that is refused leaves the others alone; a lost transaction fails them all', async () => {
  const { queue, write, vault, log } = recordedQueue();
  const refused = queue.submit(1, () => {
    throw reject('PERMIT_USED');
  });
  assert.deepEqual(await Promise.all([codeOf(write()), codeOf(refused), codeOf(write())]), ['', 'PERMIT_USED', '']);
  const lost = queue.submit(1, () => {
    vault.end();
    throw reject('VAULT_FULL');
  });
  assert.deepEqual(await Promise.all([codeOf(write()), codeOf(lost), codeOf(write())]), Array(3).fill('VAULT_FULL'));
  assert.equal(log.size, 2);
});

test('after a failed sync nothing more is written', async () => {
  const { queue, write, fail, failures, steps } = recordedQueue();
  fail.set('vault commit', reject('VAULT_STORAGE_FAILED'));
  assert.equal(await codeOf(write()), 'VAULT_STORAGE_FAILED');
  steps.length = 0;
  assert.equal(await codeOf(write()), 'VAULT_STORAGE_FAILED');
  assert.equal(await codeOf(queue.alone(() => 1)), 'VAULT_STORAGE_FAILED');
  assert.deepEqual([steps, failures], [[], ['VAULT_STORAGE_FAILED']]);
  await queue.drained();
});

test('a task alone runs between commits, in the order of the calls', async () => {
  const { queue, write, steps } = recordedQueue();
  const all = [write(), queue.alone(() => steps.push('alone')), write()];
  await Promise.all(all);
  const commit = ['keys begin', 'vault begin', 'keys commit', 'vault commit'];
  assert.deepEqual(steps, [...commit, 'alone', ...commit]);
  assert.equal(await codeOf(queue.alone(() => Promise.reject(reject('PERMIT_USED')))), 'PERMIT_USED');
});

test('a commit takes about 64 versions, and a larger call whole', async () => {
  const { queue, steps } = recordedQueue();
  const sized = (weight: number) => queue.submit(weight, () => () => weight);
  await Promise.all([...Array.from({ length: 65 }, () => sized(4)), sized(10_000), sized(4)]);
  assert.equal(steps.filter((one) => one === 'vault commit').length, 4);
});
