import { createVault as createRealVault } from '../../src/vault/create-vault.ts';
import type { CustodianVault } from '../../src/vault/vault.ts';

type Options = Parameters<typeof createRealVault>[0];

const { ACESO_BENCH_OFF = '', ACESO_BENCH_POSTGRES } = process.env;

/**
 * The vault on a throwaway PostgreSQL, or without the journal's entries of interactions: reads, searches and writes
 * leave none. A version's own leaf stays, since it is how a version is stored.
 */
export async function createVault(options: Options): Promise<CustodianVault> {
  const [url, keysUrl] = (ACESO_BENCH_POSTGRES ?? '').split(' ');
  const database = url && keysUrl ? { database: { url, keysUrl } } : {};
  const vault = await createRealVault({ ...options, ...database });
  if (!ACESO_BENCH_OFF.split(',').includes('journal')) return vault;
  return {
    ...vault,
    journal: async (interactions) => interactions.map(() => 0),
    write: (versions, interactions) => vault.write(versions, versions.length === 0 ? interactions : []),
  };
}
