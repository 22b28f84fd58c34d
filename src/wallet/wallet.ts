import { randomBytes } from '#crypto/platform';
import type { Signer } from '../chain/sign-transaction.ts';
import { keyId } from '../chain/signature.ts';
import { bytesToHex, hexToBytes } from '../std/bytes.ts';
import { rejecter } from '../std/reject.ts';
import { CODES } from './codes.ts';
import type { WalletKeys } from './wallet-keys.ts';

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
  /** Genesis hash of the ledger, hexadecimal. */
  readonly genesis: string;
  readonly signingSeed: string;
  /** X-Wing seed that the account's symmetric key is sealed to. */
  readonly sealingSeed: string;
  /** Key of the account's blinded policy tags, shared with the custodian; '' until the account is claimed. */
  readonly tagKey: string;
  /** Bearer token to read at the custodian with; '' when there is none. */
  readonly token: string;
};

/** The keys that speak for a person. Lives in memory; wallet-file.ts keeps it under a passphrase. */
export interface Wallet {
  readonly accounts: readonly WalletAccount[];
}

export const EMPTY_WALLET: Wallet = { accounts: [] };

/** Fresh keys for an account that is to be claimed. */
export function newWalletAccount(
  of: Pick<WalletAccount, 'custodian' | 'account' | 'patient' | 'genesis'>,
): WalletAccount {
  const { custodian, account, patient, genesis } = of;
  const seeds = { signingSeed: bytesToHex(randomBytes(32)), sealingSeed: bytesToHex(randomBytes(32)) };
  return { custodian, account, patient, genesis, ...seeds, tagKey: '', token: '' };
}

/** The wallet with one account added, or put in place of the one of the same id. */
export function withAccount(wallet: Wallet, account: WalletAccount): Wallet {
  return { accounts: [...wallet.accounts.filter((one) => one.account !== account.account), account] };
}

/**
 * The owner's claimed account at a custodian, or the only one when none is named.
 * Throws Reject WALLET_ACCOUNT_UNKNOWN, WALLET_ACCOUNT_AMBIGUOUS, WALLET_ACCOUNT_UNCLAIMED.
 */
export function claimedAccount(wallet: Wallet, custodian?: string): WalletAccount {
  const found = wallet.accounts.filter((one) => custodian === undefined || one.custodian === custodian);
  const [account, ...others] = found;
  if (account === undefined) throw reject('WALLET_ACCOUNT_UNKNOWN');
  if (others.length > 0) throw reject('WALLET_ACCOUNT_AMBIGUOUS', { custodians: found.map((one) => one.custodian) });
  if (account.tagKey === '') throw reject('WALLET_ACCOUNT_UNCLAIMED');
  return account;
}

/** Signs as the account. */
export async function walletSigner({ account, signingSeed }: WalletAccount, keys: WalletKeys): Promise<Signer> {
  const seed = bytesOf(signingSeed);
  return {
    account,
    keyId: keyId('ed25519', await keys.publicKey(seed)),
    sign: (bytes) => keys.sign(seed, bytes),
  };
}

/** Bytes of a wallet's hexadecimal text; its form was checked when the wallet was opened. */
export function bytesOf(hex: string): Uint8Array {
  const bytes = hexToBytes(hex);
  if (bytes === undefined) throw new TypeError('not hexadecimal');
  return bytes;
}
