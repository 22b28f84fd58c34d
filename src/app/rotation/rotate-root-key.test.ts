import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { codeOf } from '../../../test/support/test-vault.ts';
import type { Json } from '../../std/canonical-json.ts';
import { loadRootKey } from '../../vault/root-key.ts';
import { readSecrets, writeNodeFolder } from '../node-folder.ts';
import { makeMasterKey, openMasterKey, rootKeyFiles } from './master-key-file.ts';
import { rotateRootKey } from './rotate-root-key.ts';

const NODE = 'node-0123456789abcdef';
const DAY_MS = Date.UTC(2030, 0, 2);
const clock = () => DAY_MS;

/** A node's folder and root key; `hasMaster` as they are made now. */
async function madeNode(t: TestContext, hasMaster = true) {
  const root = mkdtempSync(join(tmpdir(), 'aceso-rotation-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const [folder, keyFolder] = [join(root, 'data'), join(root, 'keys')];
  const { key } = await loadRootKey({ file: rootKeyFiles(keyFolder, NODE).current, dataFolder: folder, create: true });
  const master = hasMaster ? await makeMasterKey(folder, key) : key;
  await writeNodeFolder(folder, {
    node: { format: 'aceso.node/1', node: NODE, organisations: [] },
    genesis: {} as Json,
    secrets: { format: 'aceso.secrets/1', organisations: [] },
    rootKey: master,
  });
  return { folder, keyFolder, master, key, place: { folder, keyFolder, node: NODE } };
}

/** The node opens, and under the same master key as ever. */
async function opens({ place, master }: Awaited<ReturnType<typeof madeNode>>): Promise<void> {
  const opened = await openMasterKey(place);
  assert.deepEqual(opened, master);
  await readSecrets(place.folder, opened);
}

for (const hasMaster of [true, false]) {
  const kind = hasMaster ? 'with a master key of its own' : 'from before there was one';
  test(`a node ${kind} gets another root key, and the old one opens it no more`, async (t) => {
    const node = await madeNode(t, hasMaster);
    const old = readFileSync(rootKeyFiles(node.keyFolder, NODE).current, 'utf8');
    const changed = await rotateRootKey({ ...node, clock });
    assert.deepEqual(changed, {
      file: join(node.keyFolder, `${NODE}.key`),
      old: join(node.keyFolder, `${NODE}.key.old-2030-01-02`),
      resumed: false,
      wasMaster: !hasMaster,
    });
    assert.equal(readFileSync(changed.old, 'utf8'), old);
    assert.notEqual(readFileSync(changed.file, 'utf8'), old);
    await opens(node);
    const again = await rotateRootKey({ ...node, clock });
    assert.equal(again.old, join(node.keyFolder, `${NODE}.key.old-2030-01-02-2`));
    await opens(node);
    writeFileSync(changed.file, old, { mode: 0o600 });
    assert.equal(await codeOf(openMasterKey(node.place)), 'NODE_SECRETS_UNREADABLE');
  });

  for (const step of ['next', 'wrapped', 'old'] as const)
    test(`broken off after "${step}", a node ${kind} opens, and the change is brought to its end`, async (t) => {
      const node = await madeNode(t, hasMaster);
      const onStep = (at: string): void => {
        if (at === step) throw new Error('power cut');
      };
      await assert.rejects(rotateRootKey({ ...node, clock, onStep }), /power cut/);
      await opens(node);
      await assert.rejects(rotateRootKey({ ...node, clock, onStep }), /power cut/, 'a second time at the same step');
      await opens(node);
      assert.equal((await rotateRootKey({ ...node, clock })).resumed, true);
      await opens(node);
      assert.deepEqual(readdirSync(node.keyFolder).sort(), [`${NODE}.key`, `${NODE}.key.old-2030-01-02`]);
    });
}

test('keys that do not belong to the folder change nothing', async (t) => {
  const node = await madeNode(t);
  const other = await madeNode(t);
  const files = rootKeyFiles(node.keyFolder, NODE);
  const sealed = readFileSync(join(node.folder, 'master.sealed'));
  cpSync(rootKeyFiles(other.keyFolder, NODE).current, files.current);
  assert.equal(await codeOf(rotateRootKey({ ...node, clock })), 'ROOT_KEY_FILES_DIFFER');
  assert.deepEqual(readFileSync(join(node.folder, 'master.sealed')), sealed);
  unlinkSync(files.current);
  assert.equal(await codeOf(rotateRootKey({ ...node, clock })), 'ROOT_KEY_MISSING');
  assert.equal(await codeOf(openMasterKey(node.place)), 'ROOT_KEY_MISSING');
  writeFileSync(join(node.folder, 'master.sealed'), 'aceso-master-key-1 00\n');
  cpSync(rootKeyFiles(other.keyFolder, NODE).current, files.current);
  assert.equal(await codeOf(openMasterKey(node.place)), 'MASTER_KEY_DAMAGED');
});
