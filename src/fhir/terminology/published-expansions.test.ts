import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { isReject } from '../../std/reject.ts';
import type { FhirContext } from '../context.ts';
import { createTerminology } from './create-terminology.ts';
import { createExpand } from './operations/expand.ts';
import { openR4Terminology } from './r4-terminology.ts';
import { createTerminologyStore } from './terminology-store.ts';

/** R4's published expansions (npm hl7.fhir.r4.expansions), which HL7's terminology server made. */
const folder = packageFolder();

function packageFolder(): string | undefined {
  try {
    return dirname(createRequire(import.meta.url).resolve('hl7.fhir.r4.expansions/package.json'));
  } catch {
    return undefined;
  }
}

/** What we list and HL7's server did not, of the same value sets, and why. */
const WE_LIST_MORE: Readonly<Record<string, string>> = {
  'detectedissue-category': 'the property child of v3 gives concepts a second parent',
  'observation-interpretation': 'the property child of v3 gives concepts a second parent',
  'v3-ActPharmacySupplyType': 'the property child of v3 gives concepts a second parent',
  'v3-ActCode': 'theirs leaves one code out, STORE',
  'diagnostic-service-sections': 'a newer edition of the table in R4 itself',
  'patient-contactrelationship': 'a newer edition of the table in R4 itself',
  'relatedperson-relationshiptype': 'a newer edition of the table in R4 itself',
  'v2-0487': 'a newer edition of the table in R4 itself',
  'v2-0916': 'a newer edition of the table in R4 itself',
  'security-labels': 'theirs leaves a value set that it imports out',
  'c80-doc-typecodes': 'theirs stopped at a thousand codes',
};

interface Contains {
  readonly system?: string;
  readonly code?: string;
  readonly abstract?: boolean;
  readonly contains?: readonly Contains[];
}

function codesIn(list: readonly Contains[] = []): string[] {
  return list.flatMap(({ system, code, contains }) => [
    ...(code === undefined ? [] : [`${system}|${code}`]),
    ...codesIn(contains),
  ]);
}

test('each value set of R4 that is expanded here has the codes of its published expansion', {
  skip: folder === undefined ? 'needs npm hl7.fhir.r4.expansions' : false,
}, async (context) => {
  const terminology = createTerminology(createTerminologyStore(() => [openR4Terminology()]));
  const expand = createExpand({ terminology, stored: async () => undefined });
  const counts = { same: 0, more: 0, notHere: 0 };
  const files = readdirSync(folder as string).filter((name) => /^ValueSet-.*\.json$/.test(name));
  for (const file of files) {
    const published = JSON.parse(readFileSync(join(folder as string, file), 'utf8'));
    // Published without what is not for choosing, so ours is asked for the same; some kept the flag.
    const theirs = new Set(codesIn(published.expansion?.contains));
    const parameters = new URLSearchParams({ url: published.url });
    const run = () =>
      expand.run({ clock: () => 0 } as FhirContext, {
        parameters,
        request: { method: 'GET', path: '', query: parameters, prefer: { lenient: false } },
      });
    let ours: string[];
    try {
      ours = codesIn(JSON.parse((await run()).body as string).expansion.contains);
    } catch (thrown) {
      assert.ok(isReject(thrown), file);
      assert.match(thrown.code, /^TERMINOLOGY_(?:UNSUPPORTED|NOT_FOUND)$/);
      counts.notHere++;
      continue;
    }
    const mine = new Set(ours);
    assert.deepEqual(
      [...theirs].filter((code) => !mine.has(code)),
      [],
      file,
    );
    const more = [...mine].filter((code) => !theirs.has(code) && !isAbstract(code));
    const name = published.id as string;
    if (!Object.hasOwn(WE_LIST_MORE, name)) assert.deepEqual(more, [], file);
    counts[more.length === 0 ? 'same' : 'more']++;
  }
  context.diagnostic(`${files.length} published expansions: ${JSON.stringify(counts)}`);
  assert.ok(counts.same > 480);

  function isAbstract(code: string): boolean {
    const [system, value] = code.split('|') as [string, string];
    const table = terminology.store.system(system);
    const index = table?.indexOf(value);
    return index !== undefined && table?.isAbstract(index) === true;
  }
});
