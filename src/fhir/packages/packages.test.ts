import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { packTar } from 'modern-tar';
import { isReject } from '../../std/reject.ts';
import { loadDefinitions } from '../definitions/load-definitions.ts';
import { createValidationThread } from '../validation-thread.ts';
import { parseCompact } from './package-cache.ts';
import { missingDependencies, packageResources, packageSummary } from './package-resources.ts';
import { openPackageStore } from './package-store.ts';
import { openTerminology } from './package-terminology.ts';
import { packageValidator } from './package-validator.ts';
import { readPackage } from './read-package.ts';

const root = mkdtempSync(join(tmpdir(), 'aceso-packages-'));
after(() => rmSync(root, { recursive: true, force: true }));

const MANIFEST = {
  name: 'example.profiles',
  version: '1.0.0',
  fhirVersions: ['4.0.1'],
  dependencies: { 'hl7.fhir.r4.core': '4.0.1', 'other.package': '2.0.x' },
};
const PROFILE = {
  ...{
    resourceType: 'StructureDefinition',
    id: 'p',
    url: 'http://example.org/p',
    name: 'P',
    kind: 'resource',
    type: 'Basic',
  },
  ...{ derivation: 'constraint', text: { status: 'generated', div: '<div>long</div>' } },
  snapshot: {
    element: [
      { id: 'Basic', path: 'Basic', min: 0, max: '*', definition: 'words' },
      {
        id: 'Basic.author',
        path: 'Basic.author',
        min: 1,
        max: '1',
        type: [{ code: 'Reference' }],
        definition: 'words',
      },
    ],
  },
};

type File = readonly [name: string, content: unknown];
async function tgz(files: readonly File[]): Promise<Buffer> {
  const entries = files.map(([name, content]) => {
    const body = typeof content === 'string' ? content : JSON.stringify(content);
    return { header: { name, size: Buffer.byteLength(body), type: 'file' as const }, body };
  });
  return gzipSync(await packTar(entries));
}
const whole: readonly File[] = [
  ['package/package.json', MANIFEST],
  ['package/StructureDefinition-p.json', PROFILE],
  [
    'package/StructureDefinition-d.json',
    { ...PROFILE, id: 'd', url: 'http://example.org/d', snapshot: undefined, differential: { element: [] } },
  ],
  [
    'package/SearchParameter-s.json',
    { resourceType: 'SearchParameter', id: 's', url: 'http://example.org/s', description: 'words' },
  ],
  ['package/Patient-x.json', { resourceType: 'Patient', id: 'x' }],
  ['package/example/Basic-x.json', 'no JSON at all'],
  ['package/.index.json', {}],
];

const refusedWith = (code: string) => (error: unknown) => isReject(error) && error.code === code;

test('a package is added, survives a restart and a lost compact form, and is removed', async () => {
  const folder = join(root, 'store');
  const store = await openPackageStore(folder);
  assert.deepEqual(store.packages, []);
  let changes = 0;
  store.onChange(() => changes++);
  const bytes = await tgz(whole);
  const added = await store.add(bytes);
  assert.deepEqual([added.name, added.version, changes], ['example.profiles', '1.0.0', 1]);
  assert.deepEqual(packageSummary(added), {
    counts: { StructureDefinition: 2, SearchParameter: 1 },
    withoutSnapshot: 1,
  });
  assert.deepEqual(missingDependencies(added, store.packages), ['other.package#2.0.x']);
  assert.deepEqual(packageResources(store.packages, 'SearchParameter'), [
    { resourceType: 'SearchParameter', id: 's', url: 'http://example.org/s' },
  ]);
  assert.deepEqual(readdirSync(folder).sort(), ['example.profiles#1.0.0.jsonl', 'example.profiles#1.0.0.tgz']);
  assert.deepEqual(readFileSync(join(folder, 'example.profiles#1.0.0.tgz')), bytes);
  for (const damage of ['keep', '', '{"format":99}\n', 'gone']) {
    if (damage === 'gone') rmSync(join(folder, 'example.profiles#1.0.0.jsonl'));
    else if (damage !== 'keep') writeFileSync(join(folder, 'example.profiles#1.0.0.jsonl'), damage);
    const again = await openPackageStore(folder);
    assert.deepEqual(
      again.packages.map(({ name, entries }) => [name, entries.length]),
      [['example.profiles', 3]],
      damage,
    );
  }
  await assert.rejects(store.remove('other'), refusedWith('PACKAGE_UNKNOWN'));
  await assert.rejects(store.remove('example.profiles', '2.0.0'), refusedWith('PACKAGE_UNKNOWN'));
  assert.equal(await store.remove('example.profiles'), 1);
  assert.deepEqual([readdirSync(folder), store.packages, changes], [[], [], 2]);
});

