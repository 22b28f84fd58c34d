import { isReject, rejecter } from '../std/reject.ts';
import { EMPTY_WALLET, type Wallet } from '../wallet/wallet.ts';
import { readWalletFile, writeWalletFile } from '../wallet/wallet-file.ts';
import { CODES } from './codes.ts';
import type { CliContext } from './command.ts';
import { pathOf } from './files.ts';

const reject = rejecter(CODES);

/** Variable that scripts put a wallet's passphrase into. */
const PASSPHRASE = 'ACESO_WALLET_PASSPHRASE';

export interface OpenWallet {
  readonly wallet: Wallet;
  /** Puts the wallet's new content in place of the old, under the same passphrase. */
  save(wallet: Wallet): Promise<void>;
}

/** Opens the wallet file named on the command line; with `create` one that is not there begins empty. */
export async function openWallet(context: CliContext, file: string, create = false): Promise<OpenWallet> {
  const path = pathOf(context, file);
  const given = context.env[PASSPHRASE];
  const passphrase = given ?? (await context.askSecret('Passphrase of the wallet: '));
  if (passphrase === undefined || passphrase === '') throw reject('PASSPHRASE_MISSING');
  const wallet = await readWalletFile(path, passphrase).catch(async (error: unknown) => {
    if (!create || !isReject(error) || error.code !== 'WALLET_UNKNOWN') throw error;
    // A slip of the finger would lock the new wallet for good.
    const again = given ?? (await context.askSecret('The same again, for the new wallet: '));
    if (again !== passphrase) throw reject('PASSPHRASE_MISSING');
    return EMPTY_WALLET;
  });
  return { wallet, save: (next) => writeWalletFile(path, next, passphrase) };
}
