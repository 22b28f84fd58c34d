import type { DecisionRequest } from '../../src/capabilities/consent/contract/decide.ts';
import type { VersionFacts } from '../../src/capabilities/consent/contract/match.ts';
import type { Policy, Provision } from '../../src/capabilities/consent/contract/policy.ts';

/**
 * A second implementation of the decision on one version, for comparison: written from the sentences of the design,
 * one function a sentence, with no thought of speed and nothing shared with the first but types. It takes policies
 * of sound form; what is malformed is tested by tables.
 */
export function oracleDecides(
  policies: readonly Policy[],
  request: DecisionRequest,
  version: VersionFacts,
): 'permit' | 'deny' {
  const isPatients = ['PATRQT', 'FAMRQT'].includes(request.purpose);
  if (request.relation === 'self' && isPatients) return 'permit';
  const effects = policies.map((policy) => effectOf(policies, policy, request, version));
  if (effects.includes('deny')) return 'deny';
  if (request.relation === 'delegate' && isPatients) return 'permit';
  return effects.includes('permit') ? 'permit' : 'deny';
}

/** What one Consent says: a matching exception beats its root. */
function effectOf(
  policies: readonly Policy[],
  policy: Policy,
  request: DecisionRequest,
  version: VersionFacts,
): 'permit' | 'deny' | 'nothing' {
  const rivals = policies.filter((other) => other.grantor === policy.grantor && other.scope === policy.scope);
  if (rivals.some((other) => other.sequence > policy.sequence)) return 'nothing';
  if (rivals.filter((other) => other.sequence === policy.sequence).length > 1) {
    return request.purpose === 'BTG' ? 'nothing' : 'deny';
  }
  if (policy.status === 'revoked') return 'nothing';
  if (policy.root.periodFromMs !== undefined && request.atMs < policy.root.periodFromMs) return 'nothing';
  if (policy.root.periodToMs !== undefined && request.atMs > policy.root.periodToMs) return 'nothing';
  const opposite = policy.sense === 'permit' ? 'deny' : 'permit';
  if (policy.exceptions.some((exception) => applies(exception, opposite, request, version))) return opposite;
  return applies(policy.root, policy.sense, request, version) ? policy.sense : 'nothing';
}

/** A provision applies when every kind of criterion that it names does; break-glass passes a deny that does not name it. */
function applies(
  provision: Provision,
  sense: 'permit' | 'deny',
  request: DecisionRequest,
  version: VersionFacts,
): boolean {
  const verdicts: boolean[] = [];
  if (sense === 'deny' && request.purpose === 'BTG') verdicts.push(provision.purposes?.includes('BTG') === true);
  if (provision.purposes || provision.purposeTags) verdicts.push(namesPurpose(provision, request));
  if (provision.members || provision.actorTags) {
    const isMember = provision.members?.some((member) => member === request.organisation);
    verdicts.push(isMember || sharesOne(provision.actorTags, request.actorTags));
  }
  if (provision.categoryTags) verdicts.push(sharesOne(provision.categoryTags, version.categoryTags));
  if (provision.dataTags) verdicts.push(sharesOne(provision.dataTags, version.dataTags));
  if (provision.labelTags) {
    const unnamed = version.labelTags.filter((label) => !new Set(provision.labelTags).has(label));
    const named = version.labelTags.length - unnamed.length;
    verdicts.push(named > 0 && (sense === 'deny' || unnamed.length === 0));
  }
  if (provision.periodFromMs !== undefined) verdicts.push(provision.periodFromMs <= request.atMs);
  if (provision.periodToMs !== undefined) verdicts.push(request.atMs <= provision.periodToMs);
  for (const [bound, fits] of [
    [provision.dataFromMs, (at: number) => at >= (provision.dataFromMs as number)],
    [provision.dataToMs, (at: number) => at <= (provision.dataToMs as number)],
  ] as const) {
    if (bound !== undefined)
      verdicts.push(version.authoredMs === undefined ? sense === 'deny' : fits(version.authoredMs));
  }
  return verdicts.every(Boolean);
}

/** The kinds of purposes that occur in the random requests, each with all that name it. */
const NAMED_BY: Readonly<Record<string, readonly string[]>> = {
  TREAT: ['TREAT'],
  ETREAT: ['ETREAT', 'TREAT'],
  HPAYMT: ['HPAYMT'],
  HRESCH: ['HRESCH'],
  CLINTRCHNPC: ['CLINTRCHNPC', 'CLINTRCH', 'HRESCH'],
  BTG: ['BTG'],
  PATRQT: ['PATRQT'],
  FAMRQT: ['FAMRQT', 'PATRQT'],
};

function namesPurpose(provision: Provision, request: DecisionRequest): boolean {
  const names = NAMED_BY[request.purpose] ?? [];
  return (
    names.some((name) => provision.purposes?.includes(name)) || sharesOne(provision.purposeTags, request.purposeTags)
  );
}

function sharesOne(named: readonly string[] | undefined, given: readonly string[]): boolean {
  return (named ?? []).some((entry) => given.some((other) => other === entry));
}
