import type { Caller } from '../auth/caller.ts';
import type { VersionRow } from '../vault/vault.ts';

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
 * answers. Records of no patient (Organization, Practitioner, …) belong to the custodian's own account.
 */
export interface AccessPort {
  read(
    caller: Caller,
    account: string,
    versions: readonly VersionRow[],
    /** What a token's scopes must allow: to read (a resource that was named), or to search. */
    permission: 'r' | 's',
  ): Promise<AccessDecision>;
  write(caller: Caller, account: string, type: string): AccessDecision;
}

/** Opens accounts for patients that are registered by a write of a Patient resource; the membership server does it. */
export interface RegistrationPort {
  /** Account id for a new patient of the custodian, opened as `unclaimed`; resolves once it can be written under. */
  register(custodian: string): Promise<string>;
  /** The same for many at once (import). */
  registerMany(custodian: string, count: number): Promise<readonly string[]>;
}
