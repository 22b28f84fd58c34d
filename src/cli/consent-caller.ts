import { rejecter } from '../std/reject.ts';
import { claimedAccount, type WalletAccount } from '../wallet/wallet.ts';
import type { Client } from './client.ts';
import { CODES } from './codes.ts';
import type { CliContext, OptionValues } from './command.ts';
import { openWallet } from './open-wallet.ts';
import { textOption } from './option-values.ts';
import { type NodeHandle, withNode } from './use-node.ts';

const reject = rejecter(CODES);

/** Options of the consent commands that say whose consents are meant and who decides. */
export const CALLER_OPTIONS = {
  wallet: { type: 'string' },
  custodian: { type: 'string' },
  patient: { type: 'string' },
} as const;

export const CALLER_USAGE = `
  --wallet FILE        the patient's wallet (passphrase from ACESO_WALLET_PASSPHRASE, or asked)
  --custodian MEMBER   which of the wallet's organisations, when it holds several
  --patient ID         instead of a wallet: staff, for a patient whose account is not claimed`;

/** Who decides: a patient by wallet, or staff for an unclaimed account. */
export interface ConsentCaller {
  readonly client: Client;
  readonly patient: string;
  /** Absent for staff. */
  readonly account?: WalletAccount;
  readonly organisations: readonly ListedOrganisation[];
}

export interface ListedOrganisation {
  readonly slug: string;
  readonly name: string;
  readonly account: string;
}

/** Does something as the patient of the wallet, or as staff. */
export async function asConsentCaller(
  context: CliContext,
  values: OptionValues,
  use: (caller: ConsentCaller) => Promise<void>,
): Promise<void> {
  const [file, patient] = [textOption(values, 'wallet'), textOption(values, 'patient')];
  if ((file === undefined) === (patient === undefined)) {
    throw reject('ARGUMENTS_WRONG', { problem: 'give either --wallet or --patient' });
  }
  const opened = file === undefined ? undefined : await openWallet(context, file);
  await withNode(context, values, async (node) => {
    const organisations = await organisationsOf(node);
    if (opened === undefined) return use({ client: node.client, patient: patient as string, organisations });
    const custodian = textOption(values, 'custodian');
    const named = custodian === undefined ? undefined : memberAccount(organisations, custodian);
    const account = claimedAccount(opened.wallet, named);
    return use({ client: node.client.as(account.token), patient: account.patient, account, organisations });
  });
}

async function organisationsOf({ client }: NodeHandle): Promise<readonly ListedOrganisation[]> {
  const { organisations = [] } = (await client.get('/')) as { organisations?: readonly ListedOrganisation[] };
  return organisations;
}

/** Member account of what a command line names: an account, or the short name of an organisation of the node. */
export function memberAccount(organisations: readonly ListedOrganisation[], named: string): string {
  const found = organisations.find(({ slug }) => slug === named)?.account ?? named;
  if (!/^[0-9a-f]{32}$/.test(found))
    throw reject('ORGANISATION_NAME_UNKNOWN', { known: organisations.map(({ slug }) => slug) });
  return found;
}
