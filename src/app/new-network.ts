import { randomBytes } from '#crypto/platform';
import type { KeyRecord } from '../chain/account.ts';
import { GENESIS_FORMAT, type Genesis } from '../chain/genesis.ts';
import { keyId } from '../chain/signature.ts';
import { ed25519PublicKey } from '../crypto/node/ed25519.ts';
import { generateSealingKey, SEALING_SUITE } from '../crypto/sealing.ts';
import { bytesToBase64url, bytesToHex, hexToBytes } from '../std/bytes.ts';
import type { NodeFile, Secrets } from './node-folder.ts';

/** An organisation to found a ledger with. */
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

export interface OrganisationKeys {
  readonly organisation: NodeFile['organisations'][number];
  readonly secrets: Secrets['organisations'][number];
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

/** Rule versions that a new ledger starts with. */
const RULES = ['access', 'consent', 'membership', 'records'].map((capability) => ({ capability, version: 1 }));

/** Genesis of a new embedded ledger. `operatorSeed` signs its heads; witnesses are named by their owners' word. */
export function newGenesis(options: {
  name: string;
  createdMs: number;
  operatorSeed: string;
  founders: readonly FounderEntry[];
  witnesses?: readonly { readonly name: string; readonly publicKey: string }[];
}): Genesis {
  const { name, createdMs, founders, witnesses = [] } = options;
  const operatorKey = ed25519PublicKey(hexToBytes(options.operatorSeed) as Uint8Array);
  return {
    format: GENESIS_FORMAT,
    name,
    createdMs,
    operator: { kind: 'embedded', publicKey: bytesToHex(operatorKey) },
    ...(witnesses.length === 0 ? {} : { witnesses: [...witnesses] }),
    sections: { chain: { rules: RULES }, membership: { members: founders }, consent: {} },
  } as Genesis;
}
