import type { JsonObject } from '../../std/canonical-json.ts';
import { rejectPackage } from './codes.ts';
import type { LoadedPackage } from './package-cache.ts';
import { missingDependencies, packageSummary } from './package-resources.ts';
import type { PackageStore } from './package-store.ts';

/** `GET /api/packages`. */
export function listPackages({ packages }: PackageStore): JsonObject {
  return { packages: packages.map((one) => describe(one, packages)) };
}

/** `POST /api/packages` with the bytes of a .tgz. Throws what `PackageStore.add` throws. */
export async function addPackage(store: PackageStore, tgz: Uint8Array): Promise<JsonObject> {
  return describe(await store.add(tgz), store.packages);
}

/** `POST /api/packages/remove` {name, version?}. Throws PACKAGE_UNKNOWN. */
export async function removePackage(store: PackageStore, body: unknown): Promise<JsonObject> {
  const { name, version } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  if (typeof name !== 'string' || (version !== undefined && typeof version !== 'string')) {
    throw rejectPackage('PACKAGE_UNKNOWN');
  }
  return { removed: await store.remove(name, version) };
}

/** {name, version, title?, counts by resource type, withoutSnapshot, missing dependencies}. */
function describe(one: LoadedPackage, packages: readonly LoadedPackage[]): JsonObject {
  const { name, version, title } = one;
  const { counts, withoutSnapshot } = packageSummary(one);
  const missing = missingDependencies(one, packages);
  return { name, version, ...(title === undefined ? {} : { title }), counts, withoutSnapshot, missing };
}
