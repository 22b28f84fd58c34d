import assert from 'node:assert/strict';
import fs, { writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { codeOf, testFolder } from '../../../test/support/test-vault.ts';
import { createLogSync } from './sqlite-log-sync.ts';

/** A disk that takes `ms` for a sync, or fails. */
function disk(t: TestContext, state: { ms: number; error?: Error }) {
  const done = { here: 0, aside: 0 };
  t.mock.method(fs, 'fdatasyncSync', () => {
    done.here += 1;
    const until = performance.now() + state.ms;
    while (performance.now() < until);
    if (state.error !== undefined) throw state.error;
  });
  t.mock.method(fs, 'fdatasync', (_handle: number, then: (error: Error | null) => void) => {
    done.aside += 1;
    setTimeout(() => then(state.error ?? null), state.ms);
  });
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  return done;
}

function logOf(t: TestContext): string {
  const path = join(testFolder(t), 'a.db-wal');
  writeFileSync(path, '');
  return path;
}

test('a disk that is slow is waited for aside, one that is quick on the spot', async (t) => {
  const state = { ms: 5 };
  const done = disk(t, state);
  const log = createLogSync(logOf(t));
  for (let i = 0; i < 20; i++) await log.sync();
  assert.deepEqual(done, { here: 0, aside: 20 });
  state.ms = 0;
  // Its timer takes a millisecond, so this disk is never quick when it is asked aside.
  const quick = createLogSync(logOf(t));
  t.mock.method(fs, 'fdatasync', (_handle: number, then: (error: Error | null) => void) => {
    done.aside += 1;
    queueMicrotask(() => then(null));
  });
  syncBuiltinESMExports();
  for (let i = 0; i < 100; i++) await quick.sync();
  assert.ok(done.here > 80, `${done.here} on the spot`);
  // One that becomes slow is asked aside again.
  state.ms = 50;
  await quick.sync();
  const { here } = done;
  for (let i = 0; i < 5; i++) await quick.sync();
  assert.equal(done.here, here);
  await log.close();
  await quick.close();
});

test('a sync that failed on the spot is the last one', async (t) => {
  const state: { ms: number; error?: Error } = { ms: 0 };
  disk(t, state);
  t.mock.method(fs, 'fdatasync', (_handle: number, then: (error: Error | null) => void) =>
    queueMicrotask(() => then(null)),
  );
  syncBuiltinESMExports();
  const log = createLogSync(logOf(t));
  for (let i = 0; i < 50; i++) await log.sync();
  state.error = new Error('EIO');
  assert.equal(await codeOf(log.sync()), 'VAULT_STORAGE_FAILED');
  delete state.error;
  assert.equal(await codeOf(log.sync()), 'VAULT_STORAGE_FAILED');
  await log.close();
});
