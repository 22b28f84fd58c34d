import { type Caller, isStaff } from '../../../auth/caller.ts';
import type { AccessGrant, Permission } from '../../../auth/scopes.ts';
import type { ParsedResource } from '../../../fhir/patient-account.ts';
import type { AccessDecision, AccessPort, AskedWrite } from '../../../fhir/ports.ts';
import { isShared } from '../../../fhir/record-kinds.ts';
import { type OrganisationContext, organisationOf } from '../../../server/organisation.ts';
import { utf8ToText } from '../../../std/bytes.ts';
import type { VersionRow } from '../../../vault/vault.ts';
import { type DecisionRequest, decide, type Relation } from '../../consent/contract/decide.ts';
import type { Policy } from '../../consent/contract/policy.ts';
import { BREAK_GLASS } from '../../consent/contract/purposes.ts';
import { claimedUntilMs } from './break-glass.ts';
import { asLabelledNow, type Relabelled, toAccessDecision } from './later-labels.ts';
import type { AccountPolicy, PolicyCache } from './policy-cache.ts';
import { meetsAny, OUT_OF_SCOPE, type RestrictionPort, reaches, reachingScopes } from './scope-limit.ts';
import { versionFacts } from './version-facts.ts';

/** Rules that are the custodian's own, of records that belong to no patient and of what nobody may do. */
const OWN_RECORDS = 'default:own-records';
const STAFF_ONLY = 'default:staff-only';
const NOT_STAFF = 'default:not-staff';
const NOT_BROKEN = 'default:glass-not-broken';
const OWN_SUBSCRIPTION = 'default:own-subscription';

const NEVER_MS = 0;

/** Policies that the custodian obeys a revocation of before the ledger has it (DESIGN §4, Break-glass). */
export type LocalRevocations = (custodian: string, account: string) => Promise<ReadonlySet<string>>;

/** The one decision point below every FHIR interaction; `decide` of the consent contract with what the custodian knows. */
export function createAccessPort(options: {
  organisations: readonly OrganisationContext[];
  policies: PolicyCache;
  revokedLocally: LocalRevocations;
  clock: () => number;
  restriction: RestrictionPort;
}): AccessPort {
  const { organisations, policies, revokedLocally, clock, restriction } = options;
  return {
    async read(caller, account, versions, permission, are) {
      if (caller.grant === undefined) return decideOn(caller, account, versions, are);
      const reached = await withinScope(caller, caller.grant, account, versions, permission);
      const decided = await decideOn(
        caller,
        account,
        versions.filter((_, at) => reached[at] === true),
        are,
      );
      return withUnreached(decided, reached);
    },
    // Staff write charts; what patients have to say comes in by routes of its own, such as that of Consents. But whom they
    // have told of their own record is theirs to say: a Subscription, under their own account.
    write(caller, write) {
      const isOutOfScope = caller.grant !== undefined && !mayWriteByScope(caller, caller.grant, write);
      if (isOutOfScope) return { decision: 'deny', rules: [OUT_OF_SCOPE], visible: [] };
      if (isOwnSubscription(caller, write)) return { decision: 'permit', rules: [OWN_SUBSCRIPTION], visible: [] };
      const mayWrite = isStaff(caller) && caller.purpose !== BREAK_GLASS;
      return { decision: mayWrite ? 'permit' : 'deny', rules: [mayWrite ? OWN_RECORDS : NOT_STAFF], visible: [] };
    },
  };

  async function decideOn(
    caller: Caller,
    account: string,
    versions: readonly VersionRow[],
    are: 'current' | undefined,
  ): Promise<AccessDecision> {
    if (versions.length === 0) return denyAll([], versions);
    if (account === caller.custodian) return ownRecords(caller, versions);
    const { vault } = organisationOf(organisations, caller.custodian);
    const relabelled: readonly Relabelled[] =
      are === 'current' ? versions.map(() => undefined) : await asLabelledNow(vault, versions);
    const asked = [...versions, ...relabelled.filter((row) => row !== undefined)];
    const claimedMs =
      caller.purpose === BREAK_GLASS ? await claimedUntilMs({ vault }, account, caller.account) : NEVER_MS;
    // Before the policies: a revocation is forgotten here only once they have it, so one of the two always does.
    const revoked = await revokedLocally(caller.custodian, account);
    const policy = await policies.of(vault, account);
    // Block time may lag and this clock may lag: the later one, so that nothing lives longer than it should.
    const atMs = Math.max(policies.timeMs(), clock());
    if (!mayUseBreakGlass(caller, policy, atMs, claimedMs)) return denyAll([NOT_BROKEN], versions);
    const held = revoked.size === 0 ? policy.policies : policy.policies.map((one) => withRevocation(one, revoked));
    return toAccessDecision(decide(held, requestOf(caller, account, policy, atMs, asked)), relabelled);
  }

  /** Which versions the scopes of an app reach. */
  async function withinScope(
    caller: Caller,
    grant: AccessGrant,
    account: string,
    versions: readonly VersionRow[],
    permission: Permission,
  ): Promise<readonly boolean[]> {
    const { custodian } = caller;
    const { vault } = organisationOf(organisations, custodian);
    return Promise.all(
      versions.map((row) => {
        const isOwn = account === custodian && isShared(row.type);
        const asked = { permission, type: row.type, account, isOwn };
        return reaches(reachingScopes(grant, asked), restriction, row.type, row.timeMs, async () =>
          row.deleted ? undefined : (JSON.parse(utf8ToText(await vault.open(row))) as ParsedResource),
        );
      }),
    );
  }

  function mayWriteByScope({ custodian }: Caller, grant: AccessGrant, write: AskedWrite): boolean {
    const { account, type, permission, resource, isAbsent } = write;
    const isOwn = account === custodian && isShared(type);
    const scopes = reachingScopes(grant, { permission, type, account, isOwn });
    if (isAbsent) return scopes.some(({ restriction: search }) => search === undefined);
    if (resource === undefined) return scopes.length > 0;
    return meetsAny(scopes, restriction, type, clock(), resource);
  }
}

/** Of a patient's own; also while the account is not known, and only the type is asked about. */
function isOwnSubscription({ kind, account: asker, purpose }: Caller, { type, account = asker }: AskedWrite): boolean {
  return kind === 'patient' && type === 'Subscription' && account === asker && purpose !== BREAK_GLASS;
}

/** Puts what the scopes do not reach back in its place, as not to be seen. */
function withUnreached({ decision, rules, visible }: AccessDecision, reached: readonly boolean[]): AccessDecision {
  if (!reached.includes(false)) return { decision, rules, visible };
  let at = 0;
  const all = reached.map((isReached) => isReached && visible[at++] === true);
  return { decision, rules: [...rules, OUT_OF_SCOPE], visible: all };
}

/**
 * Organizations, practitioners, locations, definitions: no patient's, for everybody whom the custodian let in. All else that
 * is under the custodian's account, for its own staff: it may tell of patients and name none, and what earlier releases
 * kept here of patients stays here, since its leaves commit to the account.
 */
function ownRecords(caller: Caller, versions: readonly VersionRow[]): AccessDecision {
  const isOwnStaff = isStaff(caller);
  const visible = versions.map(({ type }) => isOwnStaff || isShared(type));
  if (!visible.includes(true)) return { decision: 'deny', rules: [STAFF_ONLY], visible };
  return { decision: 'permit', rules: visible.includes(false) ? [OWN_RECORDS, STAFF_ONLY] : [OWN_RECORDS], visible };
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
