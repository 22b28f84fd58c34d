import { readFileSync } from 'node:fs';
import { getAllDataTypes } from '@medplum/core';
import { buildDefinitions, compactDefinitions, definitionsVersion } from './build-definitions.ts';
import { type CompactDefinitions, compactToSchema, DEFINITIONS_FORMAT } from './definitions.ts';
import { r4CacheFile } from './r4-cache.ts';

let loading: Promise<CompactDefinitions> | undefined;

/** Where the compact definitions are kept: named by package version and format, so that an upgrade builds them anew. */
function definitionsFile(): string {
  return r4CacheFile(`fhir-r4-${definitionsVersion()}-${DEFINITIONS_FORMAT}.json`);
}

/**
 * R4's definitions, also registered with `@medplum/core` for validation. Read from the cache file, which is built when
 * it is absent or damaged; where the folder cannot be written they are built in memory at each start (a second more).
 */
export function loadDefinitions(file: string = definitionsFile()): Promise<CompactDefinitions> {
  loading ??= Promise.resolve(file).then((from) => {
    const read = readOrBuild(from);
    const definitions = {
      ...read,
      types: bare(read.types),
      resources: bare(read.resources),
      valueSets: bare(read.valueSets),
      codeSystems: bare(read.codeSystems),
      searchParameters: bare(
        Object.fromEntries(Object.entries(read.searchParameters).map(([type, codes]) => [type, bare(codes)])),
      ),
    };
    register(definitions);
    return definitions;
  });
  return loading;
}

/** A table without prototype: names from requests are looked up in it, and `constructor` must not be found. */
function bare<T extends object>(table: T): T {
  return Object.assign(Object.create(null), table);
}

/** Definitions of `file`, built into it when it is absent or damaged. Registers nothing. */
export function readOrBuild(file: string): CompactDefinitions {
  const cached = readCache(file);
  if (cached !== undefined) return cached;
  try {
    return buildDefinitions(file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === undefined) throw error;
    return compactDefinitions();
  }
}

function readCache(file: string): CompactDefinitions | undefined {
  try {
    const definitions = JSON.parse(readFileSync(file, 'utf8')) as CompactDefinitions;
    return definitions.format === DEFINITIONS_FORMAT && definitions.source === definitionsVersion()
      ? definitions
      : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Puts getters into `@medplum/core`'s table of types: a type's schema is made when it is first asked for, since a node
 * uses a few of the 150. Inner types come with the type they belong to.
 */
function register(definitions: CompactDefinitions): void {
  const table = getAllDataTypes();
  for (const [name, compact] of Object.entries(definitions.types)) {
    Object.defineProperty(table, name, {
      configurable: true,
      enumerable: true,
      get() {
        const schema = compactToSchema(name, compact, definitions);
        Object.defineProperty(table, name, { value: schema, writable: true, configurable: true, enumerable: true });
        for (const inner of compact.i ?? []) {
          const innerSchema = table[inner];
          if (innerSchema !== undefined) schema.innerTypes.push(innerSchema);
        }
        return schema;
      },
      // Others may load a type of their own over ours (`loadDataType`).
      set(schema) {
        Object.defineProperty(table, name, { value: schema, writable: true, configurable: true, enumerable: true });
      },
    });
  }
}
