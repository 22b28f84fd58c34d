import type { Json } from '../../../std/canonical-json.ts';
import {
  type Asker,
  isWithinPeriod,
  matchesAsker,
  matchesScope,
  matchesVersion,
  type ScopeFacts,
  type VersionFacts,
} from './match.ts';
import { type Policy, type Provision, policyFault, type Sense } from './policy.ts';
import { BREAK_GLASS, isPurpose, purposeIsNamed } from './purposes.ts';

/** `self`: the account's own key. `delegate`: one who holds a delegation with the power of access. */
export type Relation = 'self' | 'delegate' | 'other';

/** What is asked: for versions at hand (the custodian), or for a scope before anybody has looked (validators). */
export type DecisionRequest = Asker & { readonly relation: Relation } & (
    | { readonly versions: readonly VersionFacts[]; readonly scope?: never }
    | { readonly scope: ScopeFacts; readonly versions?: never }
  );

/**
 * What a decision brings with it. `evaluate-versions`: the custodian decides again, version by version.
 * `withhold`: some versions are denied. `break-glass`: statement, notice to the patient and review are due.
 */
export type Obligation = 'evaluate-versions' | 'withhold' | 'break-glass';

export type VersionDecision = {
  readonly decision: Sense;
  /** `<policy id>#0` for a root, `#1` … for its exceptions, `#<CODE>` for a policy that cannot be read; `default:<name>`. */
  readonly rules: readonly string[];
};

export type Decision = VersionDecision & {
  readonly obligations: readonly Obligation[];
  /** One for each version asked for, in that order; empty for a scope. */
  readonly versions: readonly VersionDecision[];
};

/** Rules that are not a policy's. Those of the jurisdiction are policies with ids of the same form. */
export const OWN_ACCESS = 'default:own-access';
export const DELEGATE_ACCESS = 'default:delegate';
export const NO_PERMIT = 'default:no-permit';
export const PURPOSE_UNKNOWN = 'default:purpose-unknown';
export const NOTHING_ASKED = 'default:nothing-asked';

interface Candidate {
  readonly rule: string;
  readonly provision: Provision;
}

/** What of one policy fits purpose, actor and period: left to compare is the data. */
interface Applicable {
  readonly sense: Sense;
  readonly root: Candidate | undefined;
  readonly exceptions: readonly Candidate[];
}

/**
 * Decides a request under the policies of one account, defaults of the jurisdiction among them. Pure; the same for
 * validators and custodians.
 *
 * Within a policy a matching exception beats the root; across policies deny beats permit; the newest supersedes
 * within one grantor and scope; what is unknown, expired, malformed or contradictory never permits. Versions are
 * decided one by one, and a request is permitted when one of them is, the others withheld.
 */
export function decide(policies: readonly Policy[], request: DecisionRequest): Decision {
  if (!isPurpose(request.purpose)) return denied(PURPOSE_UNKNOWN, request.versions?.length ?? 0);
  const { broken, applicable } = sift(policies, request);
  const isPatient = request.relation !== 'other' && purposeIsNamed(['PATRQT'], request.purpose);
  const decideOne = (matches: (provision: Provision, sense: Sense) => boolean): VersionDecision => {
    if (isPatient && request.relation === 'self') return { decision: 'permit', rules: [OWN_ACCESS] };
    const senses = { permit: isPatient ? [DELEGATE_ACCESS] : [], deny: [...broken] };
    for (const policy of applicable) addEffect(policy, matches, senses);
    if (senses.deny.length > 0) return { decision: 'deny', rules: senses.deny };
    if (senses.permit.length > 0) return { decision: 'permit', rules: senses.permit };
    return { decision: 'deny', rules: [NO_PERMIT] };
  };
  if (request.scope !== undefined) {
    const { scope } = request;
    const one = decideOne((provision, sense) => matchesScope(provision, sense, scope));
    return { ...one, obligations: obligationsOf(one.decision, request.purpose, 'evaluate-versions'), versions: [] };
  }
  const versions = request.versions.map((version) =>
    decideOne((provision, sense) => matchesVersion(provision, sense, version)),
  );
  return whole(versions, request.purpose);
}

