import type { FastifyBaseLogger } from 'fastify';
import type { Signer } from '../chain/sign-transaction.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Vault } from '../vault/vault.ts';

/** One organisation of this node, with all that its server floors work with. */
export interface OrganisationContext {
  readonly slug: string;
  /** For people; never on the ledger. */
  readonly name: string;
  /** Its member account. */
  readonly account: string;
  readonly vault: Vault;
  readonly ledger: Ledger;
  /** Signs as the member account. */
  readonly signer: Signer;
  /** X-Wing key that releases to this organisation are sealed to; seed of 32 bytes. */
  readonly sealing: { readonly seed: Uint8Array; readonly publicKey: Uint8Array };
  /** Milliseconds since the epoch. */
  clock(): number;
  readonly log: FastifyBaseLogger;
}
