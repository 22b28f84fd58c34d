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
import { CODES } from './codes.ts';
import type { NodeFile, Secrets } from './node-folder.ts';
import { vaultRoot } from './vault-root.ts';

const reject = rejecter(CODES);

/**
 * Opens each organisation's vault with a root key of its own, and its keys, and holds its journal against the ledger
 * before it serves. Those opened are closed if one fails.
 */
export async function openOrganisations(options: {
  folder: string;
  node: NodeFile;
  secrets: Secrets;
  rootKey: Uint8Array;
  ledger: Ledger;
  clock: () => number;
  log: FastifyBaseLogger;
  /** Where the vaults are; files of the folder unless it is given. Each organisation has a schema of its own. */
  database?: VaultDatabase | undefined;
}): Promise<readonly OrganisationContext[]> {
  const opened: OrganisationContext[] = [];
  try {
    for (const organisation of options.node.organisations) opened.push(await openOrganisation(options, organisation));
    await settleJournals(opened);
    return opened;
  } catch (error) {
    for (const { vault } of opened) await vault.close();
    throw error;
  }
}

type Options = Parameters<typeof openOrganisations>[0];

async function openOrganisation(
  options: Options,
  organisation: NodeFile['organisations'][number],
): Promise<OrganisationContext> {
  const { folder, secrets, rootKey, ledger, clock, database } = options;
  const { slug, name, account } = organisation;
  const keys = secrets.organisations.find((one) => one.slug === slug);
  if (keys === undefined) throw reject('NODE_FOLDER_DAMAGED', { file: 'secrets.sealed' });
  const log = options.log.child({ organisation: slug });
  const seed = hexToBytes(keys.sealingSeed) as Uint8Array;
  const vault = await createVault({
    folder: join(folder, 'vaults', slug),
    custodian: account,
    rootKey: vaultRoot(rootKey, slug),
    log,
    ...(database === undefined ? {} : { database }),
  });
  const sealing = { seed, publicKey: await sealingPublicKey(seed) };
  return { slug, name, account, vault, ledger, signer: memberSigner(account, keys.signingSeed), sealing, clock, log };
}

/** Signs as a member account; `signingSeed` is 32 bytes in hexadecimal. */
export function memberSigner(account: string, signingSeed: string): Signer {
  const seed = hexToBytes(signingSeed) as Uint8Array;
  return { account, keyId: keyId('ed25519', ed25519PublicKey(seed)), sign: (bytes) => signEd25519(seed, bytes) };
}