test("a loaded package's profiles hold, here and on the validation thread", async () => {
  const store = await openPackageStore(join(root, 'validated'));
  await store.add(await tgz(whole));
  const validator = packageValidator(await loadDefinitions(), store.packages, openTerminology(store.packages));
  const declaring = { resourceType: 'Basic', meta: { profile: ['http://example.org/p'] }, code: { text: 'x' } };
  const errors = validator.validate(declaring).filter(({ severity }) => severity === 'error');
  assert.deepEqual(errors, [
    { severity: 'error', code: 'required', path: 'Basic.author', text: 'Required element is missing' },
  ]);
  assert.ok(!validator.knows('http://example.org/d'), 'without a snapshot');
  const thread = createValidationThread();
  const text = JSON.stringify(declaring);
  assert.equal(await thread.validate([text]), 'valid');
  const verdict = await thread.validate([text], store.files);
  assert.ok(typeof verdict === 'object' && isReject(verdict.refusal) && verdict.at === 0);
  assert.equal(await thread.validate([text]), 'valid');
});

test('what is no package for R4, or too large, is refused and leaves nothing', async () => {
  const folder = join(root, 'refused');
  const store = await openPackageStore(folder);
  const manifest = (change: object): readonly File[] => [['package/package.json', { ...MANIFEST, ...change }]];
  const wrong: readonly [string, Buffer | Promise<Buffer>][] = [
    ['PACKAGE_UNREADABLE', Buffer.from('nothing')],
    ['PACKAGE_UNREADABLE', Buffer.alloc(0)],
    ['PACKAGE_UNREADABLE', gzipSync('no archive')],
    ['PACKAGE_UNREADABLE', (await tgz(whole)).subarray(0, 300)],
    ['PACKAGE_UNREADABLE', tgz([])],
    ['PACKAGE_UNREADABLE', tgz([['package/package.json', 'x']])],
    ['PACKAGE_UNREADABLE', tgz([['package/package.json', '[]']])],
    ['PACKAGE_UNREADABLE', tgz([...whole, ['package/broken.json', '{']])],
    ['PACKAGE_UNREADABLE', tgz(manifest({ name: '../../etc/passwd' }))],
    ['PACKAGE_UNREADABLE', tgz(manifest({ name: 'a/b' }))],
    ['PACKAGE_UNREADABLE', tgz(manifest({ version: '1/../2' }))],
    ['PACKAGE_UNREADABLE', tgz(manifest({ version: undefined }))],
    ['PACKAGE_FHIR_VERSION', tgz(manifest({ fhirVersions: ['5.0.0'] }))],
  ];
  for (const [code, bytes] of wrong) await assert.rejects(store.add(await bytes), refusedWith(code), code);
  assert.ok(!existsSync(folder));
});

test('each bound stops a package, one that unpacks to far more than its size on the way', async () => {
  const limits = { fileBytes: 100_000, unpackedBytes: 4_000_000, entries: 50, entryBytes: 20_000 };
  const boundOf = async (bytes: Uint8Array): Promise<unknown> => {
    const refusal = await readPackage(bytes, () => true, limits).then(
      () => undefined,
      (error: unknown) => error,
    );
    assert.ok(isReject(refusal) && refusal.code === 'PACKAGE_TOO_LARGE', String(refusal));
    return refusal.data.bound;
  };
  assert.equal((await readPackage(await tgz(whole), () => true, limits)).resources.length, 4);
  assert.equal(await boundOf(Buffer.alloc(100_001)), 'fileBytes');
  assert.equal(await boundOf(await tgz([['package/a.json', ' '.repeat(20_001)]])), 'entryBytes');
  assert.equal(
    await boundOf(await tgz(Array.from({ length: 51 }, (_, at): File => [`package/x/${at}`, '']))),
    'entries',
  );
  // Zeros in one entry, compressed once: gzip takes the same member again and again.
  const size = 512 * 1024;
  const archive = await packTar([
    { header: { name: 'package/other/zeros', size, type: 'file' as const }, body: Buffer.alloc(size) },
  ]);
  const member = gzipSync(archive.subarray(0, 512 + size));
  assert.equal(await boundOf(Buffer.concat(Array.from({ length: 40 }, () => member))), 'unpackedBytes');
});

test('names of entries are never followed', async () => {
  const folder = join(root, 'names');
  const store = await openPackageStore(folder);
  const hostile: readonly File[] = [
    '/etc/x.json',
    '../x.json',
    'package/../../x.json',
    'package/a/../x.json',
    'package/..\\x.json',
  ].map((name) => [name, { resourceType: 'ValueSet', url: 'http://example.org/v' }]);
  const added = await store.add(await tgz([...hostile, ...whole]));
  assert.equal(added.entries.length, 3);
  assert.deepEqual(readdirSync(folder).sort(), ['example.profiles#1.0.0.jsonl', 'example.profiles#1.0.0.tgz']);
  assert.deepEqual(readdirSync(root).includes('x.json'), false);
});

test('a compact form that is damaged is none', () => {
  for (const text of [
    '',
    'x',
    '{}\n',
    '[]\n',
    '{"format":1,"source":"","manifest":{},"entries":[{"from":0,"to":9}]}\n',
  ]) {
    assert.equal(parseCompact(Buffer.from(text)), undefined, text);
  }
});
