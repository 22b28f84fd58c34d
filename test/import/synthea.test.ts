import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { pino } from 'pino';
import { createNodeStarter } from '../../src/app/create-node-starter.ts';
import { openNodeData } from '../../src/app/node-data.ts';
import { issueJournalReceipt } from '../../src/capabilities/records/server/issue-receipt.ts';
import { receiptToBytes } from '../../src/chain/receipt/receipt.ts';
import { parseTrust } from '../../src/chain/receipt/trust.ts';
import { verifyReceipt } from '../../src/chain/receipt/verify.ts';
import { deriveKey } from '../../src/crypto/node/derive-key.ts';
import type { OrganisationContext } from '../../src/server/organisation.ts';
import { bytesToHex, utf8, utf8ToText } from '../../src/std/bytes.ts';
import { canonicalBytes } from '../../src/std/canonical-json.ts';
import { openSqlite } from '../../src/vault/database/sqlite.ts';
import type { CustodianVault, VersionRow } from '../../src/vault/vault.ts';
import { vaultQueries } from '../../src/vault/vault-schema.ts';
import { runLine } from '../support/command-line.ts';
import { type OpenFolder, withFolder } from '../support/open-folder.ts';
import { testEngine } from '../support/test-engine.ts';
import { mapMembers, memberOf, readWritten, textOf, type Written, without, writtenText } from './written-json.ts';

const data = fileURLToPath(new URL('../../../shared/data/synthea', import.meta.url));
const skip = existsSync(data) ? false : 'needs ../shared/data/synthea';
const root = mkdtempSync(join(tmpdir(), 'aceso-synthea-'));
const place = { folder: join(root, 'data'), keyFolder: join(root, 'keys') };
const receipts = join(root, 'receipts');
after(() => rmSync(root, { recursive: true, force: true }));

/** Runs a command line in this process; resolves to its exit code and what it printed. */
async function aceso(...argv: readonly string[]): Promise<{ code: number; printed: string }> {
  const logger = pino({ level: 'silent' });
  const nodes = createNodeStarter({
    ...{ keyFolder: place.keyFolder, clock: Date.now, logger, fetch, version: 'test', engine: testEngine },
  });
  const { code, text } = await runLine(argv, { cwd: root, nodes, fetch });
  return { code, printed: text };
}

/** What the files say: each resource as written, under the id that its fullUrl gives it. */
function readSources(): {
  readonly resources: Map<string, Written[]>;
  readonly targets: Map<string, string>;
  readonly entries: number;
} {
  const resources = new Map<string, Written[]>();
  const targets = new Map<string, string>();
  let entries = 0;
  for (const file of readdirSync(data).filter((name) => name.endsWith('.json'))) {
    const bundle = memberOf(readWritten(readFileSync(join(data, file), 'utf8')), 'entry');
    for (const entry of bundle?.kind === 'array' ? bundle.elements : []) {
      const [resource, fullUrl] = [memberOf(entry, 'resource') as Written, textOf(entry, 'fullUrl') ?? ''];
      const address = `${textOf(resource, 'resourceType')}/${fullUrl.slice('urn:uuid:'.length)}`;
      targets.set(fullUrl, address);
      resources.set(address, [...(resources.get(address) ?? []), resource]);
      entries++;
    }
  }
  return { resources, targets, entries };
}

/** What is a resource's own: without id and without what a server sets in `meta`. */
function authored(resource: Written): string {
  const rest = without(memberOf(resource, 'meta') ?? { kind: 'object', members: [] }, 'versionId', 'lastUpdated');
  return `${writtenText(rest)}${writtenText(without(resource, 'id', 'meta'))}`;
}

type Held = OrganisationContext & { readonly vault: CustodianVault };

function holder({ organisations }: OpenFolder): Held {
  return organisations[0] as Held;
}

/** Every version in the journal, oldest first. */
async function* versionsOf({ vault }: Held): AsyncGenerator<VersionRow> {
  for (let index = 0; index < vault.journalHead().size; index++) {
    const row = await vault.versionAt(0, index);
    if (row !== undefined) yield row;
  }
}

