import assert from 'node:assert/strict';
import { chmodSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { codeOf, testFolder } from '../../test/support/test-vault.ts';
import { loadRootKey, rootKeyToText, textToRootKey } from './root-key.ts';

test('a root key is made once, for its owner alone, and loads again', async (t) => {
  const folder = testFolder(t);
  const options = { file: join(folder, 'config', 'aceso', 'node.key'), dataFolder: join(folder, 'data') };
  assert.equal(await codeOf(loadRootKey({ ...options, create: false })), 'ROOT_KEY_MISSING');
  const made = await loadRootKey({ ...options, create: true });
  assert.deepEqual([made.created, made.key.length, statSync(options.file).mode & 0o777], [true, 32, 0o600]);
  assert.deepEqual(await loadRootKey({ ...options, create: true }), { key: made.key, created: false });
  const both = await Promise.all(
    [1, 2].map(() => loadRootKey({ ...options, file: `${options.file}.2`, create: true })),
  );
  assert.deepEqual(both[0]?.key, both[1]?.key);
});

test('a file that others may read, or that changed, is refused', { skip: process.platform === 'win32' }, async (t) => {
  const folder = testFolder(t);
  const options = { file: join(folder, 'node.key'), dataFolder: join(folder, 'data'), create: true };
  await loadRootKey(options);
  for (const mode of [0o640, 0o604, 0o660]) {
    chmodSync(options.file, mode);
    assert.equal(await codeOf(loadRootKey(options)), 'ROOT_KEY_MODE');
  }
  chmodSync(options.file, 0o600);
  const text = readFileSync(options.file, 'latin1');
  for (const bad of [text.replace(/[0-9a-f]\n/, 'g\n'), text.slice(1), `${text}${text}`, '', 'x'.repeat(1000)]) {
    writeFileSync(options.file, bad);
    assert.equal(await codeOf(loadRootKey(options)), 'ROOT_KEY_DAMAGED');
  }
});

test('every changed digit of the key shows in its check value', () => {
  const text = rootKeyToText(new Uint8Array(32).fill(0x5a));
  assert.deepEqual(textToRootKey(text), new Uint8Array(32).fill(0x5a));
  for (let i = 17; i < text.trimEnd().length; i++) {
    const changed = `${text.slice(0, i)}${text[i] === '0' ? '1' : '0'}${text.slice(i + 1)}`;
    assert.throws(() => textToRootKey(changed), { code: 'ROOT_KEY_DAMAGED' });
  }
});

test('the key never lies in the data folder, not even through a link', async (t) => {
  const folder = testFolder(t);
  const dataFolder = join(folder, 'data');
  for (const file of [join(dataFolder, 'node.key'), join(dataFolder, 'a', 'b', 'node.key'), dataFolder]) {
    assert.equal(await codeOf(loadRootKey({ file, dataFolder, create: true })), 'ROOT_KEY_INSIDE_DATA', file);
  }
  symlinkSync(folder, join(folder, 'link'));
  const linked = join(folder, 'link', 'data', 'node.key');
  assert.equal(await codeOf(loadRootKey({ file: linked, dataFolder, create: true })), 'ROOT_KEY_INSIDE_DATA');
  assert.equal(await codeOf(loadRootKey({ file: join(folder, 'data-2', 'node.key'), dataFolder, create: true })), '');
});
