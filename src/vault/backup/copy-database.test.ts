import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  ALICE,
  CUSTODIAN,
  codeOf,
  databaseOf,
  interaction,
  observation,
  ROOT_KEY,
  reopened,
  testFolder,
  testVault,
  vaultTest,
} from '../../../test/support/test-vault.ts';
import { utf8ToText } from '../../std/bytes.ts';
import { NO_ENTRIES } from '../index/index-entries.ts';
import type { CustodianVault, FrozenVault } from '../vault.ts';
import { type CopyOf, copyDatabase, copyName, openCopy } from './copy-database.ts';
import { fillDatabase, rowsOfFile } from './fill-database.ts';
import { openStream, sealStream } from './sealed-stream.ts';

const OF_VAULT: CopyOf = { part: 'vault', custodian: CUSTODIAN, rootKey: ROOT_KEY };
const OF_KEYS: CopyOf = { ...OF_VAULT, part: 'keys' };

async function all(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

async function* once(bytes: Uint8Array, step = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step);
}

interface Copies {
  readonly vault: Uint8Array;
  readonly keys: Uint8Array;
  readonly names: readonly string[];
}

async function copiesOf(frozen: FrozenVault): Promise<Copies> {
  const names = [copyName('vault', frozen.vault), copyName('keys', frozen.keys)];
  const vault = await all(copyDatabase(frozen.vault, OF_VAULT));
  const keys = await all(copyDatabase(frozen.keys, OF_KEYS));
  assert.deepEqual([frozen.vault.isIntact(), frozen.keys.isIntact()], [true, true]);
  await Promise.all([frozen.vault.release(), frozen.keys.release()]);
  return { vault, keys, names };
}

const freeze = (vault: CustodianVault) => vault.whilePaused((now) => now());

async function text(vault: CustodianVault, id: string): Promise<string | undefined> {
  const row = await vault.current('Observation', id);
  return row === undefined ? undefined : utf8ToText(await vault.open(row));
}

vaultTest('copies that are made while others write hold what was there at one moment, keys included', async (t) => {
  const { vault, folder } = await testVault(t);
  const first = Array.from({ length: 60 }, (_, i) => observation(`o${i}`));
  await vault.write(first, [interaction()]);
  const held = vault.journalHead();
  const frozen = await freeze(vault);
  const copying = copiesOf(frozen);
  await Promise.all(
    Array.from({ length: 40 }, (_, i) => vault.write([observation(`o${i}`, 2), observation(`later${i}`)], [])),
  );
  const copies = await copying;
  await vault.write([observation('after')], []);

  const target = testFolder(t);
  await databaseOf(t, target);
  const { database } = await databaseOf(t, target);
  await cp(join(folder, 'key-check'), join(target, 'key-check'));
  const options = { folder: target, custodian: CUSTODIAN, rootKey: ROOT_KEY, ...(database && { database }) };
  const bytes = { vault: copies.vault, keys: copies.keys };
  for (const [at, of] of [OF_VAULT, OF_KEYS].entries()) {
    const name = copies.names[at] as string;
    if (name.endsWith('.db')) writeFileSync(join(target, name), bytes[of.part]);
    else await fillDatabase(of.part, options, openCopy(once(bytes[of.part]), of));
  }
  const copy = await reopened(t, target, { restored: true });
  assert.deepEqual(copy.journalHead(), held);
  for (let i = 0; i < 60; i++) assert.equal(await text(copy, `o${i}`), utf8ToText(first[i]?.bytes as Uint8Array));
  assert.equal(await text(copy, 'later0'), undefined);
  assert.deepEqual((await copy.scrub()).faults, []);
  await copy.write([observation('o0', 2)], []);
  const criteria = [{ kind: 'account', accounts: [ALICE] } as const];
  const found = await vault.find({ type: 'Observation', criteria, sort: [], limit: 10 });
  assert.equal(found.hits.length, 10);
  assert.deepEqual((await vault.scrub()).faults, []);
});

vaultTest('an erasure meanwhile is not held up: it spoils the copy of a file, and that is said', async (t) => {
  const { vault } = await testVault(t);
  const { versions } = await vault.write([observation('o1'), observation('o2')], []);
  const frozen = await freeze(vault);
  await vault.erase(versions.slice(0, 1));
  const files = [frozen.vault, frozen.keys].filter(({ file }) => file !== undefined);
  for (const one of files) assert.equal(one.isIntact(), false);
  await Promise.all([frozen.vault.release(), frozen.keys.release()]);
  await copiesOf(await freeze(vault));
});

test('rows of a SQLite copy fill another database, and only an empty one', async (t) => {
  const { vault, folder } = await testVault(t);
  const entries = {
    ...NO_ENTRIES,
    tokens: [{ parameter: 'code', value: 'a' }],
    links: [{ parameter: 'focus', type: 'Observation', id: 'o0' }],
    ordinals: [
      { parameter: 'date', low: 1.5, high: Number.POSITIVE_INFINITY },
      { parameter: 'date', low: Number.NEGATIVE_INFINITY, high: 2 },
    ],
  };
  for (let page = 0; page < 11; page++)
    await vault.write(
      Array.from({ length: 100 }, (_, i) => observation(`o${page * 100 + i}`, 1, { entries })),
      [],
    );
  await vault.close();
  const target = testFolder(t);
  await cp(join(folder, 'key-check'), join(target, 'key-check'));
  const options = { folder: target, custodian: CUSTODIAN, rootKey: ROOT_KEY };
  for (const part of ['keys', 'vault'] as const) await fillDatabase(part, options, rowsOfFile(folder, part, ROOT_KEY));
  const code = await codeOf(fillDatabase('vault', options, rowsOfFile(folder, 'vault', ROOT_KEY)));
  assert.equal(code, 'BACKUP_TARGET_TAKEN');
  const copy = await reopened(t, target, { restored: true });
  assert.deepEqual((await copy.scrub()).faults, []);
  assert.deepEqual(copy.journalHead(), vault.journalHead());
});

test('a sealed stream that is cut, altered, reordered, or under another key is refused', async () => {
  const key = new Uint8Array(32).fill(1);
  const plain = Buffer.alloc(3_000_000, 'row ');
  const sealed = await all(sealStream(key, once(plain, 500_000)));
  assert.deepEqual(await all(openStream(key, once(sealed))), plain);
  assert.deepEqual(
    await all(openStream(key, once(await all(sealStream(key, once(new Uint8Array(0))))))).then(String),
    '',
  );
  const damaged = (bytes: Uint8Array, under = key) => codeOf(all(openStream(under, once(bytes))));
  const first = 29 + 4 + new DataView(sealed.buffer, sealed.byteOffset).getUint32(29);
  const swapped = Buffer.concat([sealed.subarray(0, 29), sealed.subarray(first), sealed.subarray(29, first)]);
  const flipped = Uint8Array.from(sealed);
  flipped[2_000_000] = (flipped[2_000_000] as number) ^ 1;
  for (const bytes of [
    sealed.subarray(0, -1),
    sealed.subarray(0, first),
    swapped,
    flipped,
    Buffer.concat([sealed, sealed]),
  ])
    assert.equal(await damaged(bytes), 'BACKUP_ROWS_DAMAGED');
  assert.equal(await damaged(sealed, new Uint8Array(32)), 'BACKUP_ROWS_DAMAGED');
});
