import assert from 'node:assert/strict';
import {
  ALICE,
  BOB,
  CUSTODIAN,
  codeOf,
  interaction,
  observation,
  reopened,
  testVault,
  vaultTest,
} from '../../test/support/test-vault.ts';
import { interactionLeaf, versionLeaf } from '../chain/journal-leaf.ts';
import { logLeafHash, verifyConsistency, verifyInclusion } from '../state/log-proof.ts';
import { bytesToHex, utf8ToText } from '../std/bytes.ts';

vaultTest('a version comes back byte for byte, with its history, also after a restart', async (t) => {
  const { vault, folder } = await testVault(t);
  await vault.write([observation('o1', 1, { text: 'one 1.10' })], []);
  await vault.write(
    [observation('o1', 2, { text: 'two' }), observation('o1', 3, { action: 'delete', text: '{}' })],
    [],
  );
  const check = async (of: typeof vault) => {
    const current = await of.current('Observation', 'o1');
    assert.equal(current?.version, 3);
    assert.equal(current?.deleted, true);
    assert.deepEqual(
      (await of.history('Observation', 'o1', 10)).rows.map((row) => row.version),
      [3, 2, 1],
    );
    const first = await of.version('Observation', 'o1', 1);
    assert.equal(utf8ToText(await of.open(first as never)), 'one 1.10');
    assert.equal((await of.version('Observation', 'o1', 2))?.previous, first?.leaf);
    assert.equal(first?.previous, '');
    assert.equal(await of.version('Observation', 'o1', 4), undefined);
    assert.equal(await of.version('Observation', 'o1', 0), undefined);
    assert.equal(await of.current('Observation', 'o2'), undefined);
    assert.equal(await of.accountOf('Observation', 'o1'), ALICE);
  };
  await check(vault);
  await vault.close();
  await check(await reopened(t, folder));
});

vaultTest('history and accounting go page by page, and a foreign cursor is refused', async (t) => {
  const { vault } = await testVault(t);
  for (let version = 1; version <= 5; version++) await vault.write([observation('o1', version)], []);
  await vault.write([observation('o2')], []);
  const seen: number[] = [];
  let after: string | undefined;
  do {
    const page = await vault.history('Observation', 'o1', 2, after);
    seen.push(...page.rows.map((row) => row.version));
    after = page.next;
  } while (after !== undefined);
  assert.deepEqual(seen, [5, 4, 3, 2, 1]);
  const page = await vault.entriesOf(ALICE, 4);
  assert.equal(page.rows.length, 4);
  assert.equal((await vault.entriesOf(ALICE, 4, page.next)).rows.length, 2);
  assert.equal((await vault.entriesOf(ALICE, 4, page.next)).next, undefined);
  for (const cursor of [page.next as string, 'x', '!', 'a'.repeat(300)]) {
    assert.equal(await codeOf(() => vault.history('Observation', 'o1', 2, cursor)), 'CURSOR_INVALID');
  }
  const other = (await vault.history('Observation', 'o1', 2)).next as string;
  assert.equal(await codeOf(() => vault.history('Observation', 'o2', 2, other)), 'CURSOR_INVALID');
});

vaultTest('a write is all or none, and a conflict hurts no other call of the same commit', async (t) => {
  const { vault } = await testVault(t);
  const results = await Promise.allSettled([
    vault.write([observation('o1')], []),
    vault.write([observation('o2'), observation('o1', 1)], [interaction()]),
    vault.write([observation('o1', 2)], []),
    vault.write([observation('o3', 2)], []),
    vault.write([observation('o4', 1, { account: 'ee'.repeat(16) })], []),
    vault.write([], [interaction({ rules: ['not ascii: é'] })]),
    vault.write([observation('o5')], []),
  ]);
  const codes = results.map((one) => (one.status === 'fulfilled' ? '' : (one.reason.code ?? one.reason.name)));
  assert.deepEqual(codes, ['', 'VERSION_CONFLICT', '', 'VERSION_CONFLICT', 'ACCOUNT_UNKNOWN', 'TypeError', '']);
  assert.deepEqual((results[1] as PromiseRejectedResult).reason.data, {
    type: 'Observation',
    id: 'o1',
    expected: 1,
    actual: 1,
  });
  assert.equal(await vault.current('Observation', 'o2'), undefined);
  assert.equal((await vault.current('Observation', 'o1'))?.version, 2);
  assert.equal(vault.journalHead().size, 3);
  assert.deepEqual((await vault.scrub()).faults, []);
});

vaultTest('two writers of one version: one wins', async (t) => {
  const { vault } = await testVault(t);
  await vault.write([observation('o1')], []);
  const codes = await Promise.all(Array.from({ length: 5 }, () => codeOf(vault.write([observation('o1', 2)], []))));
  assert.deepEqual(codes.sort(), ['', ...Array(4).fill('VERSION_CONFLICT')]);
});

vaultTest('a permit releases once, also within one commit and after a restart', async (t) => {
  const { vault, folder } = await testVault(t);
  const release = interaction({ kind: 'release', permit: 'ab'.repeat(32) });
  const codes = await Promise.all([codeOf(vault.journalOnce(release)), codeOf(vault.journalOnce(release))]);
  assert.deepEqual(codes, ['', 'PERMIT_USED']);
  const other = interaction({ kind: 'release', permit: 'cd'.repeat(32) });
  await vault.journal([other]);
  assert.equal(await codeOf(vault.journalOnce(other)), 'PERMIT_USED');
  await vault.close();
  assert.equal(await codeOf((await reopened(t, folder)).journalOnce(release)), 'PERMIT_USED');
});

