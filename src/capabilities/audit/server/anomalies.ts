/*
 * Accesses that a privacy officer should look at, each with why: a pure function over compact facts. What it lists is a
 * question, never a verdict. All counts are integers, and medians are compared doubled, so nothing depends on rounding.
 */

/** One look of somebody's at one patient's records. */
export interface AccessFact {
  readonly actor: string;
  readonly account: string;
  readonly atMs: number;
  readonly refused: boolean;
  readonly breakGlass: boolean;
}

/** What is known of somebody, folded: to compare, never to show. */
export interface ActorFacts {
  readonly roles: readonly string[];
  readonly families: readonly string[];
  readonly addresses: readonly string[];
}

export interface SubjectFacts {
  readonly families: readonly string[];
  readonly addresses: readonly string[];
  /** Works for the custodian: has an identifier of a Practitioner's, or name and birth date of one. */
  readonly isStaff: boolean;
  /** Carries a label that marks a person whom many are curious about. */
  readonly isVip: boolean;
  /** Family names of those who are named as relatives or contacts. */
  readonly relatives: readonly string[];
}

export type AnomalyKind =
  | 'same-family-name'
  | 'same-address'
  | 'relative'
  | 'colleague'
  | 'vip'
  | 'more-than-peers'
  | 'odd-hours'
  | 'many-refusals'
  | 'break-glass';

export interface Anomaly {
  readonly kind: AnomalyKind;
  readonly actor: string;
  /** Absent where it is about the actor's acts as a whole. */
  readonly account?: string;
  readonly firstMs: number;
  readonly lastMs: number;
  /** Acts that it is about. */
  readonly count: number;
  readonly why: string;
}

export interface AnomalyInput {
  readonly accesses: readonly AccessFact[];
  readonly actors: ReadonlyMap<string, ActorFacts>;
  readonly subjects: ReadonlyMap<string, SubjectFacts>;
}

/** Fewer peers than that tell nothing of what is usual. */
const LEAST_PEERS = 5;
/** Iglewicz and Hoaglin: a modified z-score, 0.6745 · |x − median| / MAD, beyond 3.5 is far. Both times 10,000. */
const SCORE = 6745;
const FAR = 35_000;
const LEAST_MORE = 10;
/** Acts from which on somebody's hours have a pattern, and the share (1 in so many) below which an hour is odd. */
const LEAST_ACTS = 50;
const ODD_SHARE = 50;
const LEAST_REFUSALS = 10;
const HOUR_MS = 3_600_000;

/** Anomalies of a window, the gravest kinds first, then the newest. */
export function findAnomalies({ accesses, actors, subjects }: AnomalyInput): readonly Anomaly[] {
  const byActor = grouped(accesses, ({ actor }) => actor);
  const found: Anomaly[] = [];
  for (const [actor, own] of byActor) {
    for (const [account, looks] of grouped(own, (one) => one.account)) {
      found.push(...ofPair(actors.get(actor), subjects.get(account), looks));
    }
    found.push(...ofHours(own), ...ofRefusals(own));
  }
  found.push(...ofPeers(byActor, actors));
  return found.sort(
    (a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind) || b.lastMs - a.lastMs || (a.actor < b.actor ? -1 : 1),
  );
}

const ORDER: readonly AnomalyKind[] = [
  ...(['break-glass', 'vip', 'same-address', 'relative', 'same-family-name', 'colleague'] as const),
  ...(['more-than-peers', 'many-refusals', 'odd-hours'] as const),
];

function ofPair(
  actor: ActorFacts | undefined,
  subject: SubjectFacts | undefined,
  looks: readonly AccessFact[],
): Anomaly[] {
  const found: Anomaly[] = [];
  const broken = looks.filter(({ breakGlass }) => breakGlass);
  if (broken.length > 0) found.push(anomaly('break-glass', broken, 'The glass was broken for this patient.', true));
  if (subject === undefined) return found;
  const add = (kind: AnomalyKind, why: string) => found.push(anomaly(kind, looks, why, true));
  if (subject.isVip) add('vip', 'The patient’s record is marked as one that many are curious about.');
  if (subject.isStaff) add('colleague', 'The patient works for this organisation.');
  if (actor === undefined) return found;
  if (meets(actor.families, subject.families)) add('same-family-name', 'Reader and patient have the same family name.');
  if (meets(actor.addresses, subject.addresses)) add('same-address', 'Reader and patient have the same address.');
  if (meets(actor.families, subject.relatives))
    add('relative', 'A contact or relative of the patient has the reader’s family name.');
  return found;
}

