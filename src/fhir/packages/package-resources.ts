import type { StructureDefinition } from '@medplum/fhirtypes';
import type { LateStructure } from '../profiles/profile-source.ts';
import type { LateResource } from '../terminology/resource-source.ts';
import type { LoadedPackage, PackageEntry } from './package-cache.ts';

/** Profiles and extensions of packages, for the validator. Those without a snapshot cannot be used. */
export function packageStructures(packages: readonly LoadedPackage[]): LateStructure[] {
  return packages.flatMap((one) =>
    one.entries.flatMap(({ type, url, version, about, lacksSnapshot }, index) =>
      type !== 'StructureDefinition' || url === undefined || about === undefined || lacksSnapshot
        ? []
        : [
            {
              ...{ url, type: about },
              ...(version === undefined ? {} : { version }),
              load: () => one.read(index) as unknown as StructureDefinition,
            },
          ],
    ),
  );
}

/** Code systems and value sets of packages, for the terminology. */
export function packageTerminology(packages: readonly LoadedPackage[]): LateResource[] {
  return packages.flatMap((one) =>
    one.entries.flatMap(({ type, url, version, id, about }, index) =>
      (type !== 'ValueSet' && type !== 'CodeSystem') || url === undefined
        ? []
        : [
            {
              entry: {
                ...{ kind: type as 'ValueSet' | 'CodeSystem', url },
                ...(version === undefined ? {} : { version }),
                ...(id === undefined ? {} : { id }),
                ...(about === undefined ? {} : { content: about }),
              },
              load: () => one.read(index),
            },
          ],
    ),
  );
}

/** Resources of a type, e.g. SearchParameter. */
export function packageResources(
  packages: readonly LoadedPackage[],
  type: string,
): Readonly<Record<string, unknown>>[] {
  return packages.flatMap((one) =>
    one.entries.flatMap((entry, index) => (entry.type === type ? [one.read(index)] : [])),
  );
}

/** Packages that a package names and that are not loaded, as `name#version`. R4 itself is always there. */
export function missingDependencies(of: LoadedPackage, packages: readonly LoadedPackage[]): string[] {
  return Object.entries(of.dependencies)
    .filter(([name]) => name !== 'hl7.fhir.r4.core' && name !== 'hl7.fhir.core')
    .filter(([name, version]) => !packages.some((one) => one.name === name && fits(one.version, version)))
    .map(([name, version]) => `${name}#${version}`);
}

/** `4.0.x` asks for any patch of 4.0 (https://hl7.org/fhir/packages.html). */
function fits(version: string, wanted: string): boolean {
  return version === wanted || (/\.x$/i.test(wanted) && version.startsWith(wanted.slice(0, -1)));
}

/** What a package brings, for people: resource types with their numbers, profiles that cannot be used. */
export function packageSummary({ entries }: { readonly entries: readonly PackageEntry[] }): {
  readonly counts: Readonly<Record<string, number>>;
  readonly withoutSnapshot: number;
} {
  const counts: Record<string, number> = {};
  for (const { type } of entries) counts[type] = (counts[type] ?? 0) + 1;
  return { counts, withoutSnapshot: entries.filter(({ lacksSnapshot }) => lacksSnapshot).length };
}
