import type { Caller } from '../auth/caller.ts';
import type { FhirContext } from '../fhir/context.ts';
import type { JournalEntry } from '../vault/vault.ts';

/** What subscriptions ask of policy beyond `AccessPort`, and of audit. */
export interface SubscriptionPorts {
  /**
   * Whether an owner may still have subscriptions: the account is not frozen, the app not revoked, the grant not
   * withdrawn, staff still employed. Asked before each delivery; what it refuses once is turned off.
   */
  isStillAllowed(owner: Caller): Promise<boolean>;
  /** Whether a caller may see who asked for an account's records: the patient, and privacy officers. */
  mayFollow(caller: Caller, account: string): Promise<boolean>;
  /** Address of the AuditEvent that an interaction is rendered as, and its JSON text. */
  auditEvent(
    context: FhirContext,
    entry: Extract<JournalEntry, { kind: 'interaction' }>,
  ): Promise<{ readonly address: string; readonly text: string }>;
}
