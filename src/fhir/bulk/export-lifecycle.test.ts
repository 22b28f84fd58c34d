import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type BulkNode, createBulkNode, type ManifestFile } from '../../../test/support/bulk-node.ts';
import type { Caller } from '../../auth/caller.ts';
import { utf8ToText } from '../../std/bytes.ts';
import type { VersionRow } from '../../vault/vault.ts';
import { BULK_LIMITS } from './bulk-limits.ts';

/** So many patients, in Bundles. */
async function fill(node: BulkNode, count: number): Promise<void> {
  for (let at = 0; at < count; at += 50) {
    const entry = Array.from({ length: Math.min(50, count - at) }, (_, index) => ({
      request: { method: 'PUT', url: `Patient/p${at + index}` },
      resource: { resourceType: 'Patient', id: `p${at + index}`, name: [{ text: 'x'.repeat(200) }] },
    }));
    const answer = await node.send('POST', '', { body: { resourceType: 'Bundle', type: 'transaction', entry } });
    assert.equal(answer.status, 200, answer.text);
  }
}

/** Keeps the next exports at their first chunk until it is let go. */
function holdBack(node: BulkNode): () => void {
  const { find } = node.vault;
  const { promise, resolve } = Promise.withResolvers<void>();
  Object.assign(node.vault, {
    find: async (query: Parameters<typeof find>[0]) => {
      await promise;
      return find(query);
    },
  });
  return () => {
    Object.assign(node.vault, { find });
    resolve();
  };
}

const code = ({ json }: { json: { issue: { details: { coding: { code: string }[] } }[] } }) =>
  json.issue[0]?.details.coding[0]?.code;
const folderOf = (node: BulkNode, id: string) => join(node.folder, 'exports', 'hospital', id);

test('status: in progress with its progress, too many questions, then the manifest with Expires', async (t) => {
  const node = await createBulkNode(t, { pollMs: 60_000 });
  await fill(node, 3);
  const letGo = holdBack(node);
  const beganMs = Date.now();
  const id = await node.kickOff('$export?_type=Patient');
  const first = await node.send('GET', `bulk-exports/${id}`);
  assert.equal(first.status, 202);
  assert.match(first.headers['x-progress'] ?? '', /^0 resources, Patient \(1 of 1 types\)$/);
  assert.ok(Number(first.headers['retry-after']) > 0);
  const again = await node.send('GET', `bulk-exports/${id}`);
  assert.equal(again.status, 429);
  assert.equal(again.headers['retry-after'], '60');
  assert.equal(code(again), 'EXPORT_POLLED_TOO_SOON');
  node.clock.aheadMs += 61_000;
  assert.equal((await node.send('GET', `bulk-exports/${id}`)).status, 202);
  // No file is given out before the export is done, not even one that is on the disk.
  assert.equal((await node.send('GET', `bulk-exports/${id}/files/0.ndjson`)).status, 404);
  letGo();
  for (let status = 0; status !== 200; await new Promise((resolve) => setTimeout(resolve, 5))) {
    node.clock.aheadMs += 61_000;
    const answer = await node.send('GET', `bulk-exports/${id}`);
    status = answer.status;
    if (status !== 200) continue;
    assert.match(answer.headers['content-type'] ?? '', /^application\/json/);
    const expiresMs = Date.parse(answer.headers.expires ?? '');
    assert.ok(expiresMs - BULK_LIMITS.expiryMs >= beganMs - 1000);
    assert.ok(expiresMs - BULK_LIMITS.expiryMs <= Date.now() + node.clock.aheadMs);
  }
});

test('so many exports of a client and of an organisation, and no more', async (t) => {
  const node = await createBulkNode(t, { activePerClient: 1, activePerOrganisation: 2 });
  await fill(node, 1);
  const letGo = holdBack(node);
  const id = await node.kickOff('$export?_type=Patient', { caller: 'app' });
  const prefer = { prefer: 'respond-async' };
  const again = await node.send('GET', '$export', { caller: 'app', headers: prefer });
  assert.equal(again.status, 429);
  assert.equal(code(again), 'EXPORT_TOO_MANY');
  assert.ok(Number(again.headers['retry-after']) > 0);
  const other = await node.kickOff('$export?_type=Patient', { caller: 'other-app' });
  assert.equal((await node.send('GET', '$export', { headers: prefer })).status, 429);
  letGo();
  await node.manifest(id, { caller: 'app' });
  await node.manifest(other, { caller: 'other-app' });
  const third = await node.kickOff('$export?_type=Patient', { caller: 'app' });
  await node.manifest(third, { caller: 'app' });
});

