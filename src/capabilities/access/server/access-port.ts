import { type Caller, isStaff } from '../../../auth/caller.ts';
import type { AccessDecision, AccessPort } from '../../../fhir/ports.ts';
import { type OrganisationContext, organisationOf } from '../../../server/organisation.ts';
import type { VersionRow } from '../../../vault/vault.ts';
import { type Decision, type DecisionRequest, decide, type Relation } from '../../consent/contract/decide.ts';
import type { Policy } from '../../consent/contract/policy.ts';
import { BREAK_GLASS } from '../../consent/contract/purposes.ts';
import { claimedUntilMs } from './break-glass.ts';
import type { AccountPolicy, PolicyCache } from './policy-cache.ts';
import { versionFacts } from './version-facts.ts';

/** Rules that are the custodian's own, of records that belong to no patient and of what nobody may do. */
const OWN_RECORDS = 'default:own-records';
const NOT_STAFF = 'default:not-staff';
const NOT_BROKEN = 'default:glass-not-broken';

const NEVER_MS = 0;

/** Policies that the custodian obeys a revocation of before the ledger has it (DESIGN §4, Break-glass). */
export type LocalRevocations = (custodian: string, account: string) => Promise<ReadonlySet<string>>;

/** The one decision point below every FHIR interaction; `decide` of the consent contract with what the custodian knows. */
export function createAccessPort(options: {
  organisations: readonly OrganisationContext[];
  policies: PolicyCache;
  revokedLocally: LocalRevocations;
  clock: () => number;
}): AccessPort {
  const { organisations, policies, revokedLocally, clock } = options;
  return {
    async read(caller, account, versions) {
      if (account === caller.custodian) return ownRecords(versions);
      const { vault } = organisationOf(organisations, caller.custodian);
      const claimedMs =
        caller.purpose === BREAK_GLASS ? await claimedUntilMs({ vault }, account, caller.account) : NEVER_MS;
      // Before the policies: a revocation is forgotten here only once they have it, so one of the two always does.
      const revoked = await revokedLocally(caller.custodian, account);
      const policy = await policies.of(vault, account);
      // Block time may lag and this clock may lag: the later one, so that nothing lives longer than it should.
      const atMs = Math.max(policies.timeMs(), clock());
      if (!mayUseBreakGlass(caller, policy, atMs, claimedMs)) return denyAll([NOT_BROKEN], versions);
      const held = revoked.size === 0 ? policy.policies : policy.policies.map((one) => withRevocation(one, revoked));
      return toAccessDecision(decide(held, requestOf(caller, account, policy, atMs, versions)));
    },
    // Staff write charts; what patients have to say comes in by routes of its own, such as that of Consents.
    write(caller) {
      const mayWrite = isStaff(caller) && caller.purpose !== BREAK_GLASS;
      return { decision: mayWrite ? 'permit' : 'deny', rules: [mayWrite ? OWN_RECORDS : NOT_STAFF], visible: [] };
    },
  };
}

/** Organizations, practitioners, locations: no patient's, for everybody whom the custodian let in. */
function ownRecords(versions: readonly VersionRow[]): AccessDecision {
  return { decision: 'permit', rules: [OWN_RECORDS], visible: versions.map(() => true) };
}

function denyAll(rules: readonly string[], versions: readonly VersionRow[]): AccessDecision {
  return { decision: 'deny', rules, visible: versions.map(() => false) };
}

/** BTG is no purpose that one just declares: it takes an act, of this practitioner for this patient, within its time. */
function mayUseBreakGlass(
  { purpose, account }: Caller,
  policy: AccountPolicy,
  atMs: number,
  claimedMs: number,
): boolean {
  return purpose !== BREAK_GLASS || atMs <= (policy.brokenUntilMs.get(account) ?? 0) || atMs <= claimedMs;
}

function withRevocation(policy: Policy, revoked: ReadonlySet<string>): Policy {
  return revoked.has(policy.id) ? { ...policy, status: 'revoked' } : policy;
}

function requestOf(
  caller: Caller,
  account: string,
  policy: AccountPolicy,
  atMs: number,
  versions: readonly VersionRow[],
): DecisionRequest {
  const { tagger } = policy;
  const actors = [caller.account, ...caller.roles];
  return {
    atMs,
    purpose: caller.purpose,
    purposeTags: [],
    organisation: caller.organisation,
    actorTags: actors.map((actor) => tagger.tag('actor', actor)),
    relation: relationOf(caller, account, policy, atMs),
    versions: versions.map((row) => versionFacts(row, tagger)),
  };
}

function relationOf({ account: asker, kind }: Caller, account: string, policy: AccountPolicy, atMs: number): Relation {
  if (kind === 'patient' && asker === account) return 'self';
  return policy.isDelegate(asker, atMs) ? 'delegate' : 'other';
}

function toAccessDecision({ decision, rules, versions }: Decision): AccessDecision {
  return { decision, rules, visible: versions.map((one) => one.decision === 'permit') };
}
