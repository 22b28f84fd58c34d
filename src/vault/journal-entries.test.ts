import assert from 'node:assert/strict';
import {
  ALICE,
  BOB,
  codeOf,
  interaction,
  observation,
  rawConnection,
  reopened,
  runRaw,
  testVault,
  vaultTest,
} from '../../test/support/test-vault.ts';
import type { JournalEntry, Vault } from './vault.ts';

const ASKED = { client: 'app-1', interaction: 'read', request: 'r-1', query: 'Observation/o1' };

async function allOf(vault: Vault, account: string | undefined, limit: number, from?: string): Promise<JournalEntry[]> {
  const all: JournalEntry[] = [];
  let after = from;
  do {
    const page = await vault.journalEntries(account, limit, after);
    all.push(...page.rows);
    after = page.next;
  } while (after !== undefined);
  return all;
}

const indices = (entries: readonly JournalEntry[]): number[] => entries.map(({ index }) => index);
const timeOf = (entry: JournalEntry): number => (entry.kind === 'version' ? entry.row.timeMs : entry.header.timeMs);

vaultTest('the whole journal comes newest first, of one account or of all, in both formats', async (t) => {
  const { vault } = await testVault(t);
  await vault.write([observation('o1')], []);
  await vault.journal([interaction(), interaction({ account: BOB, ...ASKED })]);
  await vault.write([observation('o1', 2)], [interaction(ASKED)]);
  const all = await allOf(vault, undefined, 2);
  assert.deepEqual(indices(all), [4, 3, 2, 1, 0]);
  assert.deepEqual(
    all.map((entry) => (entry.kind === 'version' ? entry.row.action : 'client' in entry.header)),
    [true, 'update', true, false, 'create'],
  );
  assert.deepEqual(indices(await allOf(vault, ALICE, 1)), [4, 3, 1, 0]);
  const one = await vault.journalEntry(0, 2);
  assert.ok(one?.kind === 'interaction' && 'client' in one.header && one.header.query === ASKED.query);
  assert.equal(await vault.journalEntry(0, 5), undefined);
  // What was opened with its salt and what was read without are the same.
  const opened = (await vault.entry(0, 4))?.entry;
  const [read] = all;
  assert.ok(opened?.kind === 'interaction' && read?.kind === 'interaction');
  assert.deepEqual(opened.header, read.header);
});

vaultTest('by what a version was written is beside its entry, and nobody else puts it there', async (t) => {
  const { vault, folder } = await testVault(t);
  const by = { client: 'app-1', interaction: 'create', request: 'r-1', organisation: BOB, purpose: 'TREAT' };
  await vault.write([observation('o1', 1, { by }), observation('o2', 1), observation('o3', 1, { by })], []);
  const contexts = (await allOf(vault, ALICE, 9)).map((entry) => (entry.kind === 'version' ? entry.by : null));
  assert.deepEqual(contexts, [by, undefined, by]);
  assert.equal((await vault.entry(0, 0))?.entry.kind, 'version');
  assert.deepEqual((await vault.scrub()).faults, []);
  await vault.close();
  const raw = await rawConnection(t, folder, 'vault.db');
  await runRaw(raw, `update entry set body = (select body from entry where position = 0) where position = 2`);
  await raw.close();
  const changed = await reopened(t, folder);
  assert.equal(await codeOf(changed.journalEntry(0, 2)), 'VAULT_DAMAGED', 'another one’s');
  assert.equal(await codeOf(changed.entry(0, 2)), 'VAULT_DAMAGED');
  assert.ok((await changed.journalEntry(0, 0)) !== undefined);
  assert.deepEqual(
    (await changed.scrub()).faults.map(({ code, index }) => [code, index]),
    [['VAULT_DAMAGED', 2]],
  );
});

vaultTest('a time is found among all entries, also over generations', async (t) => {
  const { vault } = await testVault(t);
  const at = (timeMs: number) => interaction({ timeMs, account: timeMs % 3 === 0 ? BOB : ALICE });
  assert.deepEqual(await allOf(vault, undefined, 9, await vault.journalBefore(1)), []);
  for (let timeMs = 10; timeMs < 50; timeMs++) await vault.journal([at(timeMs)]);
  await vault.startGeneration(3);
  for (let timeMs = 50; timeMs < 60; timeMs++) await vault.journal([at(timeMs)]);
  for (const timeMs of [0, 10, 11, 30, 49, 50, 51, 59, 60, 1000]) {
    const from = await vault.journalBefore(timeMs);
    const [all, own] = [await allOf(vault, undefined, 7, from), await allOf(vault, ALICE, 7, from)];
    assert.equal(all.length, Math.max(0, Math.min(timeMs, 60) - 10), `before ${timeMs}`);
    assert.ok(all.every((entry) => timeOf(entry) < timeMs));
    assert.deepEqual(
      own.map(timeOf),
      all.map(timeOf).filter((ms) => ms % 3 !== 0),
    );
  }
});

vaultTest('an entry whose row was changed is damage, and a foreign cursor is refused', async (t) => {
  const { vault, folder } = await testVault(t);
  await vault.journal([interaction(ASKED)]);
  assert.equal(await codeOf(vault.journalEntries(undefined, 1, 'x')), 'CURSOR_INVALID');
  await vault.close();
  const raw = await rawConnection(t, folder, 'vault.db');
  await runRaw(raw, `update entry set body = replace(body, 'app-1', 'app-2')`);
  await raw.close();
  const changed = await reopened(t, folder);
  assert.equal(await codeOf(changed.journalEntries(undefined, 1)), 'VAULT_DAMAGED');
  assert.equal(await codeOf(changed.journalEntry(0, 0)), 'VAULT_DAMAGED');
});
