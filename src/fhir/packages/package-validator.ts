import { readFileSync } from 'node:fs';
import type { CompactDefinitions } from '../definitions/definitions.ts';
import { r4Validator } from '../profiles/r4-validator.ts';
import { createValidator, type Validator } from '../profiles/validator.ts';
import type { Terminology } from '../terminology/terminology.ts';
import { type LoadedPackage, parseCompact } from './package-cache.ts';
import { packageStructures } from './package-resources.ts';
import { openTerminology } from './package-terminology.ts';
import { openR4Profiles } from './r4-profiles.ts';

/**
 * A validator of R4, its own profiles and extensions, and of packages. `terminology` is that of the same packages
 * (`openTerminology`). Profiles are compiled when first used.
 */
export function packageValidator(
  definitions: CompactDefinitions,
  packages: readonly LoadedPackage[],
  terminology: Terminology,
): Validator {
  return createValidator({
    definitions,
    // R4's own come first: of a canonical URL that a package defines too, the package's version answers.
    structures: packageStructures([openR4Profiles(), ...packages]),
    terminology,
  });
}

/** The same from compact files (`PackageStore.files`), for another thread. Throws when one cannot be read. */
export function validatorOfFiles(definitions: CompactDefinitions, files: readonly string[]): Validator {
  const packages = files.map((file) => {
    const loaded = parseCompact(readFileSync(file));
    if (loaded === undefined) throw new Error('a package file in compact form is damaged');
    return loaded;
  });
  return packages.length === 0
    ? r4Validator(definitions)
    : packageValidator(definitions, packages, openTerminology(packages));
}
