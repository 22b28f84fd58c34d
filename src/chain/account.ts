import { type StateMap, stateMap } from '../state/typed-map.ts';

/** `ed25519`: 32-byte public key. `webauthn-es256`: 65-byte uncompressed P-256 point. Both in hexadecimal. */
export type KeyAlgorithm = 'ed25519' | 'webauthn-es256';

/** A public key that may sign for an account. A type alias, so that it is canonical JSON. */
export type KeyRecord = {
  /** First 16 bytes of SHA-256(frame('aceso/key/1', algorithm, public key)), in hexadecimal. */
  readonly id: string;
  readonly algorithm: KeyAlgorithm;
  readonly publicKey: string;
  /** WebAuthn only: SHA-256 of the relying party id, hexadecimal, and the origin that assertions must name. */
  readonly rpIdHash?: string;
  readonly origin?: string;
};

export type AccountKind = 'member' | 'practitioner' | 'patient' | 'device';
/** `unclaimed`: a patient's, opened by the custodian, no key yet. `frozen`: signs nothing but what unfreezes it. */
export type AccountStatus = 'unclaimed' | 'active' | 'frozen' | 'closed';

/** What the ledger knows of an account. Its id, 32 hexadecimal digits of 16 random bytes, is the key. */
export type AccountRecord = {
  readonly kind: AccountKind;
  readonly status: AccountStatus;
  /** The member who opened it, answers for it and is charged; a member's own is itself. */
  readonly sponsor: string;
  readonly keys: readonly KeyRecord[];
};

/** Accounts by id. Written by the membership capability, read by dispatch. */
export const accounts: StateMap<readonly [account: string], AccountRecord> = stateMap('chain.accounts', 1);
