import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  ALICE,
  BOB,
  CUSTODIAN,
  codeOf,
  observation,
  ROOT_KEY,
  rawConnection,
  reopened,
  rowsOfRaw,
  runRaw,
  testVault,
  vaultTest,
} from '../../test/support/test-vault.ts';
import { deriveKey } from '../crypto/node/derive-key.ts';
import { bytesToHex, utf8, utf8ToText } from '../std/bytes.ts';
import { openSqlite } from './database/sqlite.ts';
import { type IndexEntries, NO_ENTRIES } from './index/index-entries.ts';
import type { Criterion, SortKey } from './index/index-query.ts';
import { createRowMac } from './row-mac.ts';
import type { CustodianVault, NewVersion, VersionRow } from './vault.ts';

const HIV = ['http://terminology.hl7.org/CodeSystem/v3-ActCode|HIV'];

/** Entries of an Observation made by `observation`: its id, its number, and an order by its number. */
function entriesOf(type: string, bytes: Uint8Array): IndexEntries {
  const { id, n } = JSON.parse(utf8ToText(bytes));
  return {
    ...NO_ENTRIES,
    tokens: [
      { parameter: 'type', value: type },
      { parameter: 'identifier', value: id },
    ],
    ordinals: [{ parameter: 'n', low: n, high: n }],
    texts: [{ parameter: 'name', value: id, folded: id }],
  };
}

const made = (id: string, version = 1, more: Partial<NewVersion> = {}): NewVersion => {
  const one = observation(id, version, more);
  return { ...one, entries: entriesOf('Observation', one.bytes) };
};
const of = (parameter: string, value: string): Criterion => ({ kind: 'token', tokens: [{ parameter, value }] });
const every = of('type', 'Observation');
const byNumber: SortKey = { by: 'ordinal', parameter: 'n', descending: true };

async function find(vault: CustodianVault, criteria: readonly Criterion[], sort: readonly SortKey[] = []) {
  const { hits } = await vault.find({ type: 'Observation', criteria, sort, limit: 100 });
  return hits.map(({ row }) => row.id);
}

/** All pages of a history. */
async function historyOf(vault: CustodianVault, type?: string): Promise<VersionRow[]> {
  const rows: VersionRow[] = [];
  let after: string | undefined;
  do {
    const page = await vault.historyOf(type, 2, after);
    rows.push(...page.rows);
    after = page.next;
  } while (after !== undefined);
  return rows;
}

vaultTest('what is written is found, what is updated otherwise, what is deleted or erased not', async (t) => {
  const { vault, folder } = await testVault(t);
  await vault.write([made('b'), made('a'), made('c', 1, { account: BOB, labels: HIV }), made('d')], []);
  assert.deepEqual(await find(vault, [every]), ['b', 'a', 'c', 'd']);
  assert.deepEqual(await find(vault, [every, { kind: 'account', accounts: [ALICE] }]), ['b', 'a', 'd']);
  await vault.write([made('a', 2), made('a', 3), made('b', 2, { action: 'delete', entries: NO_ENTRIES })], []);
  assert.deepEqual(await find(vault, [every], [byNumber]), ['a', 'c', 'd']);
  const { hits } = await vault.find({ type: 'Observation', criteria: [of('identifier', 'c')], sort: [], limit: 1 });
  assert.deepEqual(hits[0]?.row, await vault.current('Observation', 'c'));
  assert.ok((await vault.open(hits[0]?.row as VersionRow)).length > 0);
  await vault.erase([(await vault.current('Observation', 'd')) as VersionRow]);
  await vault.erase([(await vault.current('Observation', 'c')) as VersionRow]);
  assert.deepEqual(await find(vault, [every]), ['a']);
  // What was deleted may come back.
  await vault.write([made('b', 3)], []);
  assert.deepEqual(await find(vault, [every]), ['b', 'a']);
  assert.deepEqual((await vault.scrub()).faults, []);
  await vault.close();
  assert.deepEqual(await find(await reopened(t, folder), [every]), ['b', 'a']);
});

