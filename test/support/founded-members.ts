import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { CONTRACTS } from '../../src/app/contracts.ts';
import { newGenesis } from '../../src/app/new-network.ts';
import { createKernel } from '../../src/chain/kernel.ts';
import { keyId } from '../../src/chain/signature.ts';
import { ed25519PublicKey, signEd25519 } from '../../src/crypto/node/ed25519.ts';
import { sealingPublicKey } from '../../src/crypto/sealing.ts';
import { createEmbeddedLedger, type EmbeddedLedger } from '../../src/ledger/embedded/embedded-ledger.ts';
import { verifyTask } from '../../src/ledger/intake/verify-task.ts';
import type { OrganisationContext } from '../../src/server/organisation.ts';
import { hexToBytes } from '../../src/std/bytes.ts';
import type { JsonObject } from '../../src/std/canonical-json.ts';
import { createVault } from '../../src/vault/create-vault.ts';
import { newOrganisationKeys, type OrganisationKeys } from '../../src/wallet/node/organisation-keys.ts';

interface FoundedMembers {
  readonly ledger: EmbeddedLedger;
  /** In the order of their names. */
  readonly organisations: readonly OrganisationContext[];
  /** Closes ledger and vaults, and removes the folder. */
  close(): Promise<void>;
}

/** A real ledger in a folder and the providers that founded it, each with a real vault; a slug is the name in small letters. */
export async function foundMembers(
  names: readonly string[],
  parts: Pick<OrganisationContext, 'clock' | 'log'> & { readonly folder: string },
): Promise<FoundedMembers> {
  const { folder, clock, log } = parts;
  const operatorSeed = '07'.repeat(32);
  const founders: OrganisationKeys[] = [];
  for (const name of names)
    founders.push(await newOrganisationKeys({ slug: name.toLowerCase(), name, roles: ['provider'] }));
  const plan = { name: 'test', createdMs: clock(), operatorSeed, founders: founders.map(({ entry }) => entry) };
  const genesis = newGenesis(plan) as ReturnType<typeof newGenesis> & JsonObject;
  const ledger = await createEmbeddedLedger({
    ...{ folder: join(folder, 'ledger'), genesis, clock, log, threads: 0 },
    kernel: createKernel({ genesis, contracts: CONTRACTS, verifySignature: verifyTask }),
    operatorKey: { seed: hexToBytes(operatorSeed) as Uint8Array },
  });
  const organisations = await Promise.all(founders.map((keys) => openMember(keys, { ...parts, ledger })));
  return {
    ...{ ledger, organisations },
    async close() {
      for (const { vault } of organisations) await vault.close();
      await ledger.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function openMember(
  { organisation, secrets }: OrganisationKeys,
  { folder, ledger, clock, log }: Pick<OrganisationContext, 'ledger' | 'clock' | 'log'> & { readonly folder: string },
): Promise<OrganisationContext> {
  const { slug, name, account } = organisation;
  const [seed, sealingSeed] = [secrets.signingSeed, secrets.sealingSeed].map(hexToBytes) as [Uint8Array, Uint8Array];
  const rootKey = new Uint8Array(32).fill(slug.length);
  const vault = await createVault({ folder: join(folder, slug), custodian: account, rootKey, log });
  const signer = {
    account,
    keyId: keyId('ed25519', ed25519PublicKey(seed)),
    sign: (bytes: Uint8Array) => signEd25519(seed, bytes),
  };
  const sealing = { seed: sealingSeed, publicKey: await sealingPublicKey(sealingSeed) };
  return { slug, name, account, vault, ledger, signer, sealing, clock, log };
}
