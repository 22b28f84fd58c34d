import type { Caller } from '../../../auth/caller.ts';
import { type Permission, scopeAllows } from '../../../auth/scopes.ts';
import { withState } from '../../../ledger/with-state.ts';
import { OVERSIGHT } from '../../../server/journal-look.ts';
import type { OrganisationContext } from '../../../server/organisation.ts';
import { DELEGATE_ACCESS, OWN_ACCESS } from '../../consent/contract/decide.ts';
import { delegationOf } from '../../consent/contract/state.ts';

/** Whether the custodian attests the caller as its privacy officer; its own administration is one too. */
export type IsPrivacyOfficer = (caller: Caller) => boolean;

/** What a caller sees of the journal, and by which rule. */
export type AuditView =
  | { readonly of: 'all'; readonly rule: string }
  | { readonly of: 'account'; readonly account: string; readonly rule: string }
  | { readonly of: 'nothing' };

const NOTHING: AuditView = { of: 'nothing' };

/**
 * What the caller sees of the audit, of one account if one is named: the privacy officer everything, a patient what is
 * about herself, a delegate with power of access what is about the patient. An app's token needs a scope on AuditEvent,
 * and one for the patient in context shows no more than that patient's.
 */
export function auditView(
  organisation: OrganisationContext,
  caller: Caller,
  isPrivacyOfficer: IsPrivacyOfficer,
  permission: Permission,
  account: string | undefined,
): AuditView {
  const reach = reachOf(caller, permission);
  if (reach === undefined) return NOTHING;
  const only = reach === 'all' ? undefined : reach.account;
  if (account !== undefined && only !== undefined && account !== only) return NOTHING;
  const asked = account ?? only;
  if (isPrivacyOfficer(caller)) {
    return asked === undefined ? { of: 'all', rule: OVERSIGHT } : { of: 'account', account: asked, rule: OVERSIGHT };
  }
  const own = asked ?? (caller.kind === 'patient' ? caller.account : undefined);
  if (own === undefined) return NOTHING;
  if (caller.kind === 'patient' && caller.account === own) return { of: 'account', account: own, rule: OWN_ACCESS };
  return isDelegate(organisation, own, caller) ? { of: 'account', account: own, rule: DELEGATE_ACCESS } : NOTHING;
}

/** What scopes let be seen of AuditEvent: all that the caller may, one account's, or nothing. */
function reachOf({ grant }: Caller, permission: Permission): 'all' | { readonly account: string } | undefined {
  if (grant === undefined) return 'all';
  // A restricted scope would take a search of its own for each event; none is registered for this type.
  const scopes = grant.scopes.filter(
    (scope) => scope.restriction === undefined && scopeAllows(scope, permission, 'AuditEvent'),
  );
  if (scopes.some(({ context }) => context !== 'patient')) return 'all';
  return scopes.length > 0 && grant.patient !== undefined ? { account: grant.patient.account } : undefined;
}

function isDelegate({ ledger, clock }: OrganisationContext, account: string, caller: Caller): boolean {
  const atMs = Math.max(clock(), ledger.head().timeMs);
  return withState(ledger, (state) => delegationOf(state, account, caller.account, 'access', atMs) !== undefined);
}
