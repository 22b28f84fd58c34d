import type { Caller } from '../auth/caller.ts';
import type { Vault, VersionRow } from '../vault/vault.ts';
import type { ParsedResource } from './patient-account.ts';

/** What a decision about versions of one account says; the access capability's server floor makes it. */
export interface AccessDecision {
  readonly decision: 'permit' | 'deny';
  readonly rules: readonly string[];
  /** Which of the given versions may be seen, in the order they were given. */
  readonly visible: readonly boolean[];
}

/**
 * The one decision point below every FHIR interaction. `read` decides at the latest committed state for versions of
 * one account; `write` for a new version. Neither journals: the FHIR server does, with what was decided, before it
 * answers. Records of no patient belong to the custodian's own account: some types of them are for everybody whom the
 * custodian let in (record-kinds.ts). An older version is decided on as its resource is labelled now, too.
 */
export interface AccessPort {
  read(
    caller: Caller,
    account: string,
    versions: readonly VersionRow[],
    /** What a token's scopes must allow: to read (a resource that was named), or to search. */
    permission: 'r' | 's',
    /** Said of versions that were just found to be the current ones: whether there are later ones is not looked up. */
    are?: 'current',
  ): Promise<AccessDecision>;
  write(caller: Caller, write: AskedWrite): AccessDecision;
}

/** A write that is to be decided on. */
export interface AskedWrite {
  /** Account that is written to; undefined while it is not known, when the answer is about the type alone; '' for nobody's yet. */
  readonly account: string | undefined;
  readonly type: string;
  readonly permission: 'c' | 'u' | 'd';
  /** What is to be written, and before that what is there; undefined for a delete, and while it is not known. */
  readonly resource?: ParsedResource;
  /** There is nothing to be looked into, and the answer must be that for what is there and may not be written. */
  readonly isAbsent?: true;
}

/** A write that a rule judges. `text` is the resource's exact text; absent for a delete. */
export interface RuledWrite {
  readonly action: 'create' | 'update' | 'delete';
  readonly id: string;
  /** The id was drawn for this write: nothing is stored under it. */
  readonly isNew?: true;
  readonly text?: string;
}

/** What writes of one type must pass beyond policy and form, where the server itself acts on the resource (Subscription). */
export interface WriteRule {
  readonly type: string;
  /**
   * Judges a write before it is committed, and may be asked again for the same one. Throws a Reject, or resolves to the
   * text to write in the place of the given one.
   */
  judge(by: { readonly vault: Vault; readonly caller: Caller }, write: RuledWrite): Promise<string | undefined>;
}

/** Opens accounts for patients that are registered by a write of a Patient resource; the membership server does it. */
export interface RegistrationPort {
  /** Account id for a new patient of the custodian, opened as `unclaimed`; resolves once it can be written under. */
  register(custodian: string): Promise<string>;
  /** The same for many at once (import). */
  registerMany(custodian: string, count: number): Promise<readonly string[]>;
}
