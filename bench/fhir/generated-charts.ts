import { mkdtempSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEMO_AS_OF, DEMO_PATIENTS_EACH } from '../../src/app/demo-network.ts';
import { generatePatients } from '../../src/synthetic/generate.ts';
import { generateOrganisation } from '../../src/synthetic/organisation.ts';
import { bundleToText } from '../../src/synthetic/written-number.ts';

export type Bundle = ReturnType<typeof generateOrganisation>;

/** What searches by family name must count. */
export interface FamilyMember {
  readonly observationsByCode: ReadonlyMap<string, number>;
}

/** Charts that are generated before the clock starts: to generate one takes about as long as to store it. */
export interface GeneratedCharts {
  /** Those that the patients share. */
  readonly organisation: Bundle;
  /** Transaction of a patient, as it is sent. */
  text(number: number): Promise<string>;
  /** Some, evenly drawn, by number. */
  readonly sample: ReadonlyMap<number, Bundle>;
  /** Lower-case family name → all patients of that name, those that a node is seeded with too. */
  readonly families: ReadonlyMap<string, readonly FamilyMember[]>;
}

const SAMPLE = 200;
/** A chart of the last year and a half: some fifty resources, as long as those of the Synthea samples. */
const CHART = { years: 1.5, asOf: DEMO_AS_OF, seed: 'bench' } as const;
const ORGANISATION = { seed: 'bench', name: 'Bench Hospital', practitionerCount: 24 } as const;

const made = new Map<number, Promise<GeneratedCharts>>();

/** The same charts for all nodes of a run, kept in a file until its end. */
export function generatedCharts(count: number): Promise<GeneratedCharts> {
  const known = made.get(count) ?? generate(count);
  made.set(count, known);
  return known;
}

async function generate(count: number): Promise<GeneratedCharts> {
  const folder = mkdtempSync(join(tmpdir(), 'aceso-bench-charts-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const file = await open(join(folder, 'charts'), 'w+');
  const sample = new Map<number, Bundle>();
  const families = demoFamilies();
  const ends: number[] = [];
  const every = Math.max(1, Math.floor(count / SAMPLE));
  let at = 0;
  for (const bundle of generatePatients({ ...CHART, count, organisation: ORGANISATION })) {
    const bytes = Buffer.from(bundleToText(bundle));
    await file.write(bytes, 0, bytes.length, at);
    if (ends.length % every === 0) sample.set(ends.length, bundle);
    at += bytes.length;
    ends.push(at);
    remember(families, bundle);
  }
  return {
    organisation: generateOrganisation(ORGANISATION),
    sample,
    families,
    async text(number) {
      const from = ends[number - 1] ?? 0;
      const bytes = Buffer.alloc((ends[number] ?? from) - from);
      await file.read(bytes, 0, bytes.length, from);
      return bytes.toString();
    },
  };
}

function remember(families: Map<string, FamilyMember[]>, bundle: Bundle): void {
  const observationsByCode = new Map<string, number>();
  let family = '';
  for (const { resource } of bundle.entry ?? []) {
    if (resource?.resourceType === 'Patient') family = (resource.name?.[0]?.family ?? '').toLowerCase();
    if (resource?.resourceType !== 'Observation') continue;
    const code = resource.code.coding?.[0]?.code as string;
    observationsByCode.set(code, (observationsByCode.get(code) ?? 0) + 1);
  }
  families.set(family, [...(families.get(family) ?? []), { observationsByCode }]);
}

/** The patients that a node is seeded with are in the same vault. */
function demoFamilies(): Map<string, FamilyMember[]> {
  const families = new Map<string, FamilyMember[]>();
  const organisation = { seed: 'st-brigid', name: 'St. Brigid Hospital' };
  const demo = { seed: 'st-brigid', count: DEMO_PATIENTS_EACH, asOf: DEMO_AS_OF, organisation };
  for (const bundle of generatePatients(demo)) remember(families, bundle);
  return families;
}
