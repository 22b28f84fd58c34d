/** Somebody whom an organisation attests: what a token of theirs may say. */
export interface Person {
  /** Member account of the organisation that attests. */
  readonly custodian: string;
  readonly account: string;
  readonly kind: 'practitioner' | 'patient';
  /** Whom they act for: the custodian for its staff; a patient acts for nobody but themself, so their own account. */
  readonly organisation: string;
  /** `system|code`, as the ledger attests them now. */
  readonly roles: readonly string[];
  /** Purposes of use they may declare; the first is taken when a request declares none. */
  readonly purposes: readonly string[];
  /** Said of them in lists: never a patient's name. */
  readonly label: string;
}
