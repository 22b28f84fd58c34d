import type { Authenticate } from '../../../server/authenticate.ts';
import type { JournalLook } from '../../../server/journal-look.ts';
import type { OrganisationContext } from '../../../server/organisation.ts';
import type { OpenedEntry } from '../../../vault/vault.ts';
import type { IsPrivacyOfficer } from './audit-view.ts';
import type { ConsentOf } from './event-names.ts';

/** What the audit is wired with: other capabilities' floors fill it. */
export interface AuditDependencies {
  readonly organisations: readonly OrganisationContext[];
  readonly authenticate: Authenticate;
  readonly isPrivacyOfficer: IsPrivacyOfficer;
  /** `Consent/id/_history/n` that a policy was granted by; undefined where it is not kept here. */
  readonly consentOf: ConsentOf;
  readonly look: JournalLook;
  /** Bytes of the receipt of a journal entry. Throws what issuing one does. */
  readonly receiptOf: (organisation: OrganisationContext, entry: OpenedEntry) => Promise<Uint8Array>;
  /** Address of the node, without a slash at its end. */
  readonly baseUrl: string;
  readonly clock: () => number;
}
