import { extendsAnchor } from './anchor-check.ts';
import { reject } from './codes.ts';
import { openDatabases } from './open-databases.ts';
import type { CustodianVault } from './vault.ts';
import { assembleVault, type VaultOptions } from './vault-parts.ts';
import { readOperations } from './vault-reads.ts';
import { stewardOperations } from './vault-stewardship.ts';
import { writeOperations } from './vault-writes.ts';

/**
 * Opens a vault, or makes it. Rejects with VAULT_IN_USE, VAULT_KEY_WRONG, VAULT_DAMAGED, VAULT_FULL, VAULT_FORMAT_OTHER,
 * VAULT_DATABASE_UNREACHABLE.
 * A vault behind its last anchor opens, and says so: its calls throw VAULT_BEHIND_ANCHOR until `startGeneration`.
 */
export async function createVault(options: VaultOptions): Promise<CustodianVault> {
  if (options.rootKey.length !== 32) throw new RangeError('a root key has 32 bytes');
  const databases = await openDatabases(options);
  try {
    const parts = await assembleVault(databases, options);
    await parts.erasure.finish();
    if (options.restored === true) await parts.orphans.keep();
    const steward = stewardOperations(parts);
    // A backup is whole in itself: a journal that contradicts the anchors beside it is not old, but damaged.
    const own = parts.anchors.last();
    if (own !== undefined && !(await extendsAnchor(parts.log, parts.journal, own)))
      throw reject('VAULT_DAMAGED', { table: 'entry' });
    if (options.anchoredAt !== undefined) await steward.checkAgainst(options.anchoredAt);
    return { custodian: options.custodian, ...readOperations(parts), ...writeOperations(parts), ...steward };
  } catch (error) {
    await databases.close();
    throw error;
  }
}
