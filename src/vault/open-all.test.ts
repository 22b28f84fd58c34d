import assert from 'node:assert/strict';
import { codeOf, observation, reopened, testVault, vaultTest } from '../../test/support/test-vault.ts';
import { isReject } from '../std/reject.ts';
import type { CustodianVault, VersionRow } from './vault.ts';

const MANY = 40;

async function rowsOf(vault: CustodianVault): Promise<VersionRow[]> {
  const all = Array.from({ length: MANY }, (_, at) => vault.current('Observation', `o${at}`));
  return (await Promise.all(all)) as VersionRow[];
}

vaultTest(
  'many are opened as one is: bytes in their order, and refusals in the place of what does not open',
  async (t) => {
    const { vault, folder } = await testVault(t);
    await vault.write(
      Array.from({ length: MANY }, (_, at) => observation(`o${at}`, 1, { text: `{"n":${at}}` })),
      [],
    );
    const rows = await rowsOf(vault);
    await vault.erase([rows[3] as VersionRow]);
    await vault.close();
    const again = await reopened(t, folder);
    const stale = await rowsOf(again);
    // One that was erased after its row was read, one that knows so, one whose blob is not there.
    const asked = [...stale, ...rows, { ...(stale[5] as VersionRow), blob: 'ee'.repeat(32) }];
    const opened = await again.openAll(asked);
    assert.equal(opened.length, asked.length);
    // The last one's leaf is known to `open` by now.
    for (const [at, row] of asked.slice(0, -1).entries()) {
      const one = opened[at];
      if (one instanceof Uint8Array) assert.deepEqual(new Uint8Array(one), new Uint8Array(await again.open(row)));
      else assert.equal(isReject(one) ? one.code : '', await codeOf(() => again.open(row)));
    }
    const codes = opened.map((one) => (isReject(one) ? one.code : ''));
    assert.deepEqual(
      codes.flatMap((code, at) => (code === '' ? [] : [[at, code]])),
      [
        [3, 'VERSION_ERASED'],
        [MANY + 3, 'VERSION_ERASED'],
        [2 * MANY, 'BLOB_DAMAGED'],
      ],
    );
    assert.deepEqual(await again.openAll([]), []);
    await again.close();
    assert.equal(await codeOf(() => again.openAll(stale)), 'VAULT_CLOSED');
  },
);
