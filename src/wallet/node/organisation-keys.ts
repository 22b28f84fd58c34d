import { randomBytes } from '#crypto/platform';
import type { KeyRecord } from '../../chain/account.ts';
import { keyId } from '../../chain/signature.ts';
import { ed25519PublicKey } from '../../crypto/node/ed25519.ts';
import { generateSealingKey, SEALING_SUITE } from '../../crypto/sealing.ts';
import { bytesToBase64url, bytesToHex } from '../../std/bytes.ts';

/** An organisation to found a ledger with, or to join one. */
export interface FounderPlan {
  readonly slug: string;
  readonly name: string;
  readonly roles: readonly string[];
}

/** What the ledger is to know of a founding member: no name, only its account, roles and public keys. */
export type FounderEntry = {
  readonly account: string;
  readonly roles: readonly string[];
  readonly keys: readonly KeyRecord[];
  readonly sealing: { readonly suite: string; readonly publicKey: string };
};

/** Seeds in hexadecimal. */
export interface OrganisationKeys {
  readonly organisation: { readonly slug: string; readonly name: string; readonly account: string };
  readonly secrets: { readonly slug: string; readonly signingSeed: string; readonly sealingSeed: string };
  readonly entry: FounderEntry;
}

/** Makes an organisation's account id and keys. The entry is for a genesis or an admission; the secrets stay here. */
export async function newOrganisationKeys({ slug, name, roles }: FounderPlan): Promise<OrganisationKeys> {
  const account = bytesToHex(randomBytes(16));
  const signingSeed = randomBytes(32);
  const sealing = await generateSealingKey();
  const publicKey = ed25519PublicKey(signingSeed);
  return {
    organisation: { slug, name, account },
    secrets: { slug, signingSeed: bytesToHex(signingSeed), sealingSeed: bytesToHex(sealing.seed) },
    entry: {
      account,
      roles,
      keys: [{ id: keyId('ed25519', publicKey), algorithm: 'ed25519', publicKey: bytesToHex(publicKey) }],
      sealing: { suite: SEALING_SUITE, publicKey: bytesToBase64url(sealing.publicKey) },
    },
  };
}