test('status and files are for who began the export: the same account by the same app, with scopes that cover them', async (t) => {
  const node = await createBulkNode(t);
  await fill(node, 2);
  const answer = await node.send('PUT', 'Organization/o', {
    body: { resourceType: 'Organization', id: 'o', name: 'O' },
  });
  assert.equal(answer.status, 201);
  const id = await node.kickOff('$export?_type=Patient,Organization', { caller: 'app' });
  const { output } = await node.manifest(id, { caller: 'app' });
  const [organization, patient] = output as [ManifestFile, ManifestFile];
  for (const caller of ['physician', 'other-app', 'app-of-other', 'administrator']) {
    for (const [method, url] of [
      ['GET', `bulk-exports/${id}`],
      ['DELETE', `bulk-exports/${id}`],
      ['GET', patient.url],
    ] as const) {
      const refused = await node.send(method, url, { caller });
      assert.equal(refused.status, 404, `${caller} ${method} ${url}`);
      assert.equal(code(refused), 'EXPORT_UNKNOWN');
    }
  }
  // A token for Patients alone gets no Organizations.
  assert.equal((await node.send('GET', patient.url, { caller: 'narrow' })).status, 200);
  assert.equal((await node.send('GET', organization.url, { caller: 'narrow' })).status, 404);
});

test('an export that is deleted while it runs or after it is gone, with key and files', async (t) => {
  const node = await createBulkNode(t, { batchRows: 5 });
  await fill(node, 40);
  const done = await node.kickOff('$export?_type=Patient');
  await node.manifest(done);
  assert.ok(existsSync(folderOf(node, done)));
  assert.equal((await node.send('DELETE', `bulk-exports/${done}`)).status, 202);
  const letGo = holdBack(node);
  const running = await node.kickOff('$export?_type=Patient');
  assert.equal((await node.send('DELETE', `bulk-exports/${running}`)).status, 202);
  letGo();
  for (const id of [done, running]) {
    assert.equal((await node.send('GET', `bulk-exports/${id}`)).status, 404);
    assert.equal((await node.send('DELETE', `bulk-exports/${id}`)).status, 404);
    assert.equal(await node.vault.getDocument('bulk-export', id), undefined);
  }
  await node.bulk().stop();
  for (const id of [done, running]) assert.ok(!existsSync(folderOf(node, id)));
  assert.deepEqual(await node.vault.listDocuments('bulk-export-progress'), []);
});

test('an export expires: nothing answers any more, and the sweep destroys key and files', async (t) => {
  const node = await createBulkNode(t);
  await fill(node, 2);
  const id = await node.kickOff('$export?_type=Patient');
  const { output } = await node.manifest(id);
  node.clock.aheadMs += BULK_LIMITS.expiryMs - 60_000;
  for (const job of node.bulk().jobs) await job.run();
  assert.equal((await node.send('GET', output[0]?.url ?? '')).status, 200);
  node.clock.aheadMs += 120_000;
  assert.equal((await node.send('GET', `bulk-exports/${id}`)).status, 404);
  assert.equal((await node.send('GET', output[0]?.url ?? '')).status, 404);
  for (const job of node.bulk().jobs) await job.run();
  await node.bulk().stop();
  assert.ok(!existsSync(folderOf(node, id)));
  assert.equal(await node.vault.getDocument('bulk-export', id), undefined);
});

