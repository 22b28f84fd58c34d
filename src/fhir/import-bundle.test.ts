import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { createSpiedVault, type SpiedVault } from '../../test/support/spied-vault.ts';
import { utf8, utf8ToText } from '../std/bytes.ts';
import { isReject } from '../std/reject.ts';
import { readBundle } from './bundle-request.ts';
import { type Conformance, r4Conformance } from './conformance.ts';
import { loadDefinitions } from './definitions/load-definitions.ts';
import { exactJson } from './exact-json.ts';
import { type ImportCount, importBundle } from './import-bundle.ts';
import { LIMITS } from './limits.ts';
import { referencesIn } from './references.ts';

const BASE_URL = 'http://aceso.example/fhir';
let conformance: Conformance;
before(async () => {
  conformance = r4Conformance(await loadDefinitions());
});

async function importer(): Promise<{
  vault: SpiedVault;
  opened: string[];
  run: (bundle: unknown) => Promise<ImportCount>;
}> {
  const vault = await createSpiedVault('c'.repeat(32));
  const opened: string[] = [];
  const open = () => opened[opened.push(String(opened.length).padStart(32, '0')) - 1] as string;
  const registration = {
    register: async () => open(),
    registerMany: async (_: string, count: number) => Array.from({ length: count }, open),
  };
  const options = { vault, conformance, registration, baseUrl: BASE_URL, clock: () => 1_700_000_000_000 };
  const run = (bundle: unknown) =>
    importBundle(bundle instanceof Uint8Array ? bundle : utf8(JSON.stringify(bundle)), options);
  return { vault, opened, run };
}

const urn = (n: number) => `urn:uuid:0b7ee0e2-0000-4000-8000-${String(n).padStart(12, '0')}`;
const entry = (fullUrl: string, resource: Record<string, unknown>, method = 'POST') => ({
  fullUrl,
  resource,
  request: { method, url: resource.resourceType },
});
const bundle = (...entries: unknown[]) => ({ resourceType: 'Bundle', type: 'transaction', entry: entries });

test('the same fullUrl in two files is one resource; older content offered again changes nothing', async () => {
  const { vault, run } = await importer();
  const old = bundle(entry(urn(1), { resourceType: 'Organization', name: 'old' }));
  const recent = bundle(entry(urn(1), { resourceType: 'Organization', name: 'new' }));
  assert.deepEqual(await run(old), { created: 1, updated: 0, unchanged: 0 });
  assert.deepEqual(await run(recent), { created: 0, updated: 1, unchanged: 0 });
  const writes = vault.writes.count;
  assert.deepEqual(await run(old), { created: 0, updated: 0, unchanged: 1 });
  assert.deepEqual(await run(recent), { created: 0, updated: 0, unchanged: 1 });
  assert.equal(vault.writes.count, writes);
  assert.equal((await vault.current('Organization', urn(1).slice(9)))?.version, 2);
});

test('a bundle is imported whole or not at all', async () => {
  const { vault, opened, run } = await importer();
  const good = entry(urn(1), { resourceType: 'Patient' });
  const bad: readonly (readonly [unknown, string])[] = [
    [entry(urn(2), { resourceType: 'Observation', status: 'final' }), 'RESOURCE_INVALID'],
    [entry(urn(2), { resourceType: 'Condition', subject: { reference: urn(3) } }), 'REFERENCE_UNRESOLVED'],
    [entry(urn(2), { resourceType: 'Patient' }, 'DELETE'), 'IMPORT_ENTRY_UNSUPPORTED'],
    [{ request: { method: 'POST', url: 'Patient' } }, 'IMPORT_ENTRY_UNSUPPORTED'],
    [entry(urn(2), { resourceType: 'Subscription' }), 'IMPORT_SUBSCRIPTION'],
    [entry('urn:uuid:none', { resourceType: 'Patient' }), 'ID_INVALID'],
    [entry(urn(2), { resourceType: 'Nothing' }), 'TYPE_UNKNOWN'],
    [entry(urn(2), { resourceType: 'Patient', id: urn(1).slice(9) }), 'BUNDLE_OVERLAP'],
  ];
  for (const [item, code] of bad) {
    await assert.rejects(
      run(bundle(good, item)),
      (thrown) => isReject(thrown) && thrown.code === code && thrown.data.entry === 1,
      code,
    );
  }
  assert.equal(vault.writes.count, 0);
  assert.deepEqual(opened, []);
  await assert.rejects(
    run(new Uint8Array(LIMITS.bundleBytes + 1)),
    (thrown) => isReject(thrown) && thrown.code === 'BODY_TOO_LARGE',
  );
});

const SYNTHEA = new URL('../../../shared/data/synthea/', import.meta.url);
const skip = existsSync(SYNTHEA) ? false : 'needs ../shared/data/synthea, which is absent';

test('all of Synthea imports, reads back byte for byte, resolves, and imports again without a change', {
  skip,
}, async () => {
  const { vault, opened, run } = await importer();
  const files = readdirSync(SYNTHEA)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => readFileSync(new URL(name, SYNTHEA)));
  let resources = 0;
  for (const file of files) {
    const count = await run(file);
    const { entries } = readBundle(exactJson(file), BASE_URL, LIMITS);
    const urls = new Map(
      entries.map(({ fullUrl, text = '' }) => [fullUrl, `${JSON.parse(text).resourceType}/${fullUrl?.slice(9)}`]),
    );
    for (const { fullUrl, text = '' } of entries) {
      const [type, id] = (urls.get(fullUrl) as string).split('/') as [string, string];
      const sent = text.replace(
        /"reference":"(urn:uuid:[^"]+)"/g,
        (_, url: string) => `"reference":"${urls.get(url)}"`,
      );
      const stored: string[] = [];
      for (const row of (await vault.history(type, id, 100)).rows) {
        const kept = utf8ToText(await vault.open(row));
        for (const { value } of referencesIn(kept)) {
          assert.ok(
            value.startsWith('#') || (await vault.current(...(value.split('/') as [string, string]))) !== undefined,
            value,
          );
        }
        stored.push(kept.replace(`"versionId":"${row.version}","lastUpdated":"2023-11-14T22:13:20.000Z"`, ''));
      }
      assert.ok(
        stored.some((kept) => kept.replace(/"meta":\{,/, '"meta":{').replace(',"meta":{}', '') === sent),
        `${type}/${id}`,
      );
    }
    assert.equal(count.created + count.updated + count.unchanged, entries.length);
    resources += entries.length;
  }
  assert.ok(resources > 6000);
  assert.equal(opened.length, 22);
  const writes = vault.writes.count;
  for (const file of files) {
    const { created, updated } = await run(file);
    assert.deepEqual([created, updated], [0, 0]);
  }
  assert.equal(vault.writes.count, writes);
});
