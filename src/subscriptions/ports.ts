import type { Caller } from '../auth/caller.ts';
import type { FhirContext } from '../fhir/context.ts';
import type { JournalEntry } from '../vault/vault.ts';

/** What subscriptions ask of policy beyond `AccessPort`, and of audit. */
export interface SubscriptionPorts {
  /**
   * Whether an owner may still have subscriptions: the account is not frozen, the app not revoked, the grant not
   * withdrawn, staff still employed. Asked at each event and before each delivery; what it refuses once is turned off.
   */
  isStillAllowed(owner: Caller): Promise<boolean>;
  /** Roles that an owner has now, whatever they were when asking; those of then where it is not given. */
  rolesNow?(owner: Caller): Promise<readonly string[]>;
  /** Whether a caller may see who asked for an account's records: the patient, and privacy officers. */
  mayFollow(caller: Caller, account: string): Promise<boolean>;
  /** Address of the AuditEvent that an interaction is rendered as, and its JSON text. */
  auditEvent(
    context: FhirContext,
    entry: Extract<JournalEntry, { kind: 'interaction' }>,
  ): Promise<{ readonly address: string; readonly text: string }>;
}
