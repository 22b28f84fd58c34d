import { createTerminology, type KnownTerminology } from '../terminology/create-terminology.ts';
import { openR4Terminology } from '../terminology/r4-terminology.ts';
import { lateSource } from '../terminology/resource-source.ts';
import { createTerminologyStore } from '../terminology/terminology-store.ts';
import type { LoadedPackage } from './package-cache.ts';
import { packageTerminology } from './package-resources.ts';

/** R4's own terminology and that of packages. Each has its own caches (megabytes), so what belongs together shares one. */
export function openTerminology(packages: readonly LoadedPackage[]): KnownTerminology {
  return createTerminology(
    createTerminologyStore(() => [openR4Terminology(), lateSource(packageTerminology(packages))]),
  );
}
