import { extendsAnchor } from './anchor-check.ts';
import { reject } from './codes.ts';
import { openDatabases } from './open-databases.ts';
import type { CustodianVault } from './vault.ts';
import { assembleVault, type VaultOptions } from './vault-parts.ts';
import { readOperations } from './vault-reads.ts';
import { stewardOperations } from './vault-stewardship.ts';
import { writeOperations } from './vault-writes.ts';

/**
 * Opens the vault of a folder, or makes it. Throws Reject VAULT_IN_USE, VAULT_KEY_WRONG, VAULT_DAMAGED, VAULT_FULL.
 * A vault behind its last anchor opens, and says so: its calls throw VAULT_BEHIND_ANCHOR until `startGeneration`.
 */
export async function createVault(options: VaultOptions): Promise<CustodianVault> {
  if (options.rootKey.length !== 32) throw new RangeError('a root key has 32 bytes');
  const databases = await openDatabases(options);
  try {
    const parts = assembleVault(databases, options);
    parts.erasure.finish();
    if (options.restored === true) parts.orphans.keep();
    const steward = stewardOperations(parts);
    // A backup is whole in itself: a journal that contradicts the anchors beside it is not old, but damaged.
    const own = parts.journal.lastAnchor();
    if (own !== undefined && !extendsAnchor(parts.log, parts.journal, own))
      throw reject('VAULT_DAMAGED', { table: 'entry' });
    if (options.anchoredAt !== undefined) await steward.checkAgainst(options.anchoredAt);
    return { custodian: options.custodian, ...readOperations(parts), ...writeOperations(parts), ...steward };
  } catch (error) {
    databases.close();
    throw error;
  }
}
