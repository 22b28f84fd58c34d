import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lockfileFaults } from './lockfile.ts';

const PACKAGES = {
  '': { dependencies: { tide: '1.0.0' }, devDependencies: { chart: '2.0.0' } },
  'node_modules/tide': {
    version: '1.0.0',
    optionalDependencies: { 'tide-linux': '1.0.0' },
    dependencies: { moon: '1.0.0' },
  },
  'node_modules/tide-linux': { version: '1.0.0', os: ['linux'], optional: true },
  'node_modules/tide/node_modules/moon': { version: '1.0.0', dependencies: { chart: '2.0.0' } },
  'node_modules/chart': { version: '2.0.0' },
};

function messages(packages: object, manifest: object = PACKAGES['']): string[] {
  const files = { 'package.json': manifest, 'package-lock.json': { packages } };
  return lockfileFaults(Object.entries(files).map(([path, value]) => ({ path, text: JSON.stringify(value) }))).map(
    ({ message }) => message,
  );
}

test('a whole lock has no fault', () => assert.deepEqual(messages(PACKAGES), []));

test('fails when a binary for another platform, or a nested package, was left out', () => {
  for (const path of [
    'node_modules/tide-linux',
    'node_modules/tide/node_modules/moon',
    'node_modules/chart',
  ] as const) {
    const { [path]: _, ...rest } = PACKAGES;
    assert.match(messages(rest)[0] ?? '', /has no entry/, path);
  }
});

test('fails on an entry without a version', () => {
  assert.match(messages({ ...PACKAGES, 'node_modules/tide-linux': { optional: true } })[0] ?? '', /tide-linux@1\.0\.0/);
});

test('fails when package.json wants another version than the lock', () => {
  const manifest = { ...PACKAGES[''], dependencies: { tide: '1.0.1' } };
  assert.match(messages(PACKAGES, manifest)[0] ?? '', /tide@1\.0\.1 of package\.json/);
});

test('fails when there is no lock', () => assert.match(lockfileFaults([])[0]?.message ?? '', /not seen/));
