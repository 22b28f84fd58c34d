import type { FhirServer } from '../fhir/context.ts';
import type { Outgoing } from '../outgoing/outgoing.ts';
import type { CustodianVault } from '../vault/vault.ts';
import type { Place } from './event-log.ts';
import type { Timing } from './limits.ts';
import type { SubscriptionPorts } from './ports.ts';

/** What following one custodian's journal, and each subscription to it, stands on. */
export interface DispatcherParts {
  readonly vault: CustodianVault;
  readonly server: () => FhirServer;
  readonly ports: SubscriptionPorts;
  readonly outgoing: Outgoing;
  readonly timing?: Timing;
  readonly reportFailure: (error: unknown) => void;
  /** Told of an entry of the journal that cannot be read, once, and passed over. */
  readonly reportDamage: (place: Place) => void;
}
