import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, test } from 'node:test';
import { testContext } from '../../../test/support/command-line.ts';
import { isReject } from '../../std/reject.ts';
import { fetchPackage, isPackageName } from '../ig/fetch-package.ts';
import { igAddCommand, igListCommand, igRemoveCommand } from './ig.ts';

const root = mkdtempSync(join(tmpdir(), 'aceso-ig-test-'));
after(() => rmSync(root, { recursive: true, force: true }));

const ANSWER = { name: 'a.b', version: '1.0.0', counts: { ValueSet: 2 }, withoutSnapshot: 1, missing: ['c.d#2.0.0'] };

/** A context whose node is a function of path and body, and what it printed and noted. */
function at(answer: (path: string, body: Uint8Array | string) => unknown) {
  return testContext({
    cwd: root,
    fetch: async (url, init) =>
      Response.json(answer(new URL(String(url)).pathname, (init?.body ?? '') as Uint8Array | string)),
  });
}

const values = { url: 'http://node.example' };

test('a file is sent as it is, and what it lacks is said', async () => {
  writeFileSync(join(root, 'p.tgz'), Buffer.from([1, 2, 3]));
  const { context, out, notes } = at((path, body) => {
    assert.equal(path, '/api/packages');
    assert.deepEqual([...(body as Uint8Array)], [1, 2, 3]);
    return ANSWER;
  });
  await igAddCommand.run(context, values, ['p.tgz']);
  assert.deepEqual(out, ['Loaded a.b#1.0.0: 2 ValueSet']);
  assert.match(notes.join('\n'), /1 profiles have no snapshot[\s\S]*c\.d#2\.0\.0/);
});

test('packages are listed and removed', async () => {
  const { context, out } = at((path, body) => {
    if (path === '/api/packages') return { packages: [ANSWER] };
    assert.deepEqual([path, JSON.parse(body as string)], ['/api/packages/remove', { name: 'a.b', version: '1.0.0' }]);
    return { removed: 1 };
  });
  await igListCommand.run(context, values, []);
  await igRemoveCommand.run(context, values, ['a.b@1.0.0']);
  await igRemoveCommand.run(context, values, ['a.b#1.0.0']);
  const removed = 'Removed 1 package';
  assert.deepEqual(out, ['a.b#1.0.0: 2 ValueSet', '  not loaded: c.d#2.0.0', removed, removed]);
});

test('what npm is asked for is a name, never an option, an address or a folder', () => {
  for (const name of ['hl7.fhir.us.core', 'hl7.fhir.us.core@6.1.0', 'hl7.fhir.us.core#6.1.0', '@scope/a@1.0.0'])
    assert.ok(isPackageName(name), name);
  for (const word of [
    '--registry=x',
    '-g',
    './a',
    '../a',
    '/a',
    'a/b',
    'a/b/c',
    'http://a.example/x',
    'git+ssh://x',
    'file:x',
    'p.tgz',
    'p.tar.gz',
    'a@file:x',
    'a b',
    '',
  ]) {
    assert.ok(!isPackageName(word), word);
  }
});

test('a package is fetched with the npm on the path, and its errors are told apart', {
  skip: process.platform === 'win32' ? 'needs a shell script as npm' : false,
}, async () => {
  const npm = (script: string): Record<string, string> => {
    const folder = mkdtempSync(join(root, 'bin-'));
    writeFileSync(join(folder, 'npm'), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, 'npm'), 0o755);
    return { PATH: [folder, '/usr/bin', '/bin'].join(delimiter) };
  };
  const refusedWith = (code: string, reason?: string) => (error: unknown) =>
    isReject(error) && error.code === code && (reason === undefined || error.data.reason === reason);
  const packing = npm(
    '[ "$1" = pack ] && [ "$2" = --ignore-scripts ] && [ "$7" = a.b@1.0.0 ] && printf xyz > "$6/a.b-1.0.0.tgz"',
  );
  assert.equal(Buffer.from(await fetchPackage('a.b#1.0.0', packing)).toString(), 'xyz');
  for (const code of ['E404', 'ETARGET', 'ENOVERSIONS']) {
    await assert.rejects(
      fetchPackage('a.b', npm(`echo "npm error code ${code}" >&2; exit 1`)),
      refusedWith('PACKAGE_NOT_IN_REGISTRY', code),
    );
  }
  await assert.rejects(
    fetchPackage('a.b', npm(`echo '{"error":{"code": "ECONNREFUSED"}}'; exit 1`)),
    refusedWith('PACKAGE_FETCH_FAILED', 'ECONNREFUSED'),
  );
  await assert.rejects(fetchPackage('a.b', npm('exit 0')), refusedWith('PACKAGE_FETCH_FAILED'));
  await assert.rejects(fetchPackage('a.b', { PATH: join(root, 'nowhere') }), refusedWith('NPM_MISSING'));
});
