import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CUSTODIAN, rawConnection, reopened, rowsOfRaw, testFolder } from '../../test/support/test-vault.ts';

const COUNT = 30;

test('rows of the index that waited in memory when the process was killed are made again at the next start', async (t) => {
  const folder = testFolder(t);
  const script = join(folder, 'killed.mts');
  const from = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
  writeFileSync(
    script,
    `import { createVault } from ${from('./create-vault.ts')};
     import { observation, ALICE, ROOT_KEY } from ${from('../../test/support/test-vault.ts')};
     import { NO_ENTRIES } from ${from('./index/index-entries.ts')};
     const log = { info() {}, warn() {}, error() {} };
     const folder = ${JSON.stringify(folder)};
     const vault = await createVault({ folder, custodian: '${CUSTODIAN}', rootKey: ROOT_KEY, log });
     await vault.openAccount(ALICE);
     await Promise.all(Array.from({ length: ${COUNT} }, (_, i) => {
       const entries = {
         ...NO_ENTRIES,
         tokens: [{ parameter: 'n', value: String(i) }],
         ordinals: [{ parameter: 'size', low: i, high: i }],
       };
       return vault.write([observation('p' + i, 1, { entries })], []);
     }));
     process.kill(process.pid, 'SIGKILL');`,
  );
  const child = spawnSync(process.execPath, [script], { encoding: 'utf8' });
  assert.equal(child.signal, 'SIGKILL', child.stderr);
  const raw = await rawConnection(t, folder, 'vault.db');
  const count = async (table: string) =>
    (await rowsOfRaw<{ size: number }>(raw, `select count(*) as size from ${table}`))[0]?.size;
  assert.deepEqual([await count('unsettled'), await count('token')], [COUNT, 0]);
  await raw.close();
  const vault = await reopened(t, folder);
  for (let i = 0; i < COUNT; i++) {
    for (const criterion of [
      { kind: 'token', tokens: [{ parameter: 'n', value: `${i}` }] } as const,
      { kind: 'token', tokens: [{ parameter: 'n', value: 'none' }] } as const,
    ]) {
      const { hits } = await vault.find({ type: 'Observation', criteria: [criterion], sort: [], limit: 99 });
      assert.deepEqual(
        hits.map(({ row }) => row.id),
        criterion.tokens[0].value === 'none' ? [] : [`p${i}`],
      );
    }
  }
  assert.deepEqual((await vault.scrub()).faults, []);
  await vault.close();
  const after = await rawConnection(t, folder, 'vault.db');
  assert.deepEqual(await rowsOfRaw(after, 'select count(*) as size from unsettled'), [{ size: 0 }]);
  await after.close();
});