function ofHours(own: readonly AccessFact[]): Anomaly[] {
  if (own.length < LEAST_ACTS) return [];
  const acts = new Array<number>(24).fill(0);
  for (const { atMs } of own) acts[hourOf(atMs)] = (acts[hourOf(atMs)] ?? 0) + 1;
  const near = (hour: number) => [23, 0, 1].reduce((sum, step) => sum + (acts[(hour + step) % 24] ?? 0), 0);
  const odd = own.filter(({ atMs }) => near(hourOf(atMs)) * ODD_SHARE <= own.length);
  if (odd.length === 0) return [];
  const hours = [...new Set(odd.map(({ atMs }) => hourOf(atMs)))].sort((a, b) => a - b).join(', ');
  return [
    anomaly(
      'odd-hours',
      odd,
      `${odd.length} of ${own.length} acts were at hours (UTC: ${hours}) when this one hardly ever acts.`,
    ),
  ];
}

function ofRefusals(own: readonly AccessFact[]): Anomaly[] {
  const refused = own.filter((one) => one.refused);
  if (refused.length < LEAST_REFUSALS || refused.length * 5 < own.length) return [];
  const why = `${refused.length} of ${own.length} acts were refused.`;
  return [anomaly('many-refusals', refused, why)];
}

/** Against all others of a role: how many patients each looked at. Of several roles the one with most peers counts. */
function ofPeers(
  byActor: ReadonlyMap<string, readonly AccessFact[]>,
  actors: ReadonlyMap<string, ActorFacts>,
): Anomaly[] {
  const byRole = new Map<string, string[]>();
  for (const actor of byActor.keys()) {
    for (const role of actors.get(actor)?.roles ?? []) byRole.set(role, [...(byRole.get(role) ?? []), actor]);
  }
  const reach = new Map([...byActor].map(([actor, own]) => [actor, new Set(own.map(({ account }) => account)).size]));
  const found: Anomaly[] = [];
  for (const [actor, own] of byActor) {
    const peers = (actors.get(actor)?.roles ?? [])
      .map((role) => (byRole.get(role) ?? []).filter((one) => one !== actor))
      .reduce((most, next) => (next.length > most.length ? next : most), [] as readonly string[]);
    if (peers.length < LEAST_PEERS) continue;
    const counts = peers.map((peer) => reach.get(peer) ?? 0);
    const mine = reach.get(actor) ?? 0;
    const median2 = doubledMedian(counts);
    // Doubled medians of doubled distances: four times the deviation. Nobody is far from peers who are all alike by a few.
    const deviation4 = Math.max(doubledMedian(counts.map((count) => Math.abs(2 * count - median2))), 4);
    const more2 = 2 * mine - median2;
    if (more2 < 2 * LEAST_MORE || SCORE * 2 * more2 <= FAR * deviation4) continue;
    const usual = median2 % 2 === 0 ? `${median2 / 2}` : `${(median2 - 1) / 2}.5`;
    const why = `Looked at ${mine} patients; ${peers.length} others of the role at ${usual} in the middle.`;
    found.push(anomaly('more-than-peers', own, why));
  }
  return found;
}

function doubledMedian(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? 2 * upper : upper + (sorted[middle - 1] ?? 0);
}

function anomaly(kind: AnomalyKind, looks: readonly AccessFact[], why: string, isOfOne = false): Anomaly {
  const times = looks.map(({ atMs }) => atMs);
  const [first] = looks as readonly [AccessFact, ...AccessFact[]];
  return {
    ...{ kind, actor: first.actor, count: looks.length, why },
    ...(isOfOne ? { account: first.account } : {}),
    firstMs: times.reduce((least, ms) => Math.min(least, ms)),
    lastMs: times.reduce((most, ms) => Math.max(most, ms)),
  };
}

function hourOf(ms: number): number {
  return Math.floor(ms / HOUR_MS) % 24;
}

function meets(some: readonly string[], others: readonly string[]): boolean {
  return some.some((one) => others.includes(one));
}

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}