/** Leaves out what is superseded, revoked or expired, and tells apart what cannot be read: that denies everything. */
function sift(
  policies: readonly Policy[],
  asker: Asker,
): { broken: readonly string[]; applicable: readonly Applicable[] } {
  const broken: string[] = [];
  const newest = new Map<string, Policy[]>();
  // Slots stand in the order in which they first came, so that the rules of one decision read the same everywhere.
  const slots: string[] = [];
  for (const policy of policies) {
    if (policyFault(policy) !== undefined) {
      broken.push(`${nameOf(policy)}#MALFORMED`);
      continue;
    }
    const slot = `${policy.grantor}/${policy.scope}`;
    const best = newest.get(slot);
    if (best === undefined) slots.push(slot);
    const sequence = best?.[0]?.sequence ?? -1;
    if (policy.sequence > sequence) newest.set(slot, [policy]);
    else if (policy.sequence === sequence) best?.push(policy);
  }
  const applicable: Applicable[] = [];
  for (const slot of slots) {
    const [policy, ...rivals] = newest.get(slot) ?? [];
    if (policy === undefined) continue;
    // Two newest: nobody can tell which of them holds.
    if (rivals.length > 0) broken.push(...[policy, ...rivals].map(({ id }) => `${id}#CONTRADICTORY`));
    else if (policy.status === 'active' && isWithinPeriod(policy.root, asker.atMs))
      applicable.push(applicableOf(policy, asker));
  }
  // Break-glass passes any deny that does not name it, and these name nothing.
  return { broken: asker.purpose === BREAK_GLASS ? [] : broken, applicable };
}

function applicableOf(policy: Policy, asker: Asker): Applicable {
  const isDefault = policy.id.startsWith('default:');
  const rule = (index: number) =>
    isDefault && index === 0 ? policy.id : `${policy.id}#${policy.inexpressible ?? index}`;
  const opposite = oppositeOf(policy.sense);
  return {
    sense: policy.sense,
    root: matchesAsker(policy.root, policy.sense, asker) ? { rule: rule(0), provision: policy.root } : undefined,
    exceptions: policy.exceptions
      .map((provision, i) => ({ rule: rule(i + 1), provision }))
      .filter(({ provision }) => matchesAsker(provision, opposite, asker)),
  };
}

function addEffect(
  policy: Applicable,
  matches: (provision: Provision, sense: Sense) => boolean,
  senses: Readonly<Record<Sense, string[]>>,
): void {
  const opposite = oppositeOf(policy.sense);
  const beating = policy.exceptions.filter(({ provision }) => matches(provision, opposite));
  if (beating.length > 0) senses[opposite].push(...beating.map(({ rule }) => rule));
  else if (policy.root !== undefined && matches(policy.root.provision, policy.sense))
    senses[policy.sense].push(policy.root.rule);
}

/** The decision on a list: permit when one version is, with the rules of all that are. */
function whole(versions: readonly VersionDecision[], purpose: string): Decision {
  if (versions.length === 0) return denied(NOTHING_ASKED, 0);
  const decision = versions.some((version) => version.decision === 'permit') ? 'permit' : 'deny';
  const deciding = versions.filter((version) => version.decision === decision);
  const rules: string[] = [];
  for (const rule of deciding.flatMap((version) => version.rules)) if (!rules.includes(rule)) rules.push(rule);
  const isWhole = deciding.length === versions.length;
  return {
    decision,
    rules,
    obligations: obligationsOf(decision, purpose, isWhole ? undefined : 'withhold'),
    versions,
  };
}

function obligationsOf(decision: Sense, purpose: string, also: Obligation | undefined): readonly Obligation[] {
  if (decision === 'deny') return [];
  const breakGlass: readonly Obligation[] = purpose === BREAK_GLASS ? ['break-glass'] : [];
  return also === undefined ? breakGlass : [also, ...breakGlass];
}

function denied(rule: string, versionCount: number): Decision {
  const one: VersionDecision = { decision: 'deny', rules: [rule] };
  return { ...one, obligations: [], versions: Array.from({ length: versionCount }, () => one) };
}

function oppositeOf(sense: Sense): Sense {
  return sense === 'permit' ? 'deny' : 'permit';
}

/** A malformed policy's id where it has one of safe form: nothing else of it enters a decision. */
function nameOf(policy: unknown): string {
  const id = (policy as { readonly id?: Json } | null | undefined)?.id;
  return typeof id === 'string' && /^[0-9a-f]{64}$/.test(id) ? id : 'default:unknown';
}