vaultTest('the history of a type, and of all, goes by place in the journal', async (t) => {
  const { vault } = await testVault(t);
  await vault.write([made('a'), made('b'), { ...made('c'), type: 'Condition' }], []);
  await vault.write([made('a', 2), made('b', 2, { action: 'delete' })], []);
  const names = (rows: readonly VersionRow[]) => rows.map(({ type, id, version }) => `${type}/${id}/${version}`);
  const observations = ['Observation/b/2', 'Observation/a/2', 'Observation/b/1', 'Observation/a/1'];
  assert.deepEqual(names(await historyOf(vault, 'Observation')), observations);
  assert.deepEqual(names(await historyOf(vault)), [
    ...observations.slice(0, 2),
    'Condition/c/1',
    ...observations.slice(2),
  ]);
  assert.deepEqual(await historyOf(vault, 'Patient'), []);
  const { next } = await vault.historyOf('Observation', 1);
  assert.equal(await codeOf(vault.historyOf('Condition', 1, next)), 'CURSOR_INVALID');
});

vaultTest('a rotated key: found all the while, moved by reindex, the old key gone, also after a stop', async (t) => {
  const { vault, folder } = await testVault(t);
  await vault.write(
    Array.from({ length: 60 }, (_, i) => made(`o${i}`, 1, { labels: i % 9 === 0 ? HIV : [] })),
    [],
  );
  const before = await find(vault, [every], [byNumber]);
  assert.deepEqual(await vault.rotateIndexKey(), { generation: 2 });
  await vault.write([made('new')], []);
  assert.equal((await find(vault, [every])).length, 61);
  const stop = new AbortController();
  const cut = await vault.reindex(entriesOf, { format: 1, signal: stop.signal, onProgress: () => stop.abort() });
  assert.ok(cut.done > 0 && cut.done < cut.total, 'stopped in the middle');
  assert.deepEqual(await find(vault, [every], [byNumber]), [...before, 'new']);
  assert.equal(vault.indexState().oldestGeneration, 1);
  await vault.close();

  const again = await reopened(t, folder);
  assert.deepEqual(await find(again, [every], [byNumber]), [...before, 'new']);
  const [rest] = await Promise.all([
    again.reindex(entriesOf, { format: 1 }),
    again.write([made('o59', 2), made('o1', 2), made('later')], []),
  ]);
  assert.equal(rest.failed, 0);
  assert.deepEqual(again.indexState(), { format: 1, generation: 2, oldestGeneration: 2 });
  assert.equal((await find(again, [every])).length, 62);
  assert.deepEqual((await again.scrub()).faults, []);
  await again.rotateIndexKey();
  await again.reindex(entriesOf, { format: 1 });
  await again.close();
  const last = await reopened(t, folder);
  assert.deepEqual(last.indexState(), { format: 1, generation: 3, oldestGeneration: 3 });
  assert.equal((await find(last, [every])).length, 62);
});

vaultTest('another format of entries: made anew, also where one resource cannot be opened', async (t) => {
  const { vault, folder } = await testVault(t);
  await vault.write([made('a'), made('b'), made('bad'), made('c', 1, { labels: HIV })], []);
  const bad = (await vault.current('Observation', 'bad')) as VersionRow;
  await vault.close();
  const raw = await rawConnection(t, folder, 'vault.db');
  await runRaw(raw, `update blob set bytes = x'00' where address = x'${bad.blob}'`);
  await raw.close();
  const again = await reopened(t, folder);
  const more = (type: string, bytes: Uint8Array): IndexEntries => {
    const entries = entriesOf(type, bytes);
    return { ...entries, tokens: [...entries.tokens, { parameter: 'more', value: 'x' }] };
  };
  assert.deepEqual(await again.reindex(more, { format: 2 }), { done: 4, total: 4, failed: 1 });
  assert.deepEqual(await find(again, [of('more', 'x')]), ['a', 'b', 'c']);
  assert.deepEqual(await again.reindex(more, { format: 2 }), { done: 0, total: 0, failed: 0 });
  assert.equal(again.indexState().format, 2);
});

