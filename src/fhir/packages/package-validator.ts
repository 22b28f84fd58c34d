import { readFileSync } from 'node:fs';
import type { CompactDefinitions } from '../definitions/definitions.ts';
import { createValidator, type Validator } from '../profiles/validator.ts';
import { createTerminology } from '../terminology/create-terminology.ts';
import { openR4Terminology } from '../terminology/r4-terminology.ts';
import { lateSource } from '../terminology/resource-source.ts';
import { createTerminologyStore } from '../terminology/terminology-store.ts';
import { type LoadedPackage, parseCompact } from './package-cache.ts';
import { packageStructures, packageTerminology } from './package-resources.ts';
import { openR4Profiles } from './r4-profiles.ts';

/** A validator of R4, its own profiles and extensions, and of packages, with R4's own terminology and theirs. Profiles are compiled when first used. */
export function packageValidator(definitions: CompactDefinitions, packages: readonly LoadedPackage[]): Validator {
  const store = createTerminologyStore(() => [openR4Terminology(), lateSource(packageTerminology(packages))]);
  return createValidator({
    definitions,
    // R4's own come first: of a canonical URL that a package defines too, the package's version answers.
    structures: packageStructures([openR4Profiles(), ...packages]),
    terminology: createTerminology(store),
  });
}

/** The same from compact files (`PackageStore.files`), for another thread. Throws when one cannot be read. */
export function validatorOfFiles(definitions: CompactDefinitions, files: readonly string[]): Validator {
  const packages = files.map((file) => {
    const loaded = parseCompact(readFileSync(file));
    if (loaded === undefined) throw new Error('a package file in compact form is damaged');
    return loaded;
  });
  return packages.length === 0 ? createValidator({ definitions }) : packageValidator(definitions, packages);
}
