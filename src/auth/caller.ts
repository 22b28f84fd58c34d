import type { AccessGrant } from './scopes.ts';

/** Who stands behind a request, as authentication found out. Ids are pseudonymous accounts of the ledger. */
export interface Caller {
  /** Member account of the organisation whose vault the request is for. */
  readonly custodian: string;
  /** Account of the person or device; a practitioner's, a patient's, or the organisation's own for its systems. */
  readonly account: string;
  readonly kind: 'practitioner' | 'patient' | 'system';
  /** Organisation the caller acts for; the custodian itself for its own staff. */
  readonly organisation: string;
  /** Role codes `system|code`, e.g. HL7 v3 RoleCode or SNOMED CT, attested by the organisation. */
  readonly roles: readonly string[];
  /** HL7 v3 ActReason code the caller declared for this request; TREAT by default for clinicians, PATRQT for patients. */
  readonly purpose: string;
  /** OAuth client that the token was issued to; undefined for tokens that the organisation itself issued. */
  readonly client?: string;
  /** Name of a person's token that the organisation itself issued, by which it is found out later whether it still holds. */
  readonly token?: string;
  /** What the token is limited to; undefined where nothing but the decision limits it. */
  readonly grant?: AccessGrant;
}

/** Somebody, or a system, of the custodian's own: no patient, and of no other organisation. */
export function isStaff({ kind, organisation, custodian }: Caller): boolean {
  return kind !== 'patient' && organisation === custodian;
}

/** The custodian's own administration. No app's token is that, whoever it acts for. */
export function isAdministrator(caller: Caller): boolean {
  return caller.kind === 'system' && caller.grant === undefined && isStaff(caller);
}
