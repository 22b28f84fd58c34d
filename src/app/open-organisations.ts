import { join } from 'node:path';
import type { FastifyBaseLogger } from 'fastify';
import { settleJournals } from '../capabilities/records/server/settle-journal.ts';
import type { Signer } from '../chain/sign-transaction.ts';
import { keyId } from '../chain/signature.ts';
import { ed25519PublicKey, signEd25519 } from '../crypto/node/ed25519.ts';
import { sealingPublicKey } from '../crypto/sealing.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { OrganisationContext } from '../server/organisation.ts';
import { hexToBytes } from '../std/bytes.ts';
import { rejecter } from '../std/reject.ts';
import { createVault } from '../vault/create-vault.ts';
import type { VaultDatabase } from '../vault/open-databases.ts';
import type { CustodianVault } from '../vault/vault.ts';
import { CODES } from './codes.ts';
import type { NodeFile, Secrets } from './node-folder.ts';
import { vaultRoot } from './vault-root.ts';

const reject = rejecter(CODES);

interface VaultOptions {
  folder: string;
  node: NodeFile;
  rootKey: Uint8Array;
  log: FastifyBaseLogger;
  /** Where the vaults are; files of the folder unless it is given. Each organisation has a schema of its own. */
  database?: VaultDatabase | undefined;
}

interface OrganisationOptions extends VaultOptions {
  secrets: Secrets;
  ledger: Ledger;
  clock: () => number;
}

/** Opens each organisation's vault with a root key of its own. Those opened are closed if one fails. */
export async function openVaults(options: VaultOptions): Promise<readonly CustodianVault[]> {
  const { folder, rootKey, database } = options;
  const opening = options.node.organisations.map(({ slug, account }) =>
    createVault({
      folder: join(folder, 'vaults', slug),
      custodian: account,
      rootKey: vaultRoot(rootKey, slug),
      log: options.log.child({ organisation: slug }),
      ...(database === undefined ? {} : { database }),
    }),
  );
  const settled = await Promise.allSettled(opening);
  const failed = settled.find((one) => one.status === 'rejected');
  if (failed === undefined) return Promise.all(opening);
  for (const one of settled) if (one.status === 'fulfilled') await one.value.close();
  throw failed.reason;
}

/** Closes them, once they are open; those that did not open are closed already. */
export async function closeVaults(vaults: Promise<readonly CustodianVault[]>): Promise<void> {
  for (const vault of await vaults.catch(() => [])) await vault.close();
}

/** Opens vaults and settles them. */
export async function openOrganisations(options: OrganisationOptions): Promise<readonly OrganisationContext[]> {
  const vaults = openVaults(options);
  try {
    return await settleOrganisations(options, await vaults);
  } catch (error) {
    await closeVaults(vaults);
    throw error;
  }
}

/** The organisations with their keys, once the journals in their vaults are held against the ledger. */
export async function settleOrganisations(
  options: OrganisationOptions,
  vaults: readonly CustodianVault[],
): Promise<readonly OrganisationContext[]> {
  const organisations = await Promise.all(vaults.map((vault) => contextOf(options, vault)));
  await settleJournals(organisations);
  return organisations;
}

async function contextOf(options: OrganisationOptions, vault: CustodianVault): Promise<OrganisationContext> {
  const { secrets, ledger, clock } = options;
  const organisation = options.node.organisations.find(({ account }) => account === vault.custodian);
  const keys = secrets.organisations.find(({ slug }) => slug === organisation?.slug);
  if (organisation === undefined || keys === undefined) throw reject('NODE_FOLDER_DAMAGED', { file: 'secrets.sealed' });
  const { slug, name, account } = organisation;
  const log = options.log.child({ organisation: slug });
  const seed = hexToBytes(keys.sealingSeed) as Uint8Array;
  const sealing = { seed, publicKey: await sealingPublicKey(seed) };
  return { slug, name, account, vault, ledger, signer: memberSigner(account, keys.signingSeed), sealing, clock, log };
}

/** Signs as a member account; `signingSeed` is 32 bytes in hexadecimal. */
export function memberSigner(account: string, signingSeed: string): Signer {
  const seed = hexToBytes(signingSeed) as Uint8Array;
  return { account, keyId: keyId('ed25519', ed25519PublicKey(seed)), sign: (bytes) => signEd25519(seed, bytes) };
}
