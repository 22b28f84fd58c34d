import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import {
  interaction,
  observation,
  rawConnection,
  reopened,
  runRaw,
  testVault,
  vaultTest,
} from '../../test/support/test-vault.ts';
import type { CustodianVault } from '../vault/vault.ts';
import { readStretch } from './read-journal.ts';

/** Full tiles of the log: of rows that are gone after the last one the vault would know when it is opened. */
const SIZE = 256;

/** A vault with so many entries, versions first at each even place of eight, after somebody had their hands in its file. */
async function tampered(t: TestContext, ...statements: readonly string[]): Promise<CustodianVault> {
  const { vault, folder } = await testVault(t);
  for (let at = 0; at < 4; at++) await vault.write([observation(`o${at}`, 1)], [interaction({ timeMs: at })]);
  await vault.journal(Array.from({ length: SIZE - 8 }, (_, at) => interaction({ timeMs: at })));
  await vault.close();
  const connection = await rawConnection(t, folder, 'vault.db');
  try {
    for (const statement of statements) await runRaw(connection, statement);
  } finally {
    await connection.close();
  }
  return reopened(t, folder);
}

/** What is read from a place on, but for the long rest of it. */
async function read(vault: CustodianVault, index: number, limit = 1000) {
  const { entries, damaged, next } = await readStretch(vault, { generation: 0, index }, limit);
  const found = entries.map((entry) => entry.index);
  assert.deepEqual(
    [...found, ...damaged].sort(ascending),
    range(index, Math.max(index, next.generation === 0 ? next.index : 0)),
  );
  return { damaged, next: [next.generation, next.index] };
}

const ascending = (one: number, other: number) => one - other;
const range = (from: number, until: number) => Array.from({ length: until - from }, (_, at) => from + at);
const CHANGED = "update entry set body = replace(body, 'permit', 'deny') where position = 3";

vaultTest('a stretch that is whole is read at once, and ends where the journal does', async (t) => {
  const vault = await tampered(t);
  assert.deepEqual(await read(vault, 0, 3), { damaged: [], next: [0, 3] });
  assert.deepEqual(await read(vault, 3), { damaged: [], next: [0, SIZE] });
  assert.deepEqual(await read(vault, SIZE), { damaged: [], next: [0, SIZE] });
  assert.deepEqual((await readStretch(vault, { generation: 4, index: 0 }, 9)).next, { generation: 4, index: 0 });
});

vaultTest('an entry that was changed is passed over by itself, whatever stretch it lies in', async (t) => {
  const vault = await tampered(t, CHANGED);
  assert.deepEqual(await read(vault, 0), { damaged: [3], next: [0, SIZE] });
  assert.deepEqual(await read(vault, 3, 1), { damaged: [3], next: [0, 4] });
  assert.deepEqual(await read(vault, 1, 3), { damaged: [3], next: [0, 4] });
});

vaultTest('so are rows that are gone, also at the end, and versions whose rows were changed', async (t) => {
  const vault = await tampered(
    t,
    `delete from entry where position in (3, ${SIZE - 1})`,
    'update version set labels = \'["urn:x|R"]\' where position = 2',
  );
  assert.deepEqual(await read(vault, 0, 100), { damaged: [2, 3], next: [0, 100] });
  assert.deepEqual(await read(vault, 200), { damaged: [SIZE - 1], next: [0, SIZE] });
  assert.deepEqual(await read(vault, SIZE - 1), { damaged: [SIZE - 1], next: [0, SIZE] });
});

vaultTest('a closed generation is read to its end, and then the next one', async (t) => {
  const vault = await tampered(t, CHANGED, 'delete from entry where position = 5');
  await vault.startGeneration(1);
  assert.deepEqual(await read(vault, 0), { damaged: [3, 5], next: [0, SIZE] });
  assert.deepEqual(await read(vault, SIZE), { damaged: [], next: [1, 0] });
});

vaultTest('where an anchor says that a closed generation goes on, what is gone is counted', async (t) => {
  const vault = await tampered(t, `delete from entry where position > ${SIZE - 5}`);
  await vault.anchored({ generation: 0, size: SIZE - 1, root: '00'.repeat(32), transaction: 'aa' });
  await vault.startGeneration(1);
  const gone = [SIZE - 4, SIZE - 3, SIZE - 2];
  assert.deepEqual(await read(vault, 0), { damaged: gone, next: [0, SIZE - 1] });
  assert.deepEqual(await read(vault, SIZE - 4), { damaged: gone, next: [0, SIZE - 1] });
});

vaultTest('what is no damage is thrown, and nothing is passed over', async (t) => {
  const vault = await tampered(t);
  await vault.close();
  await assert.rejects(() => read(vault, 0), { code: 'VAULT_CLOSED' });
});
