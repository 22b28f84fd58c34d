import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, test } from 'node:test';
import fc from 'fast-check';
import { isReject } from '../std/reject.ts';
import { buildDefinitions } from './definitions/build-definitions.ts';
import type { CompactDefinitions } from './definitions/definitions.ts';
import { loadDefinitions, readOrBuild } from './definitions/load-definitions.ts';
import { validateStructure } from './validate.ts';

let definitions: CompactDefinitions;
before(async () => {
  definitions = await loadDefinitions();
});

const RESOURCE = {
  resourceType: 'Observation',
  id: 'x',
  meta: { profile: ['http://x'], security: [{ code: 'R' }] },
  text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">x</div>' },
  contained: [
    {
      resourceType: 'Patient',
      id: 'p',
      name: [{ given: ['A', null], _given: [null, { extension: [{ url: 'http://e', valueCode: 'a' }] }] }],
    },
  ],
  extension: [{ url: 'http://e', extension: [{ url: 'a', valueDecimal: 1.5 }] }],
  status: 'final',
  _status: { id: 's' },
  category: [{ coding: [{ system: 'urn:s', code: 'laboratory' }], text: 'x' }],
  code: { coding: [{ system: 'http://loinc.org', code: '1-8' }] },
  subject: { reference: '#p' },
  effectivePeriod: { start: '2020-01-01', end: '2020-02-01T00:00:00Z' },
  valueQuantity: { value: 1, unit: 'kg' },
  referenceRange: [{ low: { value: 1 }, text: 'x' }],
  component: [{ code: { text: 'c' }, valueString: 'v', referenceRange: [{ text: 'y' }] }],
};

test('a resource of many shapes is valid', () => {
  validateStructure(RESOURCE, definitions);
});

test('every R4 type has a schema that is usable', () => {
  const types = Object.keys(definitions.resources);
  assert.ok(types.length >= 140, String(types.length));
  for (const resourceType of types) {
    assert.throws(
      () => validateStructure({ resourceType, nonsense: 1 }, definitions),
      (thrown) => isReject(thrown) && thrown.code === 'RESOURCE_INVALID',
      resourceType,
    );
  }
});

test('property: whatever replaces a part of a resource, validation accepts or refuses, and never fails', () => {
  const paths = pathsOf(RESOURCE);
  const junk = fc.oneof(
    fc.constantFrom<unknown>(
      null,
      0,
      -1.5,
      '',
      ' ',
      'x',
      true,
      [],
      {},
      [[]],
      [{}],
      [null],
      { resourceType: 'Patient' },
      { resourceType: 7 },
    ),
    fc.jsonValue({ maxDepth: 3 }),
    fc.constantFrom(...paths).map((path) => valueAt(RESOURCE, path)),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(...paths), junk), { minLength: 1, maxLength: 3 }), (changes) => {
      const resource = structuredClone(RESOURCE);
      for (const [path, value] of changes) put(resource, path, value);
      try {
        validateStructure({ ...resource, resourceType: 'Observation' }, definitions);
      } catch (thrown) {
        assert.ok(isReject(thrown), String((thrown as Error).stack));
        assert.ok((thrown.data.issues as unknown[]).length > 0);
      }
    }),
    { numRuns: process.env.ACESO_LONG ? 50_000 : 1_500 },
  );
});

test('a damaged or foreign cache file is built anew', () => {
  const folder = mkdtempSync(join(tmpdir(), 'aceso-'));
  try {
    const file = join(folder, 'a', 'definitions.json');
    const built = buildDefinitions(file);
    assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), JSON.parse(JSON.stringify(built)));
    assert.deepEqual(JSON.parse(JSON.stringify(built.resources)), JSON.parse(JSON.stringify(definitions.resources)));
    for (const damage of ['', '{', '{"format":0}']) {
      writeFileSync(file, damage);
      assert.equal(readOrBuild(file).constraints.length, built.constraints.length);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

type Path = readonly (string | number)[];

function pathsOf(value: unknown, at: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return at.length > 0 ? [at] : [];
  const inner = Object.entries(value).flatMap(([key, item]) =>
    pathsOf(item, [...at, Array.isArray(value) ? Number(key) : key]),
  );
  return at.length > 0 ? [at, ...inner] : inner;
}

function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<string | number, unknown>)[key], root);
}

function put(root: unknown, path: Path, value: unknown): void {
  let target = root;
  for (const key of path.slice(0, -1)) {
    const next = (target as Record<string | number, unknown>)[key];
    if (typeof next !== 'object' || next === null) return;
    target = next;
  }
  (target as Record<string | number, unknown>)[path.at(-1) as string | number] = structuredClone(value);
}
