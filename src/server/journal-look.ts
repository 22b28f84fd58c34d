import type { Caller } from '../auth/caller.ts';
import type { Asked } from '../chain/journal-leaf.ts';
import type { OrganisationContext } from './organisation.ts';

/** Rule by which privacy officers and the custodian's administration look. */
export const OVERSIGHT = 'default:privacy-oversight';

/** A look at the audit: at what the journal holds about an account. */
export interface AuditLook {
  /** Whose audit it is; the custodian's own account where it is everybody's. */
  readonly account: string;
  /** By which rule it was shown; undefined for a refusal. */
  readonly rule?: string;
  readonly asked: Omit<Asked, 'client'>;
  /** All that was asked for, with values: tells one look from another, and is not journalled. */
  readonly question?: string;
}

/**
 * Journals that somebody looked at the audit, before it is shown; the audit capability's server floor fills it. The same
 * question of the same app within a minute is one look.
 */
export type JournalLook = (organisation: OrganisationContext, caller: Caller, look: AuditLook) => Promise<void>;
