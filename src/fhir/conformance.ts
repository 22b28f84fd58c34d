import { utf8ToText } from '../std/bytes.ts';
import type { IndexEntries } from '../vault/index/index-entries.ts';
import type { CompactDefinitions } from './definitions/definitions.ts';
import type { LoadedPackage } from './packages/package-cache.ts';
import { packageResources } from './packages/package-resources.ts';
import type { PackageStore } from './packages/package-store.ts';
import { openTerminology } from './packages/package-terminology.ts';
import { packageValidator } from './packages/package-validator.ts';
import type { ParsedResource } from './patient-account.ts';
import { r4Validator } from './profiles/r4-validator.ts';
import type { Validator } from './profiles/validator.ts';
import { withSearchParameters } from './search/added-parameters.ts';
import { resourceToEntries } from './search/resource-entries.ts';
import { createSearchRegistry, type SearchRegistry } from './search/search-registry.ts';
import type { KnownTerminology } from './terminology/create-terminology.ts';

/** What resources are held against and found by: R4, and the packages that are loaded at the moment. */
export interface Conformance {
  readonly definitions: CompactDefinitions;
  /** Search parameters by type. */
  readonly registry: SearchRegistry;
  /** What a write must pass: R4, and the profiles of loaded packages where a resource declares them. */
  readonly validator: Validator;
  /** Beyond that, R4's own profiles and all value sets: for `$validate`. */
  profiles(): Validator;
  readonly terminology: KnownTerminology;
  /** Compact package files, for validation on another thread. */
  readonly packageFiles: readonly string[];
}

const ofR4 = new WeakMap<CompactDefinitions, Conformance>();

/** R4 without packages; made once for the same definitions. */
export function r4Conformance(definitions: CompactDefinitions): Conformance {
  let known = ofR4.get(definitions);
  if (known === undefined) {
    known = makeConformance(definitions, createSearchRegistry(definitions), [], []);
    ofR4.set(definitions, known);
  }
  return known;
}

/** A conformance that follows its packages. */
export interface LiveConformance extends Conformance {
  /** Takes up what the store holds now. Resolves to the search parameters that cannot be used, each with why. */
  refresh(): Promise<readonly { readonly url: string; readonly reason: string }[]>;
}

export async function openConformance(definitions: CompactDefinitions, store: PackageStore): Promise<LiveConformance> {
  let current = r4Conformance(definitions);
  const live: LiveConformance = {
    definitions,
    get registry() {
      return current.registry;
    },
    get validator() {
      return current.validator;
    },
    profiles: () => current.profiles(),
    get terminology() {
      return current.terminology;
    },
    get packageFiles() {
      return current.packageFiles;
    },
    async refresh() {
      const { packages, files } = store;
      if (packages.length === 0) {
        current = r4Conformance(definitions);
        return [];
      }
      const parameters = packageResources(packages, 'SearchParameter');
      const { registry, refused } = await withSearchParameters(definitions, parameters);
      current = makeConformance(definitions, registry, packages, files);
      return refused;
    },
  };
  await live.refresh();
  return live;
}

function makeConformance(
  definitions: CompactDefinitions,
  registry: SearchRegistry,
  packages: readonly LoadedPackage[],
  packageFiles: readonly string[],
): Conformance {
  const terminology = openTerminology(packages);
  let profiles: Validator | undefined;
  const all = (): Validator => {
    profiles ??= packageValidator(definitions, packages, terminology);
    return profiles;
  };
  return {
    definitions,
    registry,
    packageFiles,
    // Without packages nothing of R4's profiles and value sets is read before somebody asks for it.
    validator: packages.length === 0 ? r4Validator(definitions) : all(),
    profiles: all,
    terminology,
  };
}

/** What a vault makes its index anew with: entries of the exact bytes of a version. */
export function entriesExtractor(
  conformance: Pick<Conformance, 'registry'>,
  baseUrl: string,
): (type: string, bytes: Uint8Array, timeMs: number) => IndexEntries {
  return (_type, bytes, timeMs) =>
    resourceToEntries(JSON.parse(utf8ToText(bytes)) as ParsedResource, conformance.registry, baseUrl, timeMs);
}