vaultTest('every entry opens to its leaf and has its path in the journal', async (t) => {
  const { vault, folder } = await testVault(t);
  for (let i = 0; i < 300; i++) {
    if (i % 50 === 0) await vault.write([observation(`o${i}`)], [interaction({ versions: ['ab'.repeat(32)] })]);
    else await vault.journal([interaction({ timeMs: i }), interaction({ account: BOB })]);
  }
  const check = async (of: typeof vault) => {
    const { size, root, generation } = of.journalHead();
    assert.equal(size, 600);
    for (const index of [0, 1, 2, 255, 256, 511, 512, 599]) {
      const opened = await of.entry(generation, index);
      assert.ok(opened !== undefined && opened.entry.kind !== 'erased');
      const leaf =
        opened.entry.kind === 'version'
          ? versionLeaf(opened.salt, opened.entry.header, opened.entry.contentHash)
          : interactionLeaf(opened.salt, opened.entry.header);
      assert.equal(bytesToHex(leaf), bytesToHex(opened.leaf));
      assert.ok(verifyInclusion(logLeafHash(leaf), index, size, await of.inclusion(generation, index, size), root));
    }
    assert.equal(await of.entry(generation, size), undefined);
    await assert.rejects(() => of.inclusion(generation, 1, size + 1), RangeError);
    return root;
  };
  const root = await check(vault);
  await vault.close();
  const again = await reopened(t, folder);
  assert.deepEqual(await check(again), root);
  await again.journal([interaction()]);
  const head = again.journalHead();
  assert.ok(verifyConsistency(600, root, 601, head.root, await again.consistency(0, 600, 601)));
});

vaultTest('equal bytes give different blobs, leaves and salts', async (t) => {
  const { vault } = await testVault(t);
  const { versions } = await vault.write(
    [observation('o1', 1, { text: 'same' }), observation('o2', 1, { text: 'same' })],
    [],
  );
  const [one, two] = versions;
  assert.ok(one && two);
  assert.notEqual(one.blob, two.blob);
  assert.notEqual(one.leaf, two.leaf);
  assert.notDeepEqual(await vault.salt(one), await vault.salt(two));
  assert.notDeepEqual(await vault.blob(one.blob), await vault.blob(two.blob));
  assert.equal(await vault.blob('00'.repeat(32)), undefined);
  assert.equal(await vault.blob('nonsense'), undefined);
});

vaultTest('documents and accounts are kept; keys of accounts differ', async (t) => {
  const { vault, folder } = await testVault(t);
  await vault.putDocument('token', 'b', Uint8Array.of(2));
  await vault.putDocument('token', 'a', Uint8Array.of(1));
  await vault.putDocument('other', 'a', Uint8Array.of(9));
  await vault.putDocument('other', 'a', null);
  const tag = await vault.tagKey(ALICE);
  const epoch = await vault.epochKey(ALICE);
  await vault.openAccount(ALICE);
  assert.deepEqual(await vault.tagKey(ALICE), tag);
  assert.notDeepEqual(await vault.tagKey(BOB), tag);
  assert.notDeepEqual(epoch.key, tag);
  assert.equal(await codeOf(() => vault.tagKey('ee'.repeat(16))), 'ACCOUNT_UNKNOWN');
  await vault.close();
  const again = await reopened(t, folder);
  assert.deepEqual(
    (await again.listDocuments('token')).map((one) => [one.id, one.bytes[0]]),
    [
      ['a', 1],
      ['b', 2],
    ],
  );
  assert.equal(await again.getDocument('other', 'a'), undefined);
  assert.deepEqual(await again.tagKey(ALICE), tag);
  assert.deepEqual(await again.epochKey(ALICE), epoch);
  assert.equal((await again.epochKey(CUSTODIAN)).epoch, 1);
});

vaultTest('after close every call is refused, and what was taken in is kept', async (t) => {
  const { vault, folder } = await testVault(t);
  const writing = vault.write([observation('o1')], []);
  await vault.close();
  await writing;
  assert.equal(await codeOf(vault.write([observation('o2')], [])), 'VAULT_CLOSED');
  assert.equal(await codeOf(() => vault.current('Observation', 'o1')), 'VAULT_CLOSED');
  assert.equal((await (await reopened(t, folder)).current('Observation', 'o1'))?.version, 1);
});

vaultTest('a document is what was put last, however often it was asked for before', async (t) => {
  const { vault, folder } = await testVault(t);
  const seen = async () => [(await vault.getDocument('token', 'a'))?.[0], (await vault.getDocument('token', 'a'))?.[0]];
  assert.deepEqual(await seen(), [undefined, undefined]);
  await vault.putDocument('token', 'a', Uint8Array.of(1));
  assert.deepEqual(await seen(), [1, 1]);
  await Promise.all([
    vault.putDocument('token', 'a', Uint8Array.of(2)),
    vault.putDocument('token', 'b', Uint8Array.of(9)),
  ]);
  assert.deepEqual(await seen(), [2, 2]);
  await vault.putDocument('token', 'a', null);
  assert.deepEqual(await seen(), [undefined, undefined]);
  await vault.close();
  assert.equal((await (await reopened(t, folder)).getDocument('token', 'b'))?.[0], 9);
});
