import { answerToText, parseStatement, type SignInStatement, signInBytes } from '../chain/sign-in-statement.ts';
import { bytesToBase64url } from '../std/bytes.ts';
import { rejecter } from '../std/reject.ts';
import { CODES } from './codes.ts';
import { type WalletAccount, walletSigner } from './wallet.ts';
import type { WalletKeys } from './wallet-keys.ts';

const reject = rejecter(CODES);

/**
 * Signs in at the node of `origin` with an account: resolves to the line to give back to its page. `text` is the
 * statement that the page shows. The origin is what the person says it is, and never only what the statement says: a
 * false page would show a statement of the true one. Throws Reject SIGN_IN_STATEMENT_WRONG, SIGN_IN_ELSEWHERE,
 * SIGN_IN_STATEMENT_EXPIRED.
 */
export async function signSignIn(
  { keys, nowMs, origin }: { keys: WalletKeys; nowMs: number; origin: string },
  account: WalletAccount,
  text: string,
): Promise<string> {
  const statement = requireStatement(text.trim(), account, origin);
  if (statement.expiresAtMs <= nowMs) throw reject('SIGN_IN_STATEMENT_EXPIRED');
  const signer = await walletSigner(account, keys);
  const signature = await signer.sign(signInBytes(statement, account.custodian, account.account));
  return answerToText({
    ...{ custodian: account.custodian, account: account.account, key: signer.keyId },
    challenge: statement.challenge,
    signature: bytesToBase64url(signature),
  });
}

function requireStatement(text: string, { genesis }: WalletAccount, origin: string): SignInStatement {
  const statement = parseStatement(text);
  if (statement === undefined || statement.chain !== genesis) throw reject('SIGN_IN_STATEMENT_WRONG');
  if (statement.origin !== origin) throw reject('SIGN_IN_ELSEWHERE', { origin: statement.origin });
  return statement;
}
