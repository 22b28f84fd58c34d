import { randomBytes } from '#crypto/platform';
import type { Signer } from '../chain/sign-transaction.ts';
import { keyId } from '../chain/signature.ts';
import { ed25519PublicKey, signEd25519 } from '../crypto/node/ed25519.ts';
import { bytesToHex, hexToBytes } from '../std/bytes.ts';
import { rejecter } from '../std/reject.ts';
import { CODES } from './codes.ts';

const reject = rejecter(CODES);

/**
 * One account of its owner at one custodian. Seeds in hexadecimal. A wallet derives nothing from one account to
 * another: each has keys of its own, so that nobody links a person's accounts by them.
 */
export type WalletAccount = {
  readonly custodian: string;
  readonly account: string;
  /** The Patient resource at the custodian that the account belongs to. */
  readonly patient: string;
  readonly signingSeed: string;
  /** X-Wing seed that the account's symmetric key is sealed to. */
  readonly sealingSeed: string;
  /** Key of the account's blinded policy tags, shared with the custodian; '' until the account is claimed. */
  readonly tagKey: string;
};

/** The keys that speak for a person. Lives in memory; wallet-file.ts keeps it under a passphrase. */
export interface Wallet {
  readonly accounts: readonly WalletAccount[];
}

export const EMPTY_WALLET: Wallet = { accounts: [] };

/** Fresh keys for an account that is to be claimed. */
export function newWalletAccount(custodian: string, account: string, patient: string): WalletAccount {
  const seeds = { signingSeed: bytesToHex(randomBytes(32)), sealingSeed: bytesToHex(randomBytes(32)) };
  return { custodian, account, patient, ...seeds, tagKey: '' };
}

/** The wallet with one account added, or put in place of the one of the same id. */
export function withAccount(wallet: Wallet, account: WalletAccount): Wallet {
  return { accounts: [...wallet.accounts.filter((one) => one.account !== account.account), account] };
}

/** The owner's account at a custodian. Throws Reject WALLET_ACCOUNT_UNKNOWN. */
export function accountAt(wallet: Wallet, custodian: string): WalletAccount {
  const found = wallet.accounts.find((one) => one.custodian === custodian);
  if (found === undefined) throw reject('WALLET_ACCOUNT_UNKNOWN');
  return found;
}

/** Signs as the account. */
export function walletSigner({ account, signingSeed }: WalletAccount): Signer {
  const seed = hexToBytes(signingSeed) as Uint8Array;
  return {
    account,
    keyId: keyId('ed25519', ed25519PublicKey(seed)),
    sign: (bytes) => signEd25519(seed, bytes),
  };
}