before(async () => {
  if (skip !== false) return;
  const { code, printed } = await aceso('import', data, '--data', place.folder);
  assert.equal(code, 0, printed);
});

test('every file imports, and importing again changes nothing', { skip }, async (t) => {
  const { entries } = readSources();
  const size = () => withFolder(place, async (open) => holder(open).vault.journalHead().size);
  const before = await size();
  const { code, printed } = await aceso('import', data, '--data', place.folder);
  t.diagnostic(printed.trim());
  assert.equal(code, 0, printed);
  assert.match(printed, new RegExp(`: 0 resources created, 0 updated, ${entries} unchanged`));
  assert.equal(await size(), before);
});

test('every resource reads back as written, and every reference resolves', { skip }, async (t) => {
  const { resources, targets } = readSources();
  const resolved = (token: string) => JSON.stringify(targets.get(JSON.parse(token)) ?? JSON.parse(token));
  const expected = new Map<string, Set<string>>();
  for (const [address, states] of resources) {
    expected.set(address, new Set(states.map((one) => authored(mapMembers(one, 'reference', resolved)))));
  }
  await withFolder(place, async (open) => {
    const organisation = holder(open);
    const { vault } = organisation;
    let [versions, references] = [0, 0];
    for await (const row of versionsOf(organisation)) {
      const text = utf8ToText(await vault.open(row));
      const stored = readWritten(text);
      const address = `${row.type}/${row.id}`;
      assert.equal(`${textOf(stored, 'resourceType')}/${textOf(stored, 'id')}`, address);
      assert.equal(textOf(memberOf(stored, 'meta'), 'versionId'), String(row.version));
      assert.equal(writtenText(stored), text, 'whitespace between tokens');
      assert.ok(expected.get(address)?.delete(authored(stored)), `${address} reads back otherwise`);
      const named: { type: string; id: string }[] = [];
      mapMembers(stored, 'reference', (token) => {
        const [type = '', id = ''] = (JSON.parse(token) as string).split('/');
        if (type.startsWith('#')) return token;
        named.push({ type, id });
        return token;
      });
      for (const { type, id } of named) {
        assert.equal((await vault.current(type, id))?.deleted, false, `${address} refers to ${type}/${id}`);
        references++;
      }
      versions++;
    }
    for (const [address, left] of expected) assert.equal(left.size, 0, `a state of ${address} is missing`);
    t.diagnostic(`${versions} versions of ${resources.size} resources, ${references} references`);
    assert.ok(references > versions);
  });
});

test('every version’s receipt verifies, about the bytes that are stored', { skip }, async (t) => {
  await withFolder(place, async (open) => {
    const organisation = holder(open);
    const { vault, ledger } = organisation;
    const trust = parseTrust(canonicalBytes(ledger.genesis));
    const begunMs = performance.now();
    let count = 0;
    for await (const row of versionsOf(organisation)) {
      const entry = await vault.entry(row.generation, row.journalIndex);
      assert.ok(entry);
      const receipt = receiptToBytes(await issueJournalReceipt(ledger, vault, entry));
      await verifyReceipt(receipt, trust, await vault.open(row));
      count++;
    }
    t.diagnostic(`${count} receipts issued and verified in ${((performance.now() - begunMs) / 1000).toFixed(1)} s`);
    assert.ok(count > 1_000);
  });
});

test('a sample verifies on the command line; a receipt with any byte flipped does not', { skip }, async () => {
  const exported = await aceso('receipts', 'export', '--sample', '20', '--out', receipts, '--data', place.folder);
  assert.equal(exported.code, 0, exported.printed);
  const trustPath = join(receipts, 'genesis.json');
  const good = await aceso('verify', receipts, '--trust', trustPath);
  assert.deepEqual([good.code, good.printed.trim().split('\n').at(-1)], [0, '20 of 20 receipts verified']);
  const path = join(receipts, readdirSync(receipts).find((name) => name.endsWith('.receipt.json')) as string);
  const [bytes, trust] = [readFileSync(path), parseTrust(readFileSync(trustPath))];
  for (let at = 0; at < bytes.length; at++) {
    const flipped = Uint8Array.from(bytes);
    flipped[at] = (flipped[at] as number) ^ (1 << (at % 8));
    await assert.rejects(verifyReceipt(flipped, trust), { name: 'Reject' }, `byte ${at}`);
  }
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
  writeFileSync(path, bytes);
  const bad = await aceso('verify', receipts, '--trust', trustPath);
  assert.notEqual(bad.code, 0);
  assert.match(bad.printed, /19 of 20 receipts verified/);
});