test('files on the disk say nothing, and one that was changed is not given out', async (t) => {
  const node = await createBulkNode(t, { frameBytes: 4096 });
  await fill(node, 60);
  const id = await node.kickOff('$export?_type=Patient');
  const [file] = (await node.manifest(id)).output;
  assert.ok(file !== undefined);
  assert.equal((await node.lines(file)).length, 60);
  const path = join(folderOf(node, id), '0');
  assert.deepEqual(readdirSync(folderOf(node, id)), ['0']);
  const whole = readFileSync(path);
  assert.ok(!whole.includes('Patient'));
  const first = 4 + whole.readUInt32BE(0);
  const second = first + 4 + whole.readUInt32BE(first);
  const damages: Record<string, Buffer> = {
    'a byte of the first frame': Buffer.concat([
      whole.subarray(0, 50),
      Buffer.from([(whole[50] as number) ^ 1]),
      whole.subarray(51),
    ]),
    'a length': Buffer.concat([Buffer.from([0xff]), whole.subarray(1)]),
    'frames in another order': Buffer.concat([
      whole.subarray(first, second),
      whole.subarray(0, first),
      whole.subarray(second),
    ]),
    'nothing left': Buffer.alloc(0),
  };
  for (const [what, bytes] of Object.entries(damages)) {
    writeFileSync(path, bytes);
    const answer = await node.send('GET', file.url);
    assert.equal(answer.status, 500, what);
    assert.equal(code(answer), 'EXPORT_FILE_DAMAGED', what);
  }
  // Further on the answer has begun: it breaks off instead of ending as if it were whole.
  writeFileSync(path, whole.subarray(0, whole.length - 1));
  await assert.rejects(node.send('GET', file.url));
  await assert.rejects(node.send('GET', file.url, { headers: { 'accept-encoding': 'gzip' } }));
  writeFileSync(path, whole);
  assert.equal((await node.lines(file)).length, 60);
});

test('an export that is stopped goes on after a restart, with every resource once, whatever the files had beyond it', async (t) => {
  const node = await createBulkNode(t, { batchRows: 20, fileBytes: 8192, frameBytes: 2048 });
  await fill(node, 300);
  const { putDocument } = node.vault;
  let saved = 0;
  const stopped = Promise.withResolvers<void>();
  // Stops at the fifth chunk: files are written, the position behind them is not.
  Object.assign(node.vault, {
    putDocument: async (kind: string, id: string, bytes: Uint8Array | null) => {
      if (kind === 'bulk-export-progress' && ++saved > 5) {
        stopped.resolve();
        throw new TypeError('stopped');
      }
      return putDocument(kind, id, bytes);
    },
  });
  const id = await node.kickOff('$export?_type=Patient');
  await stopped.promise;
  await node.bulk().stop();
  assert.deepEqual(node.failures, []);
  Object.assign(node.vault, { putDocument });
  await node.restart();
  const manifest = await node.manifest(id);
  assert.ok(manifest.output.length > 3);
  const ids: unknown[] = [];
  for (const file of manifest.output) for (const line of await node.lines(file)) ids.push(line.id);
  assert.equal(ids.length, 300);
  assert.equal(new Set(ids).size, 300);
  await node.restart();
  assert.equal((await node.manifest(id)).output.length, manifest.output.length);
});

test('a chunk ends where its bytes are enough, and the walk goes on behind the last that was written', async (t) => {
  const node = await createBulkNode(t, { batchBytes: 2000, openedRows: 3, pageRows: 50 });
  await fill(node, 130);
  const { openAll, putDocument } = node.vault;
  let [opened, saved, most] = [0, 0, 0];
  Object.assign(node.vault, {
    async openAll(rows: readonly VersionRow[]) {
      opened += rows.length;
      return openAll(rows);
    },
    async putDocument(kind: string, id: string, bytes: Uint8Array | null) {
      if (kind === 'bulk-export-progress' && bytes !== null) {
        const { resources } = JSON.parse(utf8ToText(bytes)) as { resources: number };
        most = Math.max(most, resources - saved);
        saved = resources;
      }
      return putDocument(kind, id, bytes);
    },
  });
  const { output } = await node.manifest(await node.kickOff('$export?_type=Patient'));
  const ids: unknown[] = [];
  for (const file of output) for (const line of await node.lines(file)) ids.push(line.id);
  assert.equal(new Set(ids).size, 130);
  assert.equal(ids.length, 130);
  // None is opened twice, and no chunk has more than the bytes and the two lists that were under way then.
  assert.equal(opened, 130);
  assert.ok(most > 0 && most <= 20, `${most} in a chunk`);
});

