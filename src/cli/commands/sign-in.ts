import { rejecter } from '../../std/reject.ts';
import { nodeKeys } from '../../wallet/node/node-keys.ts';
import { signSignIn } from '../../wallet/sign-in.ts';
import { claimedAccount } from '../../wallet/wallet.ts';
import { CODES } from '../codes.ts';
import type { Command } from '../command.ts';
import { openWallet } from '../open-wallet.ts';
import { neededOption, textOption, urlOption } from '../option-values.ts';

const reject = rejecter(CODES);

/** `aceso sign-in`: a patient signs in at a node with the wallet. It reaches no node: the person carries the text. */
export const signInCommand: Command = {
  name: 'sign-in',
  usage: `TEXT --at URL --wallet FILE [--custodian ACCOUNT]

  TEXT                 what the page shows under "Sign in with a patient's wallet"
  --at URL             address of that page, as you know it: nothing is signed for another
  --wallet FILE        wallet that holds the account
                       (passphrase from ACESO_WALLET_PASSPHRASE, or asked)
  --custodian ACCOUNT  which organisation's account, where the wallet holds several

Sign only what a page shows that you opened yourself: whoever sends you such a text wants to sign in as you.`,
  summary: 'Sign in to an app as a patient, with the wallet',
  options: { at: { type: 'string' }, wallet: { type: 'string' }, custodian: { type: 'string' } },
  maxArguments: 1,
  async run(context, values, [text]) {
    if (text === undefined) throw reject('ARGUMENTS_WRONG', { problem: 'the text of the page is missing' });
    const { origin } = new URL(urlOption(neededOption(values, 'at'), 'at'));
    const { wallet } = await openWallet(context, neededOption(values, 'wallet'));
    const account = claimedAccount(wallet, textOption(values, 'custodian'));
    const signed = await signSignIn({ keys: nodeKeys, nowMs: context.clock(), origin }, account, text);
    context.note(`signed for ${origin}; paste this line into the page:`);
    context.print(signed);
  },
};
