import { reject } from './codes.ts';
import type { VersionRow } from './vault.ts';
import type { VersionReader } from './version-reader.ts';
import type { ResourceRow, VersionStore } from './version-table.ts';

/** Row of a resource's current version. Rejects with VAULT_DAMAGED when it is not there. */
export async function currentOf(
  { versions, reader }: { versions: VersionStore; reader: VersionReader },
  resource: ResourceRow,
): Promise<VersionRow> {
  const version = await versions.versionAt(resource.position);
  if (version === undefined || version.row.version !== resource.version)
    throw reject('VAULT_DAMAGED', { table: 'version' });
  return reader.remember(version);
}