vaultTest('scrub finds what is changed, gone or too much in the index', async (t) => {
  const { vault, folder } = await testVault(t);
  const link = { links: [{ parameter: 'focus', type: 'Observation', id: 'a' }] };
  const b = made('b');
  await vault.write([made('a'), { ...b, entries: { ...(b.entries as IndexEntries), ...link } }], []);
  await vault.close();
  const changes: [string, string][] = [
    [
      "update token set token = x'00112233445566778899aabbccddeeff' where token in (select token from token where rid = 1 limit 1) and rid = 1",
      'token',
    ],
    ['delete from token where rid = 2', 'token'],
    ["insert into token (token, rid) values (x'00112233445566778899aabbccddeeff', 1)", 'token'],
    ['update ordinal set high = 99 where rid = 1', 'ordinal'],
    ['update ordinal set rid = 3 where rid = 1', 'ordinal'],
    ['update link set target = 2', 'link'],
    ["update indexed set texts = x'00' where rid = 1", 'indexed'],
    ['update indexed set tokens = 0 where rid = 2', 'indexed'],
    ['delete from indexed where rid = 2', 'indexed'],
    ['update resource set live = 0 where rid = 1', 'resource'],
  ];
  for (const [change, what] of changes) {
    const raw = await rawConnection(t, folder, 'vault.db');
    const tables = ['token', 'ordinal', 'link', 'indexed', 'resource'];
    for (const table of tables) await runRaw(raw, `create table kept_${table} as select * from ${table}`);
    await runRaw(raw, change);
    await raw.close();
    const opened = await reopened(t, folder);
    const faults = (await opened.scrub()).faults;
    assert.ok(
      faults.some((fault) => fault.code === 'VAULT_DAMAGED' && (fault.what === what || what === 'resource')),
      `${change} ${JSON.stringify(faults)}`,
    );
    await opened.close();
    const mended = await rawConnection(t, folder, 'vault.db');
    for (const table of tables) {
      await runRaw(mended, `delete from ${table}`);
      await runRaw(mended, `insert into ${table} select * from kept_${table}`);
      await runRaw(mended, `drop table kept_${table}`);
    }
    await mended.close();
  }
  assert.deepEqual((await (await reopened(t, folder)).scrub()).faults, []);
});

/** Makes a closed vault what one of the first format was, as far as resources and their index go. */
async function asOldFormat(t: TestContext, folder: string): Promise<void> {
  const mac = createRowMac(deriveKey(ROOT_KEY, 'aceso/vault/row-mac/1', utf8(CUSTODIAN)));
  const raw = await rawConnection(t, folder, 'vault.db');
  const rows = await rowsOfRaw<{ type: string; id: string; account: string; version: number; position: number }>(
    raw,
    `select cast(type as blob) type, cast(id as blob) id, cast(account as blob) account, version, position from resource`,
  );
  for (const table of ['resource', 'token', 'ordinal', 'link', 'indexed']) await runRaw(raw, `drop table ${table}`);
  await runRaw(raw, 'drop index version_type');
  await runRaw(
    raw,
    `create table resource (type text not null, id text not null, account text not null,
    version integer not null, position integer not null, tokens blob not null, mac blob not null,
    constraint resource_key primary key (type, id)) without rowid`,
  );
  await runRaw(
    raw,
    'create table token (token blob not null, id text not null, primary key (token, id)) without rowid',
  );
  for (const { type, id, account, version, position } of rows) {
    const sum = bytesToHex(mac.of('resource', [type, id, account, version, position], new Uint8Array(16)));
    const values = `'${type}', '${id}', '${account}', ${version}, ${position}, zeroblob(16), x'${sum}'`;
    await runRaw(raw, `insert into resource values (${values})`);
  }
  await runRaw(raw, "update meta set value = 'aceso.vault/1' where name = 'format'");
  await raw.close();
  const keys = await openSqlite(join(folder, 'keys.db'), {
    key: bytesToHex(deriveKey(ROOT_KEY, 'aceso/vault/pages/1', utf8('keys.db'))),
    cacheBytes: 1_000_000,
  });
  await runRaw(keys, 'drop table index_key');
  await runRaw(keys, "update meta set value = 'aceso.vault/1' where name = 'format'");
  await keys.close();
}

