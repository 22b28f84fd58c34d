import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { SearchParameter as PublishedParameter } from '@medplum/fhirtypes';
import { mapMembers, memberOf, readWritten, textOf, type Written, writtenText } from '../import/written-json.ts';
import { questionsAbout } from '../support/search-questions.ts';
import { publishedParameters, type SlowResource } from '../support/slow-values.ts';
import { withoutPostgres } from '../support/test-postgres.ts';
import { type Comparison, compareSearch, newComparison } from './compare-searches.ts';
import { type ConformanceNode, type DatabaseKind, startConformanceNode } from './conformance-node.ts';
import { authored } from './loaded-text.ts';
import { createShuffle } from './seeded-order.ts';
import { createSlowStore, type SlowQuery, type SlowStore, type Term } from './slow-store.ts';

// Synthea's patients, imported, read back as written, and searched one patient after the other as an EHR does.

const FOLDER = fileURLToPath(new URL('../../../shared/data/synthea', import.meta.url));
const without = existsSync(FOLDER) ? false : 'needs ../shared/data/synthea';
const isLong = process.env.ACESO_LONG === '1';
const SEED = Number(process.env.ACESO_SEED ?? 1);
const TOGETHER = 40;

for (const kind of ['SQLite', 'PostgreSQL'] satisfies DatabaseKind[]) {
  const skip = without || (kind === 'SQLite' ? false : withoutPostgres);
  test(`Synthea's patients are found by what is told of them on ${kind}`, { skip }, async (t) => {
    const node = await startConformanceNode(kind);
    t.after(() => node.close());
    const stored = await importAll(node);
    node.stopClock();
    const store = createSlowStore(stored);
    const outcome = newComparison();
    const patients = createShuffle(SEED)(store.ofType('Patient')).slice(0, isLong ? 22 : 2);
    for (const patient of patients) await searchPatient(node, store, patient, outcome);
    t.diagnostic(
      `${kind}: ${stored.length} resources, ${patients.length} patients, ${outcome.asked} searches on ${outcome.pages} ` +
        `pages, ${outcome.found} with results, by ${outcome.hit.size} parameters; seed ${SEED}`,
    );
    assert.deepEqual(outcome.wrong.slice(0, 40), [], `${outcome.wrong.length} of ${outcome.asked} are wrong`);
    assert.deepEqual(outcome.refused, []);
    assert.ok(outcome.found > outcome.asked / 2 && outcome.hit.size > 40);
  });
}

/** Imports every file; resolves to the current state of each resource, in the order of their first writing. */
async function importAll(node: ConformanceNode): Promise<SlowResource[]> {
  const states = new Map<string, Set<string>>();
  for (const file of filesToImport()) {
    const bytes = readFileSync(join(FOLDER, file));
    const { created, updated, unchanged } = await node.importBundle(bytes);
    const entries = entriesOf(bytes.toString('utf8'));
    assert.equal(created + updated + unchanged, entries.length, file);
    const targets = new Map(entries.map(({ fullUrl, address }) => [fullUrl, address]));
    const resolved = (token: string) => JSON.stringify(targets.get(JSON.parse(token)) ?? JSON.parse(token));
    for (const { address, resource } of entries) {
      const text = writtenText(mapMembers(resource, 'reference', resolved));
      states.set(address, (states.get(address) ?? new Set()).add(authored(text)));
    }
  }
  const stored: SlowResource[] = [];
  const addresses = [...states.keys()];
  for (let at = 0; at < addresses.length; at += TOGETHER) {
    const texts = addresses.slice(at, at + TOGETHER).map(async (address) => {
      const { status, text, json } = await node.send('GET', address);
      assert.equal(status, 200, address);
      assert.ok(states.get(address)?.has(authored(text)), `${address} reads back otherwise`);
      return json as SlowResource;
    });
    stored.push(...(await Promise.all(texts)));
  }
  return stored;
}

/** All, or who works where and some patients: every file is imported by test/import. */
function filesToImport(): readonly string[] {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));
  if (isLong) return files.sort();
  const isPlace = (name: string) => /^(?:hospital|practitioner)Information/.test(name);
  const patients = createShuffle(SEED)(files.filter((name) => !isPlace(name)).sort());
  return [...files.filter(isPlace), ...patients.slice(0, 5)].sort();
}

function entriesOf(text: string): { fullUrl: string; address: string; resource: Written }[] {
  const list = memberOf(readWritten(text), 'entry');
  return (list?.kind === 'array' ? list.elements : []).map((entry) => {
    const fullUrl = textOf(entry, 'fullUrl') ?? '';
    const resource = memberOf(entry, 'resource') as Written;
    return { fullUrl, resource, address: `${textOf(resource, 'resourceType')}/${fullUrl.slice('urn:uuid:'.length)}` };
  });
}

/** Each type by each parameter together with the patient, by date both ways, and through the patient's name. */
async function searchPatient(
  node: ConformanceNode,
  store: SlowStore,
  patient: SlowResource,
  outcome: Comparison,
): Promise<void> {
  const shuffled = createShuffle(SEED);
  const published = publishedParameters();
  const family = published.get('Patient')?.get('family') as PublishedParameter;
  const [name = ''] = store.values(patient, family).map(({ value }) => String(value));
  for (const type of new Set(store.resources.map(({ resourceType }) => resourceType))) {
    const parameters = published.get(type) ?? new Map<string, PublishedParameter>();
    const owner = parameters.get('patient');
    if (owner === undefined) continue;
    const own: Term = { parameter: owner, modifier: '', texts: [`Patient/${patient.id}`] };
    const through: Term = {
      ...{ parameter: owner, modifier: '', texts: [] },
      chain: { type: 'Patient', inner: { parameter: family, modifier: 'exact', texts: [name] } },
    };
    const mine = new Set(store.find({ type, terms: [own] }));
    const ofPatient = store.ofType(type).filter(({ id }) => mine.has(id));
    const queries: [string, SlowQuery][] = [[`${type}.patient`, { type, terms: [through] }]];
    for (const [code, parameter] of parameters) {
      if (parameter.type === 'composite' || code === 'patient') continue;
      const valued = ofPatient.filter((resource) => store.values(resource, parameter).length > 0);
      const [source] = shuffled(valued);
      if (source === undefined) continue;
      const questions = shuffled(
        store.values(source, parameter).flatMap((value) => questionsAbout(parameter.type as string, value)),
      ).slice(0, isLong ? 5 : 2);
      for (const { modifier, text } of questions)
        queries.push([`${type}.${code}`, { type, terms: [own, { parameter, modifier, texts: [text] }] }]);
      if (parameter.type !== 'date') continue;
      for (const descending of [true, false])
        queries.push([`${type}.${code}`, { type, terms: [own], sort: { parameter, descending } }]);
    }
    await Promise.all(
      queries.map(async ([parameter, query]) => {
        if (await compareSearch(node, store, query, outcome)) outcome.hit.add(parameter);
      }),
    );
  }
}
