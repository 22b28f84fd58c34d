import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import {
  codeOf,
  copiedVault,
  copyKeys,
  interaction,
  observation,
  reopened,
  testVault,
  vaultTest,
} from '../../test/support/test-vault.ts';
import { bytesToHex } from '../std/bytes.ts';
import type { CustodianVault, LedgerAnchor } from './vault.ts';

function anchorOf(vault: CustodianVault): LedgerAnchor {
  const { generation, size, root } = vault.journalHead();
  return { generation, size, root: bytesToHex(root) };
}

/** A vault with an old backup of it, and what the ledger holds by the end. */
async function withBackup(t: TestContext) {
  const { vault, folder } = await testVault(t);
  await vault.write([observation('o1')], []);
  await vault.close();
  const backup = await copiedVault(t, folder);
  const later = await reopened(t, folder);
  const { versions } = await later.write([observation('o1', 2), observation('o2')], [interaction()]);
  const anchor = anchorOf(later);
  await later.anchored({ ...anchor, transaction: 'aa'.repeat(32) });
  return { later, folder, backup, anchor, versions };
}

vaultTest('the first anchor beyond an entry is its anchor; the last one is the last', async (t) => {
  const { vault } = await testVault(t);
  assert.equal(vault.lastAnchor(), undefined);
  const roots: string[] = [];
  for (let i = 0; i < 3; i++) {
    await vault.journal([interaction(), interaction()]);
    const anchor = anchorOf(vault);
    roots.push(anchor.root);
    await vault.anchored({ ...anchor, transaction: `${i}` });
    await vault.anchored({ ...anchor, transaction: 'again' });
  }
  assert.deepEqual(
    (await Promise.all([0, 1, 2, 5, 6].map((index) => vault.anchorOf(0, index)))).map((one) => one?.transaction),
    ['0', '0', '1', '2', undefined],
  );
  assert.deepEqual(vault.lastAnchor(), { generation: 0, size: 6, root: roots[2], transaction: '2' });
  assert.equal(await vault.anchorOf(1, 0), undefined);
});

vaultTest('an old backup serves nothing until a generation is started, and keeps its keys', async (t) => {
  const { later, folder, backup, anchor } = await withBackup(t);
  await later.close();
  // The key store of the newer copy: it has the keys of the versions that the old vault lost.
  await copyKeys(t, folder, backup);
  const old = await reopened(t, backup, { anchoredAt: anchor });
  assert.equal(old.status(), 'behind');
  const calls = {
    current: () => old.current('Observation', 'o1'),
    search: () => old.find({ type: 'Observation', criteria: [], sort: [], limit: 1 }),
    entry: () => old.entry(0, 0),
    write: () => old.write([observation('o1', 2)], []),
    journal: () => old.journal([interaction()]),
    document: () => old.getDocument('a', 'b'),
    scrub: () => old.scrub(),
  };
  for (const [name, call] of Object.entries(calls)) assert.equal(await codeOf(call), 'VAULT_BEHIND_ANCHOR', name);
  assert.equal(old.journalHead().size, 1);
  assert.equal(await codeOf(old.startGeneration(0)), 'GENERATION_INVALID');
  assert.deepEqual(await old.startGeneration(1), { closed: 0, keptSize: 1 });
  assert.equal(await old.checkAgainst({ generation: 1, size: 0, root: '' }), 'serving');
  assert.equal((await old.scrub()).keys, 3, 'no key was swept');
  await old.close();

  const again = await reopened(t, backup, { anchoredAt: { generation: 1, size: 0, root: '' } });
  assert.equal((await again.scrub()).keys, 3, 'nor after a restart');
  await again.write([observation('o1', 2)], [interaction()]);
  assert.deepEqual([again.journalHead().generation, again.journalHead().size], [1, 2]);
  assert.equal((await again.version('Observation', 'o1', 2))?.journalIndex, 0);
  assert.equal((await again.entry(0, 0))?.entry.kind, 'version', 'entries of the closed generation stay');
  assert.equal((await again.inclusion(0, 0, 1)).length, 0);
  assert.deepEqual((await again.scrub()).faults, []);
});

vaultTest(
  'a fork, a shorter journal and an unknown generation are behind; the same or an older anchor is not',
  async (t) => {
    const { later, anchor } = await withBackup(t);
    assert.equal(await later.checkAgainst(anchor), 'serving');
    assert.equal(await later.checkAgainst({ generation: 0, size: 0, root: '' }), 'serving');
    await later.journal([interaction()]);
    assert.equal(await later.checkAgainst(anchor), 'serving');
    const wrong: LedgerAnchor[] = [
      { ...anchor, root: '00'.repeat(32) },
      { ...anchor, size: anchor.size + 2 },
      { generation: 1, size: 0, root: '' },
    ];
    for (const one of wrong.slice(1)) {
      const { vault } = await testVault(t);
      assert.equal(await vault.checkAgainst(one), 'behind');
    }
    assert.equal(await later.checkAgainst(wrong[0] as LedgerAnchor), 'behind');
    // It stays so: a node that was shown a newer head cannot be talked back into serving by an older one.
    assert.equal(await later.checkAgainst(anchor), 'behind');
    assert.equal(later.status(), 'behind');
  },
);

vaultTest('orphaned keys are swept once the journal proves current, and not before', async (t) => {
  const { later, folder, backup, anchor } = await withBackup(t);
  await later.close();
  await copyKeys(t, folder, backup);
  const old = await reopened(t, backup);
  assert.equal((await old.scrub()).keys, 3, 'not swept without the ledger');
  await old.write([observation('o9')], []);
  assert.equal((await old.scrub()).keys, 4);
  assert.equal(await old.checkAgainst({ generation: 0, size: 0, root: '' }), 'serving');
  const report = await old.scrub();
  assert.deepEqual([report.keys, report.versions, report.faults], [2, 2, []], 'those written since stay');
  assert.ok((await old.open((await old.current('Observation', 'o9')) as never)).length > 0);
  assert.equal(anchor.size, 4);
});

vaultTest('what is marked as restored keeps its orphaned keys', async (t) => {
  const { later, folder, backup } = await withBackup(t);
  await later.close();
  await copyKeys(t, folder, backup);
  const old = await reopened(t, backup, { restored: true, anchoredAt: { generation: 0, size: 0, root: '' } });
  assert.equal((await old.scrub()).keys, 3);
  await old.close();
  const again = await reopened(t, backup, { anchoredAt: { generation: 0, size: 0, root: '' } });
  assert.equal((await again.scrub()).keys, 3);
});