test('a vault of the first format is brought to this one: served at once, found once it is indexed', async (t) => {
  const { vault, folder } = await testVault(t);
  await vault.write([made('z'), made('a'), made('secret', 1, { labels: HIV }), made('gone'), made('erased')], []);
  await vault.write([made('a', 2), made('gone', 2, { action: 'delete' })], []);
  await vault.erase([(await vault.current('Observation', 'erased')) as VersionRow]);
  const rows = await historyOf(vault);
  await vault.close();
  await asOldFormat(t, folder);

  const upgraded = await reopened(t, folder);
  assert.deepEqual(upgraded.indexState().building, { done: 0, total: 3 });
  assert.equal(await codeOf(find(upgraded, [])), 'INDEX_BUILDING');
  assert.deepEqual(await historyOf(upgraded), rows);
  await upgraded.write([made('new'), made('z', 2)], []);
  await upgraded.close();
  const again = await reopened(t, folder);
  assert.equal(await codeOf(find(again, [])), 'INDEX_BUILDING', 'also after another start');
  assert.deepEqual(await again.reindex(entriesOf, { format: 1 }), { done: 2, total: 2, failed: 0 });
  assert.deepEqual(await find(again, [every]), ['z', 'a', 'secret', 'new']);
  assert.deepEqual(await find(again, [], [{ by: 'text', parameter: 'name', descending: false }]), [
    'a',
    'new',
    'secret',
    'z',
  ]);
  assert.equal(again.indexState().building, undefined);
  assert.deepEqual((await again.scrub()).faults, []);
  await again.close();
  assert.equal((await find(await reopened(t, folder), [every])).length, 4);
});

test('an upgrade that a crash cut is done again, with the same numbers', async (t) => {
  const { vault, folder } = await testVault(t);
  await vault.write([made('z'), made('a'), made('b')], []);
  await vault.close();
  await asOldFormat(t, folder);
  await (await reopened(t, folder)).close();
  // As though it had stopped before the format was noted, with a part of the rows written.
  const raw = await rawConnection(t, folder, 'vault.db');
  await runRaw(
    raw,
    `create table resource_v1 as select type, id, account, version, position, x'' tokens, x'' mac from resource`,
  );
  const mac = createRowMac(deriveKey(ROOT_KEY, 'aceso/vault/row-mac/1', utf8(CUSTODIAN)));
  for (const { id, position } of [
    { id: 'z', position: 0 },
    { id: 'a', position: 1 },
    { id: 'b', position: 2 },
  ]) {
    const sum = bytesToHex(mac.of('resource', ['Observation', id, ALICE, 1, position], new Uint8Array(0)));
    await runRaw(raw, `update resource_v1 set mac = x'${sum}' where id = '${id}'`);
  }
  await runRaw(raw, 'delete from resource where rid > 1');
  await runRaw(raw, "update meta set value = 'aceso.vault/1' where name = 'format'");
  await raw.close();
  const again = await reopened(t, folder);
  await again.reindex(entriesOf, { format: 1 });
  assert.deepEqual(await find(again, [every]), ['z', 'a', 'b']);
  assert.deepEqual((await again.scrub()).faults, []);
});
