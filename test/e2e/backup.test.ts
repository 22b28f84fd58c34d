import assert from 'node:assert/strict';
import { cpSync, existsSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { parseTrust } from '../../src/chain/receipt/trust.ts';
import { verifyReceipt } from '../../src/chain/receipt/verify.ts';
import type { RunningNode } from '../../src/cli/node-starter.ts';
import { standbyNode } from '../crash/killed-node.ts';
import {
  adminOf,
  type BackedUpNode,
  backup,
  call,
  createBackedUpNode,
  noteOf,
  writing,
} from '../support/backed-up-node.ts';
import { codeOf } from '../support/test-vault.ts';

/* Backups of whole nodes, while they are written to, and what is made of them. */

let own: BackedUpNode;
before(async () => {
  own = await createBackedUpNode();
});
after(() => own.end());
const progress = (): void => {};

test('what was acknowledged before a backup began is in it, with receipts that verify, while others write on', async () => {
  const out = join(own.root, 'busy');
  const load = writing({ url: own.node.url, token: own.staff }, own.patient);
  while (load.written.length < 40) await delay(10);
  const before = [...load.written];
  const report = await backup(adminOf(own.node), { out });
  const during = load.written.length - before.length;
  await load.stop();
  assert.ok(during > 0, 'nothing was written meanwhile');
  assert.deepEqual(
    readdirSync(own.root).filter((name) => name.includes('.partial-')),
    [],
  );
  await own.nodes.backups.verify({ from: out, progress });
  const folder = join(own.root, 'restored');
  const restored = await own.nodes.backups.restore({ from: out, folder, scrub: true, progress });
  assert.deepEqual(
    restored.vaults.map(({ status, scrub }) => [status, scrub?.faults.length]),
    restored.vaults.map(() => ['serving', 0]),
  );
  assert.equal(restored.vaults[0]?.journal.size, report.vaults[0]?.entries);

  const copy = await own.start(folder);
  try {
    const trust = parseTrust(readFileSync(join(folder, 'genesis.json')));
    for (const id of before) {
      const { status } = await call({ url: copy.url, token: own.staff }, 'GET', `/fhir/Observation/${id}`);
      assert.equal(status, 200);
    }
    // Every entry of the journal of the backup, also those that no anchor named yet: they are anchored in a moment.
    const size = report.vaults[0]?.entries ?? 0;
    for (let index = 0; index < size; index += Math.max(1, Math.floor(size / 60))) {
      const response = await anchoredReceipt(copy, index);
      assert.equal(response.status, 200, await response.clone().text());
      const verdict = await verifyReceipt(new Uint8Array(await response.arrayBuffer()), trust);
      assert.ok(verdict !== undefined);
    }
    const more = await call({ url: copy.url, token: own.staff }, 'POST', '/fhir/Observation', noteOf(own.patient, 0));
    assert.equal(more.status, 201);
  } finally {
    await copy.close();
  }
});

test('a place that is taken, inside the data folder, or asked for by others is refused, and nothing is left', async () => {
  const out = join(own.root, 'taken');
  writeFileSync(out, '');
  const ask = adminOf(own.node);
  await assert.rejects(backup(ask, { out }), /BACKUP_FOLDER_TAKEN/);
  await assert.rejects(backup(ask, { out: join(own.data, 'inside') }), /BACKUP_FOLDER_UNFIT/);
  await assert.rejects(backup(ask, { out: `${own.root}/a/../b` }), /BACKUP_FOLDER_UNFIT/);
  await assert.rejects(
    backup(ask, { out: join(own.root, 'same'), keysOut: join(own.root, 'same') }),
    /BACKUP_FOLDER_UNFIT/,
  );
  for (const body of [{}, { out: 'relative' }, { out: 5 }, { out: '/x', more: 1 }])
    assert.equal((await call(ask, 'POST', '/api/backup', body)).status, 400);
  for (const token of [own.staff, 'nobody'])
    assert.ok([401, 403].includes((await call({ url: own.node.url, token }, 'POST', '/api/backup', { out })).status));
  assert.deepEqual(
    readdirSync(own.root).filter((name) => name.includes('.partial-')),
    [],
  );
});

test('damaged, incomplete and foreign backups are refused by the names of what is wrong, and leave nothing', async () => {
  const [out, keysOut] = [join(own.root, 'sound'), join(own.root, 'sound-keys')];
  await backup(adminOf(own.node), { out, keysOut });
  const restore = (from: string, more = {}) =>
    own.nodes.backups.restore({ from, keys: keysOut, folder: join(own.root, 'never'), progress, ...more });
  const bad = join(own.root, 'bad');
  const spoilt = async (spoil: () => void): Promise<{ code: string; files: unknown }> => {
    rmSync(bad, { recursive: true, force: true });
    cpSync(out, bad, { recursive: true });
    spoil();
    const error = (await restore(bad).catch((thrown: unknown) => thrown)) as { code: string; data: { files: unknown } };
    return { code: error.code, files: error.data.files };
  };
  const vaults = readdirSync(join(out, 'vaults'));
  const file = `vaults/${vaults[0]}/vault.db`;
  const flip = (path: string, at: number): void => {
    const handle = openSync(join(bad, path), 'r+');
    writeSync(handle, '~~~~', at);
  };
  assert.deepEqual(await spoilt(() => flip(file, 9000)), { code: 'BACKUP_DAMAGED', files: [file] });
  assert.deepEqual(await spoilt(() => rmSync(join(bad, 'genesis.json'))), {
    code: 'BACKUP_DAMAGED',
    files: ['genesis.json'],
  });
  assert.deepEqual(await spoilt(() => writeFileSync(join(bad, 'more'), '')), {
    code: 'BACKUP_DAMAGED',
    files: ['more'],
  });
  const manifest = (change: (text: string) => string) => () =>
    writeFileSync(join(bad, 'manifest.json'), change(readFileSync(join(bad, 'manifest.json'), 'utf8')));
  assert.equal((await spoilt(() => rmSync(join(bad, 'manifest.json')))).code, 'BACKUP_MANIFEST_UNREADABLE');
  assert.equal((await spoilt(manifest((text) => text.slice(0, -1)))).code, 'BACKUP_MANIFEST_UNREADABLE');
  const upwards = manifest((text) => text.replace('"path":"genesis.json"', '"path":"../genesis.json"'));
  assert.equal((await spoilt(upwards)).code, 'BACKUP_MANIFEST_UNREADABLE');
  const later = manifest((text) => text.replace(/"timeMs":(\d)/, '"timeMs":9'));
  assert.deepEqual(await spoilt(later), { code: 'BACKUP_DAMAGED', files: ['manifest.json'] });
  assert.equal(
    await codeOf(own.nodes.backups.restore({ from: out, folder: join(own.root, 'never'), progress })),
    'BACKUP_KEYS_MISSING',
  );
  assert.equal(await codeOf(restore(out, { keys: out })), 'BACKUP_KEYS_OTHER');
  assert.equal(await codeOf(restore(out, { folder: own.data })), 'RESTORE_FOLDER_TAKEN');
  const otherKeys = own.starterOn(undefined, join(own.root, 'other-keys'));
  const elsewhere = otherKeys.backups.restore({ from: out, keys: keysOut, folder: join(own.root, 'never'), progress });
  assert.equal(await codeOf(elsewhere), 'ROOT_KEY_MISSING');
  assert.deepEqual(
    readdirSync(own.root).filter((name) => name.startsWith('never')),
    [],
  );
  await restore(out);
  assert.ok(existsSync(join(own.root, 'never', 'node.json')));
});

test('keys of an older backup do not open newer records, newer keys open older records', async () => {
  const ask = adminOf(own.node);
  const first = { out: join(own.root, 'r1'), keysOut: join(own.root, 'k1') };
  await backup(ask, first);
  const { status } = await call(
    { url: own.node.url, token: own.staff },
    'POST',
    '/fhir/Observation',
    noteOf(own.patient, 0),
  );
  assert.equal(status, 201);
  const second = { out: join(own.root, 'r2'), keysOut: join(own.root, 'k2') };
  await backup(ask, second);
  const restore = (from: string, keys: string) =>
    own.nodes.backups.restore({ from, keys, folder: join(own.root, 'mixed'), scrub: true, progress });
  assert.equal(await codeOf(restore(second.out, first.keysOut)), 'BACKUP_KEYS_OTHER');
  const { vaults } = await restore(first.out, second.keysOut);
  assert.deepEqual(vaults[0]?.scrub?.faults, []);
});

test('what was erased after a backup is erased again before a restore is done, where the ledger outlived the records', async () => {
  const out = join(own.root, 'older');
  const ask = { url: own.node.url, token: own.staff };
  const { body } = await call(ask, 'POST', '/fhir/Observation', noteOf(own.patient, 7));
  const id = String(body.id);
  await backup(adminOf(own.node), { out });
  const erased = await call(adminOf(own.node), 'POST', '/api/erasures', {
    versions: [{ type: 'Observation', id, version: 1 }],
    confirm: 1,
  });
  assert.equal(erased.status, 200, JSON.stringify(erased.body));
  await delay(1500);
  const running = own.nodes.backups.restore({ from: out, folder: join(own.root, 'x'), ledger: own.data, progress });
  assert.equal(await codeOf(running), 'DATA_FOLDER_IN_USE');
  await own.node.close();
  const folder = join(own.root, 'again');
  const { vaults } = await own.nodes.backups.restore({ from: out, folder, ledger: own.data, progress });
  // The erasure's own entry was anchored after the backup.
  assert.equal(vaults[0]?.status, 'behind');
  assert.ok((vaults[0]?.anchor.size ?? 0) > (vaults[0]?.journal.size ?? 0));
  const copy = await own.start(folder);
  assert.equal(
    (await call({ ...ask, url: copy.url }, 'GET', `/fhir/Observation/${id}`)).status,
    401,
    'nothing is served',
  );
  const [behind] = vaults;
  const message = {
    ...{ type: 'journal.restart', custodian: behind?.account, generation: behind?.journal.generation },
    keptSize: behind?.journal.size,
  };
  const vote = (token: string, body: object) =>
    call({ url: copy.url, token }, 'POST', '/api/members/messages', { message: body });
  const [, second, third] = Object.values(copy.adminTokens) as [string, string, string];
  const proposed = await vote(second, message);
  assert.equal(proposed.status, 200, JSON.stringify(proposed.body));
  const { proposal } = proposed.body.data as { proposal: string };
  for (const token of [third, adminOf(copy).token]) await vote(token, { type: 'journal.approveRestart', proposal });
  const read = async () => (await call({ ...ask, url: copy.url }, 'GET', `/fhir/Observation/${id}`)).status;
  let status = await read();
  for (const untilMs = Date.now() + 20_000; status === 401 && Date.now() < untilMs; status = await read())
    await delay(20);
  assert.equal(status, 410, 'erased from the first answer on');
  assert.equal((await call({ ...ask, url: copy.url }, 'GET', `/fhir/Patient/${own.patient}`)).status, 200);
  await copy.close();
  own.node = await own.start(own.data);
  assert.equal((await call({ ...ask, url: own.node.url }, 'GET', `/fhir/Observation/${id}`)).status, 410);
});

test('a node that is killed while it is backed up starts as ever, and what is left is told apart', async () => {
  await own.node.close();
  const child = standbyNode(own.data, own.keyFolder, join(own.root, 'cache'));
  await child.loaded;
  const address = await child.open();
  assert.ok(address !== undefined);
  const out = join(own.root, 'killed');
  const load = writing({ url: address.url, token: own.staff }, own.patient);
  while (load.written.length < 5) await delay(5);
  const acknowledged = [...load.written];
  await call(adminOf(address), 'POST', '/api/backup', { out });
  while (!readdirSync(own.root).some((name) => name.startsWith('killed.partial-'))) await delay(1);
  const ended = load.stop().catch(() => {});
  await child.kill();
  await ended;
  assert.equal(existsSync(out), false);
  own.node = await own.start(own.data);
  for (const id of acknowledged) {
    const { status } = await call({ url: own.node.url, token: own.staff }, 'GET', `/fhir/Observation/${id}`);
    assert.equal(status, 200);
  }
  const { leftOvers } = await backup(adminOf(own.node), { out });
  assert.equal(leftOvers.length, 1);
  const partial = leftOvers[0] as string;
  assert.equal(await codeOf(own.nodes.backups.verify({ from: partial, progress })), 'BACKUP_MANIFEST_UNREADABLE');
});

/** The receipt of a journal entry, asked for again while the entry waits for its anchor: a second or two. */
async function anchoredReceipt(node: RunningNode, index: number): Promise<Response> {
  const headers = { authorization: `Bearer ${adminOf(node).token}` };
  for (let tried = 0; ; tried++) {
    const response = await fetch(`${node.url}/api/receipts/journal/0/${index}`, { headers });
    if (response.status !== 503 || tried === 200) return response;
    await delay(100);
  }
}
