import { EARLIEST_MS, LATEST_MS, type Provision, type Sense } from './policy.ts';
import { BREAK_GLASS, purposeIsNamed } from './purposes.ts';

/** Who asks, for what, when. Tags are those that the account's tag key gives. */
export type Asker = {
  /** Later of block time and, at the custodian, the node's clock. */
  readonly atMs: number;
  /** ActReason code. */
  readonly purpose: string;
  /** Purposes of other code systems that come with it, as tags. */
  readonly purposeTags: readonly string[];
  /** Member account that the asker acts for. */
  readonly organisation: string;
  /** Practitioner, roles, care teams of the asker, as tags. */
  readonly actorTags: readonly string[];
};

/** What one stored version is. An absent `authoredMs` is unknown. */
export type VersionFacts = {
  readonly categoryTags: readonly string[];
  readonly labelTags: readonly string[];
  /** The version itself (instance), what it refers to (related), who wrote it (author). */
  readonly dataTags: readonly string[];
  readonly authoredMs?: number;
};

/**
 * What is asked for before anybody has looked at versions: those with at least one tag of each list given and, for
 * labels, no other; authored within the bounds. What is absent is left open.
 */
export type ScopeFacts = {
  readonly categoryTags?: readonly string[];
  readonly labelTags?: readonly string[];
  readonly dataTags?: readonly string[];
  readonly authoredFromMs?: number;
  readonly authoredToMs?: number;
};

/** Whether purpose, actor and period of a provision fit. A deny that does not name BTG lets break-glass pass. */
export function matchesAsker(provision: Provision, sense: Sense, asker: Asker): boolean {
  const { purposes, purposeTags, members, actorTags } = provision;
  if (sense === 'deny' && asker.purpose === BREAK_GLASS && !(purposes ?? []).includes(BREAK_GLASS)) return false;
  if (purposes !== undefined || purposeTags !== undefined) {
    const named = purposeIsNamed(purposes ?? [], asker.purpose) || intersects(purposeTags ?? [], asker.purposeTags);
    if (!named) return false;
  }
  if (members !== undefined || actorTags !== undefined) {
    const named = (members ?? []).includes(asker.organisation) || intersects(actorTags ?? [], asker.actorTags);
    if (!named) return false;
  }
  return isWithinPeriod(provision, asker.atMs);
}

export function isWithinPeriod(provision: Provision, atMs: number): boolean {
  return atMs >= (provision.periodFromMs ?? EARLIEST_MS) && atMs <= (provision.periodToMs ?? LATEST_MS);
}

/**
 * Whether a provision's data criteria fit one version. By labels, a deny matches on any of the version's, a permit
 * only when it names them all; a version without labels was never assessed, so no permit by labels matches it.
 * Where the authored time is unknown a permit does not match and a deny does.
 */
export function matchesVersion(provision: Provision, sense: Sense, version: VersionFacts): boolean {
  const { categoryTags, labelTags, dataTags } = provision;
  if (categoryTags !== undefined && !intersects(categoryTags, version.categoryTags)) return false;
  if (dataTags !== undefined && !intersects(dataTags, version.dataTags)) return false;
  if (labelTags !== undefined) {
    const labels = version.labelTags;
    const named =
      sense === 'deny' ? intersects(labelTags, labels) : labels.length > 0 && includesAll(labelTags, labels);
    if (!named) return false;
  }
  if (provision.dataFromMs === undefined && provision.dataToMs === undefined) return true;
  const at = version.authoredMs;
  if (at === undefined) return sense === 'deny';
  return at >= (provision.dataFromMs ?? EARLIEST_MS) && at <= (provision.dataToMs ?? LATEST_MS);
}

/**
 * Whether a provision's data criteria fit a scope: a permit when some version with no tags but those asked for could
 * match, a deny only when all must. So what a scope is denied, each such version is denied too; what it is permitted
 * is decided version by version where they are held.
 */
export function matchesScope(provision: Provision, sense: Sense, scope: ScopeFacts): boolean {
  const lists = [
    [provision.categoryTags, scope.categoryTags],
    [provision.labelTags, scope.labelTags],
    [provision.dataTags, scope.dataTags],
  ] as const;
  for (const [named, asked] of lists) {
    if (named === undefined) continue;
    if (asked === undefined) {
      if (sense === 'deny') return false;
    } else if (sense === 'deny' ? !includesAll(named, asked) : !intersects(named, asked)) return false;
  }
  if (provision.dataFromMs === undefined && provision.dataToMs === undefined) return true;
  const [from, to] = [provision.dataFromMs ?? EARLIEST_MS, provision.dataToMs ?? LATEST_MS];
  const [askedFrom, askedTo] = [scope.authoredFromMs ?? EARLIEST_MS, scope.authoredToMs ?? LATEST_MS];
  return sense === 'deny' ? from <= askedFrom && askedTo <= to : from <= askedTo && askedFrom <= to;
}

function intersects(named: readonly string[], given: readonly string[]): boolean {
  for (const entry of given) if (named.includes(entry)) return true;
  return false;
}

function includesAll(named: readonly string[], given: readonly string[]): boolean {
  for (const entry of given) if (!named.includes(entry)) return false;
  return true;
}
