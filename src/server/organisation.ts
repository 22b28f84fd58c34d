import type { FastifyBaseLogger } from 'fastify';
import type { Signer } from '../chain/sign-transaction.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { rejecter } from '../std/reject.ts';
import type { CustodianVault } from '../vault/vault.ts';
import { CODES } from './codes.ts';

const reject = rejecter(CODES);

/** One organisation of this node, with all that its server floors work with. */
export interface OrganisationContext {
  readonly slug: string;
  /** For people; never on the ledger. */
  readonly name: string;
  /** Its member account. */
  readonly account: string;
  readonly vault: CustodianVault;
  readonly ledger: Ledger;
  /** Signs as the member account. */
  readonly signer: Signer;
  /** X-Wing key that releases to this organisation are sealed to; seed of 32 bytes. */
  readonly sealing: { readonly seed: Uint8Array; readonly publicKey: Uint8Array };
  /** Milliseconds since the epoch. */
  clock(): number;
  readonly log: FastifyBaseLogger;
}

/** The organisation of this node with that member account. Throws Reject ORGANISATION_NOT_HERE. */
export function organisationOf(organisations: readonly OrganisationContext[], account: string): OrganisationContext {
  const found = organisations.find((one) => one.account === account);
  if (found === undefined) throw reject('ORGANISATION_NOT_HERE');
  return found;
}