function copyOf(name: string): typeof place {
  const folder = join(root, name);
  cpSync(place.folder, folder, { recursive: true });
  return { ...place, folder };
}

/** Flips a bit of a stored blob, as one who holds the key of the pages could; a flip from outside garbles whole pages. */
async function flipInBlob({ folder, keyFolder }: typeof place, slug: string, address: string): Promise<void> {
  const { rootKey } = await openNodeData({ folder, keyFolder, clock: Date.now, rootKeyMade: () => {} });
  const vaultKey = deriveKey(rootKey, 'aceso/vault-root/1', utf8(slug));
  const key = bytesToHex(deriveKey(vaultKey, 'aceso/vault/pages/1', utf8('vault.db')));
  const connection = await openSqlite(join(folder, 'vaults', slug, 'vault.db'), { key, cacheBytes: 1_000_000 });
  const where = `address = x'${address}'`;
  const queries = vaultQueries('sqlite');
  const select = sql.raw<{ bytes: Uint8Array }>(`select bytes from blob where ${where}`).compile(queries);
  const bytes = (await connection.all(select))[0]?.bytes;
  assert.ok(bytes);
  const flipped = Uint8Array.from(bytes);
  flipped[flipped.length >> 1] = (flipped[flipped.length >> 1] as number) ^ 1;
  const update = sql.raw(`update blob set bytes = x'${bytesToHex(flipped)}' where ${where}`).compile(queries);
  await connection.execute([update]);
  await connection.close();
}

test('a flipped byte in a blob is detected, and concerns that version alone', { skip }, async () => {
  const { row, slug } = await withFolder(place, async (open) => {
    const organisation = holder(open);
    const rows = await Array.fromAsync(versionsOf(organisation));
    return { row: rows[rows.length >> 1] as VersionRow, slug: organisation.slug };
  });
  const damaged = copyOf('damaged-blob');
  await flipInBlob(damaged, slug, row.blob);
  await withFolder(damaged, async (open) => {
    const { vault } = holder(open);
    await assert.rejects(() => vault.open(row), { code: 'BLOB_DAMAGED' });
    const { faults } = await vault.scrub();
    assert.deepEqual(faults, [{ code: 'BLOB_DAMAGED', generation: row.generation, index: row.journalIndex }]);
  });
});

test('a flipped byte in a block stops the node with the height', { skip }, async () => {
  const { wire, height } = await withFolder(place, async ({ ledger }) => {
    for await (const block of ledger.blocks(2))
      return { wire: block.transactions[0] as Uint8Array, height: block.height };
    throw new Error('no block');
  });
  const log = readdirSync(join(place.folder, 'ledger'), { recursive: true, encoding: 'utf8' })
    .map((name) => join('ledger', name))
    .find((name) => contains(join(place.folder, name), wire));
  assert.ok(log);
  const damaged = copyOf('damaged-block');
  const bytes = readFileSync(join(damaged.folder, log));
  const at = bytes.indexOf(wire) + (wire.length >> 1);
  bytes[at] = (bytes[at] as number) ^ 1;
  writeFileSync(join(damaged.folder, log), bytes);
  await assert.rejects(
    withFolder(damaged, async () => {}),
    (error: Error) => {
      assert.equal(error.name, 'Reject');
      assert.equal((error as Error & { data: { height?: number } }).data.height, height);
      return true;
    },
  );
});

function contains(path: string, needle: Uint8Array): boolean {
  return statSync(path).isFile() && readFileSync(path).includes(needle);
}
