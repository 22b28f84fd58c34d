import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { forgetBlocks } from './forget-blocks.ts';

test('an engine forgets its blocks and not what it signed last; one that has nothing forgets nothing', async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'aceso-forget-'));
  t.after(() => rm(home, { recursive: true, force: true }));
  await forgetBlocks(home);
  for (const name of ['blockstore.db', 'state.db', 'cs.wal'])
    await mkdir(join(home, 'data', name), { recursive: true });
  await writeFile(join(home, 'data', 'state.db', 'CURRENT'), 'MANIFEST');
  await writeFile(join(home, 'data', 'priv_validator_state.json'), '{}');
  await forgetBlocks(home);
  assert.deepEqual(await readdir(join(home, 'data')), ['priv_validator_state.json']);
});
