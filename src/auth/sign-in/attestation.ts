import type { KeyRecord } from '../../chain/account.ts';

/** What the ledger says of somebody for whom a custodian answers. */
export type Attested =
  | { readonly kind: 'practitioner' /** `system|code`. */; readonly roles: readonly string[] }
  | { readonly kind: 'patient' /** Those that sign for the account now. */; readonly keys: readonly KeyRecord[] };

/** What signing in asks of the ledger; the membership capability fills it. */
export interface AttestationPort {
  /**
   * At the latest committed block; undefined unless the account is active and the custodian answers for it: not for one
   * that is unclaimed, frozen or closed.
   */
  attested(custodian: string, account: string): Attested | undefined;
}
