import assert from 'node:assert/strict';
import { interaction, observation, reopened, testVault, vaultTest } from '../../test/support/test-vault.ts';
import type { Vault } from './vault.ts';

vaultTest('entries come in their order, so many at a time, and none beyond what is durable', async (t) => {
  const made = await testVault(t);
  const { vault } = made;
  assert.deepEqual(await vault.entriesFrom(0, 0, 10), []);
  await vault.write([observation('o1')], []);
  await vault.journal([interaction()]);
  await vault.write([observation('o2')], [interaction()]);
  const all = await vault.entriesFrom(0, 0, 10);
  assert.deepEqual(
    all.map(({ index, kind }) => `${index} ${kind}`),
    ['0 version', '1 interaction', '2 version', '3 interaction'],
  );
  assert.deepEqual(
    all.flatMap((entry) => (entry.kind === 'version' ? [entry.row.id] : [])),
    ['o1', 'o2'],
  );
  assert.deepEqual(
    (await vault.entriesFrom(0, 1, 2)).map(({ index }) => index),
    [1, 2],
  );
  assert.deepEqual(await vault.entriesFrom(0, 4, 1), []);
  assert.deepEqual(await vault.entriesFrom(7, 0, 1), []);
  // While a commit is under way its entries are not given, though reads may see its rows.
  const writing = vault.write([observation('o3')], []);
  for (let turn = 0; turn < 50; turn++) {
    const { size } = vault.journalHead();
    assert.ok((await vault.entriesFrom(0, 0, 100)).length >= size);
    assert.ok((await vault.entriesFrom(0, 0, 100)).length <= vault.journalHead().size);
  }
  await writing;
  assert.equal((await vault.entriesFrom(0, 0, 100)).length, 5);
  await vault.startGeneration(3);
  await vault.journal([interaction()]);
  const look = async (each: Vault) => {
    assert.equal((await each.entriesFrom(0, 0, 100)).length, 5);
    assert.deepEqual(
      (await each.entriesFrom(3, 0, 100)).map(({ generation, index }) => [generation, index]),
      [[3, 0]],
    );
    assert.deepEqual(await each.entriesFrom(1, 0, 100), []);
  };
  await look(vault);
  await vault.close();
  await look(await reopened(t, made.folder));
});
