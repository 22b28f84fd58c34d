import { randomBytes } from '#crypto/platform';
import type { KeyRecord } from '../../../chain/account.ts';
import type { RegistrationPort } from '../../../fhir/ports.ts';
import { submitMessage } from '../../../ledger/submit-message.ts';
import { withState } from '../../../ledger/with-state.ts';
import type { OrganisationContext } from '../../../server/organisation.ts';
import { bytesToHex } from '../../../std/bytes.ts';
import { rejecter } from '../../../std/reject.ts';
import { accountOf, sponsorOf } from '../contract/queries.ts';
import { type AccountReserve, createAccountReserve } from './account-reserve.ts';
import { CODES } from './codes.ts';

const reject = rejecter(CODES);

/** Opens patients' accounts for the FHIR server, from each organisation's reserve. */
export function createRegistration(
  organisations: readonly OrganisationContext[],
): RegistrationPort & { readonly reserves: readonly AccountReserve[] } {
  const reserves = new Map(organisations.map((one) => [one.account, createAccountReserve(one)]));
  const reserveOf = (custodian: string): AccountReserve => {
    const reserve = reserves.get(custodian);
    if (reserve === undefined) throw new Error('registration at an organisation that is not of this node');
    return reserve;
  };
  return {
    reserves: [...reserves.values()],
    registerMany: (custodian, count) => reserveOf(custodian).take(count),
    register: async (custodian) => (await reserveOf(custodian).take(1))[0] as string,
  };
}

/** Registers someone who works for the organisation; resolves to the account. `keys` let the person sign on the ledger. */
export async function registerPractitioner(
  organisation: OrganisationContext,
  { roleCodes, keys = [] }: { roleCodes: readonly string[]; keys?: readonly KeyRecord[] },
): Promise<string> {
  const account = bytesToHex(randomBytes(16));
  const message = { type: 'practitioner.register', account, roleCodes, ...(keys.length === 0 ? {} : { keys }) };
  const { outcome } = await submitMessage(organisation.ledger, organisation.clock(), message, organisation.signer);
  if (outcome.code !== 'OK') throw reject('REGISTRATION_UNAVAILABLE', { code: outcome.code });
  return account;
}

/** Whether the ledger knows an account as a practitioner for whom the organisation answers, closed ones too. */
export function isOwnPractitioner({ ledger, account: custodian }: OrganisationContext, account: string): boolean {
  return withState(
    ledger,
    (state) => accountOf(state, account)?.kind === 'practitioner' && sponsorOf(state, account) === custodian,
  );
}

/**
 * Closes the account of someone who no longer works for the organisation; one that is closed already is no error.
 * Throws Reject DISMISSAL_REFUSED {code}, and what the ledger refuses early.
 */
export async function dismissPractitioner(organisation: OrganisationContext, account: string): Promise<void> {
  const message = { type: 'practitioner.deactivate', account };
  const { outcome } = await submitMessage(organisation.ledger, organisation.clock(), message, organisation.signer);
  if (outcome.code !== 'OK' && outcome.code !== 'ACCOUNT_STATUS') {
    throw reject('DISMISSAL_REFUSED', { code: outcome.code });
  }
}
