import type { DecisionRequest, Relation } from '../../src/capabilities/consent/contract/decide.ts';
import type { ScopeFacts, VersionFacts } from '../../src/capabilities/consent/contract/match.ts';
import { type Policy, type Provision, TAGS_PER_LIST } from '../../src/capabilities/consent/contract/policy.ts';

/** Deterministic draws for property tests: the same seed, the same run. */
export interface Draw {
  /** 0 … n − 1. */
  below(n: number): number;
  /** True once in `n`. */
  once(n: number): boolean;
  pick<T>(from: readonly T[]): T;
  /** A few of `from`, at least one. */
  some<T>(from: readonly T[], most: number): readonly T[];
}

/** mulberry32: 32 bits of state, good enough to choose test cases. */
export function createDraw(seed: number): Draw {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
  const below = (n: number) => next() % n;
  const draw: Draw = {
    below,
    once: (n) => below(n) === 0,
    pick: (from) => from[below(from.length)] as (typeof from)[number],
    some: (from, most) => [...new Set(Array.from({ length: 1 + below(most) }, () => draw.pick(from)))],
  };
  return draw;
}

const hex = (kind: number, i: number) => `${kind.toString(16)}${i.toString(16).padStart(3, '0')}`.padEnd(32, '5');
const universe = (kind: number) => Array.from({ length: 4 }, (_, i) => hex(kind, i));
const dummies = (kind: number) => Array.from({ length: TAGS_PER_LIST }, (_, i) => hex(kind, 100 + i));

export const MEMBERS = universe(1);
const ACTORS = universe(2);
const CATEGORIES = universe(3);
const LABELS = universe(4);
const DATA = universe(5);
const STUDIES = universe(6);
const GRANTORS = universe(7);
const SCOPES = ['patient-privacy', 'research', 'default:own-staff'];
const PURPOSES = ['TREAT', 'ETREAT', 'HPAYMT', 'HRESCH', 'CLINTRCHNPC', 'BTG', 'PATRQT', 'FAMRQT'];

function padded(draw: Draw, real: readonly string[], kind: number): readonly string[] {
  const chosen = draw.some(real, 3);
  return [...chosen, ...dummies(kind).slice(0, TAGS_PER_LIST - chosen.length)].sort();
}

/** A provision of sound form that names few kinds of criteria, so that many match. */
export function randomProvision(draw: Draw, root: Provision = {}): Provision {
  const names = (kind: keyof Provision, n: number) => root[kind] !== undefined || draw.once(n);
  const bounds = (): readonly [number | undefined, number | undefined] => {
    const [a, b] = [draw.below(8), draw.below(8)];
    return [draw.once(3) ? undefined : Math.min(a, b), draw.once(3) ? undefined : Math.max(a, b)];
  };
  const [periodFromMs, periodToMs] = draw.once(5) ? bounds() : [undefined, undefined];
  let [dataFromMs, dataToMs] = draw.once(5) ? bounds() : [undefined, undefined];
  if ((root.dataFromMs !== undefined || root.dataToMs !== undefined) && dataFromMs === undefined) dataFromMs = 0;
  if (dataToMs !== undefined && dataFromMs !== undefined && dataToMs < dataFromMs) dataToMs = dataFromMs;
  return {
    ...(names('purposes', 2) || root.purposeTags !== undefined ? { purposes: [...draw.some(PURPOSES, 4)].sort() } : {}),
    ...(draw.once(10) ? { purposeTags: padded(draw, STUDIES, 6) } : {}),
    ...(names('members', 4) || root.actorTags !== undefined ? { members: [...draw.some(MEMBERS, 3)].sort() } : {}),
    ...(draw.once(8) ? { actorTags: padded(draw, ACTORS, 2) } : {}),
    ...(names('categoryTags', 4) ? { categoryTags: padded(draw, CATEGORIES, 3) } : {}),
    ...(names('labelTags', 4) ? { labelTags: padded(draw, LABELS, 4) } : {}),
    ...(names('dataTags', 6) ? { dataTags: padded(draw, DATA, 5) } : {}),
    ...(periodFromMs === undefined ? {} : { periodFromMs }),
    ...(periodToMs === undefined ? {} : { periodToMs }),
    ...(dataFromMs === undefined ? {} : { dataFromMs }),
    ...(dataToMs === undefined ? {} : { dataToMs }),
  };
}

export function randomPolicy(draw: Draw, n: number): Policy {
  const sense = draw.once(2) ? 'permit' : 'deny';
  const root = randomProvision(draw);
  const exceptions = Array.from({ length: draw.below(3) }, () => randomProvision(draw, sense === 'deny' ? root : {}));
  return {
    id: n.toString(16).padStart(64, '0'),
    status: draw.once(12) ? 'revoked' : 'active',
    grantor: draw.pick(GRANTORS),
    scope: draw.pick(SCOPES),
    sequence: draw.below(20),
    sense,
    root,
    exceptions,
  };
}

export function randomVersion(draw: Draw): VersionFacts {
  return {
    categoryTags: draw.once(4) ? [] : draw.some(CATEGORIES, 2),
    labelTags: draw.once(2) ? [] : draw.some(LABELS, 2),
    dataTags: draw.once(4) ? [] : draw.some(DATA, 3),
    ...(draw.once(5) ? {} : { authoredMs: draw.below(8) }),
  };
}

export function randomScope(draw: Draw): ScopeFacts {
  const [a, b] = [draw.below(8), draw.below(8)];
  return {
    ...(draw.once(2) ? { categoryTags: draw.some(CATEGORIES, 3) } : {}),
    ...(draw.once(3) ? { labelTags: draw.some(LABELS, 3) } : {}),
    ...(draw.once(4) ? { dataTags: draw.some(DATA, 3) } : {}),
    ...(draw.once(4) ? { authoredFromMs: Math.min(a, b) } : {}),
    ...(draw.once(4) ? { authoredToMs: Math.max(a, b) } : {}),
  };
}

export function randomRequest(draw: Draw, versions: readonly VersionFacts[]): DecisionRequest {
  const relations: readonly Relation[] = ['other', 'other', 'other', 'other', 'delegate', 'self'];
  return {
    atMs: draw.below(8),
    purpose: draw.pick(PURPOSES),
    purposeTags: draw.once(4) ? draw.some(STUDIES, 1) : [],
    organisation: draw.pick(MEMBERS),
    actorTags: draw.once(2) ? draw.some(ACTORS, 2) : [],
    relation: draw.pick(relations),
    versions,
  };
}
