import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { adminOf, type BackedUpNode, backup, call, createBackedUpNode, writing } from '../support/backed-up-node.ts';
import { sharedPostgres, withoutPostgres } from '../support/test-postgres.ts';
import { codeOf } from '../support/test-vault.ts';

/* A node's index under a new key, and its vaults moved between databases, while it serves. */

let own: BackedUpNode;
before(async () => {
  own = await createBackedUpNode();
});
after(() => own.end());
const progress = (): void => {};

test('a search is right all the while its index is brought under a new key', async () => {
  const ask = { url: own.node.url, token: own.staff };
  const total = async (): Promise<number> => {
    const path = `/fhir/Observation?code=http://loinc.org|8867-4&subject=Patient/${own.patient}&_summary=count`;
    const { body, status } = await call({ url: own.node.url, token: own.staff }, 'GET', path);
    assert.equal(status, 200, JSON.stringify(body));
    return body.total as number;
  };
  const load = writing(ask, own.patient);
  const begun = await call(adminOf(own.node), 'POST', '/api/index-key', {});
  assert.equal(begun.status, 202);
  assert.equal((await call(adminOf(own.node), 'POST', '/api/index-key', {})).status, 409);
  const asked = async () =>
    (await call(adminOf(own.node), 'GET', '/api/index-key')).body as { state: string; generation: number };
  let last = await total();
  let progressOf = await asked();
  while (progressOf.state === 'running') {
    const acknowledged = load.written.length;
    const before = last;
    last = await total();
    assert.ok(last >= before, `${last} found after ${before}`);
    assert.ok(load.written.length >= acknowledged);
    progressOf = await asked();
  }
  await load.stop();
  assert.deepEqual([progressOf.state, progressOf.generation], ['done', 2]);
  assert.ok((await total()) >= load.written.length);
  await own.node.close();
  own.node = await own.start(own.data);
  assert.equal(await total().then((count) => count >= load.written.length), true);
});

test('a backup moves vaults into PostgreSQL, and one of PostgreSQL back into files', {
  skip: withoutPostgres,
}, async () => {
  const server = await sharedPostgres();
  const out = join(own.root, 'to-server');
  await backup(adminOf(own.node), { out });
  const database = { url: await server.createDatabase(), keysUrl: await server.createDatabase() };
  const onServer = own.starterOn(database);
  const folder = join(own.root, 'on-server');
  const first = await onServer.backups.restore({ from: out, folder, scrub: true, progress });
  assert.deepEqual(first.vaults[0]?.scrub?.faults, []);
  const twice = onServer.backups.restore({ from: out, folder: join(own.root, 'twice'), progress });
  assert.equal(await codeOf(twice), 'BACKUP_TARGET_TAKEN');
  assert.equal(existsSync(join(own.root, 'twice')), false);

  const node = await own.start(folder, onServer);
  const rows = join(own.root, 'rows');
  const load = writing({ url: node.url, token: own.staff }, own.patient);
  while (load.written.length < 10) await delay(5);
  const acknowledged = [...load.written];
  await backup(adminOf(node), { out: rows });
  await load.stop();
  await node.close();
  const sealed = readFileSync(join(rows, 'vaults', readdirSync(join(rows, 'vaults'))[0] as string, 'vault.rows'));
  assert.equal(sealed.includes('Observation'), false);
  const { vaults } = await own.nodes.backups.restore({
    from: rows,
    folder: join(own.root, 'files'),
    scrub: true,
    progress,
  });
  assert.deepEqual(vaults[0]?.scrub?.faults, []);
  const copy = await own.start(join(own.root, 'files'));
  for (const id of acknowledged)
    assert.equal((await call({ url: copy.url, token: own.staff }, 'GET', `/fhir/Observation/${id}`)).status, 200);
  await copy.close();
});