test('an erasure destroys the files of exports that may have what is erased, and no others', async (t) => {
  const node = await createBulkNode(t, { batchRows: 5 });
  await fill(node, 40);
  const done = await node.kickOff('$export?_type=Patient,Organization');
  const other = await node.kickOff('$export?_type=Organization', { caller: 'app' });
  const [{ output }] = [await node.manifest(done), await node.manifest(other, { caller: 'app' })];
  const letGo = holdBack(node);
  const running = await node.kickOff('$export?_type=Patient', { caller: 'app-of-other' });
  const row = (await node.vault.current('Patient', 'p7')) as VersionRow;
  const erased = node.vault.erase([row]);
  letGo();
  await erased;
  for (const [id, caller] of [
    [done, 'physician'],
    [running, 'app-of-other'],
  ] as const) {
    const status = await node.send('GET', `bulk-exports/${id}`, { caller });
    assert.equal(status.status, 500);
    assert.match(status.text, /EXPORT_FAILED.*EXPORT_ERASED/s);
    assert.ok(!existsSync(folderOf(node, id)));
    const kept = JSON.parse(utf8ToText((await node.vault.getDocument('bulk-export', id)) as Uint8Array));
    assert.equal(kept.key, '');
  }
  assert.equal((await node.send('GET', output[0]?.url ?? '')).status, 404);
  assert.equal((await node.send('GET', `bulk-exports/${other}`, { caller: 'app' })).status, 200);
  // It stays so after a restart, can be cleared away, and the next export is without what was erased.
  await node.restart();
  assert.equal((await node.send('GET', `bulk-exports/${running}`, { caller: 'app-of-other' })).status, 500);
  assert.equal((await node.send('DELETE', `bulk-exports/${done}`)).status, 202);
  const [file] = (await node.manifest(await node.kickOff('$export?_type=Patient'))).output;
  const ids = (await node.lines(file as ManifestFile)).map(({ id }) => id);
  assert.equal(ids.length, 39);
  assert.ok(!ids.includes('p7'));
});

test('an export ends with the right of who began it, and its files are for the roles of then', async (t) => {
  const node = await createBulkNode(t, { batchRows: 5 });
  await fill(node, 40);
  node.callers.physician = { ...(node.callers.physician as Caller), roles: ['urn:x|gp'] };
  const done = await node.kickOff('$export?_type=Patient');
  const { output } = await node.manifest(done);
  const letGo = holdBack(node);
  t.after(letGo);
  const running = await node.kickOff('$export?_type=Patient');
  node.owners.now = (owner) => ({ ...owner, roles: [] });
  const fewer = await node.send('GET', output[0]?.url ?? '');
  assert.equal(fewer.status, 403);
  assert.equal(code(fewer), 'EXPORT_OWNER_GONE');
  node.owners.now = () => undefined;
  letGo();
  for (let text = ''; !text.includes('EXPORT_OWNER_GONE'); await new Promise((resolve) => setTimeout(resolve, 5)))
    text = (await node.send('GET', `bulk-exports/${running}`)).text;
  assert.equal((await node.send('GET', output[0]?.url ?? '')).status, 403);
  node.owners.now = (owner) => owner;
  assert.equal((await node.send('GET', output[0]?.url ?? '')).status, 200);
});

test('what patients keep takes no room from the organisation, nor one user of an app from another', async (t) => {
  const limits = { keptPerPatient: 1, keptOfPatients: 2, keptPerClient: 1, keptPerOrganisation: 2 };
  const node = await createBulkNode(t, limits);
  await fill(node, 2);
  const physician = node.callers.physician as Caller;
  for (const [at, name] of ['anna', 'bob', 'carl'].entries())
    node.callers[name] = { ...physician, account: `${at}`.repeat(32), kind: 'patient', roles: [], client: 'app-1' };
  const asks = async (caller: string) =>
    (await node.send('GET', 'Patient/$export?_type=Patient', { caller, headers: { prefer: 'respond-async' } })).status;
  assert.deepEqual([await asks('anna'), await asks('anna')], [202, 429]);
  assert.deepEqual([await asks('bob'), await asks('carl')], [202, 429]);
  assert.deepEqual([await asks('app'), await asks('app')], [202, 429]);
  assert.deepEqual([await asks('app-of-other'), await asks('physician')], [202, 429]);
});

test('what an export wrote before a position was durable is cut off, and files without a job are removed', async (t) => {
  const node = await createBulkNode(t, { batchRows: 20 });
  await fill(node, 100);
  const letGo = holdBack(node);
  const id = await node.kickOff('$export?_type=Patient');
  const stopping = node.bulk().stop();
  letGo();
  await stopping;
  mkdirSync(folderOf(node, id), { recursive: true });
  writeFileSync(join(folderOf(node, id), '0'), Buffer.alloc(100_000, 1));
  const orphan = folderOf(node, `e${'0'.repeat(32)}`);
  mkdirSync(orphan, { recursive: true });
  writeFileSync(join(orphan, '0'), 'left over');
  await node.restart();
  const [file] = (await node.manifest(id)).output;
  assert.equal((await node.lines(file as ManifestFile)).length, 100);
  assert.ok(!existsSync(orphan));
});
