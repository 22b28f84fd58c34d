/** How much there may be: `perSecond` in the long run, `burst` at once after a rest. */
export interface BucketPolicy {
  readonly perSecond: number;
  readonly burst: number;
}

/** Token buckets by name, one policy for all of them; in memory, so that a restart fills each. */
export interface TokenBuckets {
  readonly policy: BucketPolicy;
  /** What is left, from `-burst` to `burst`; a bucket that nobody has spent from is full. */
  levelOf(name: string): number;
  /** Takes one and says what is left then; below 0 there was none to take, and nothing changed. */
  take(name: string): number;
  /** Takes `cost` whatever is left, and says what is left then. Below nothing is a debt, of one burst at the most. */
  spend(name: string, cost: number): number;
}

/** Names of one generation; two are remembered. */
const GENERATION = 16_384;

interface Bucket {
  level: number;
  atMs: number;
}

/**
 * Buckets of whoever spent last: some 5 MB when full. Names are remembered in two generations: one that is spent from
 * goes into the younger, and when that is full the older is forgotten. So a name is forgotten after 16,384 others were
 * spent from since, and begins anew with a full bucket. A flood of names gains its sender nothing by that: it takes as
 * many names as have a full bucket each, so a burst is won for one of them where all those were there to be had.
 * `clock` in milliseconds; it need not tell the time of day, and when it goes back nothing is filled.
 */
export function createTokenBuckets(
  policy: BucketPolicy,
  { clock, generation = GENERATION }: { clock: () => number; generation?: number },
): TokenBuckets {
  const { perSecond, burst } = policy;
  let young = new Map<string, Bucket>();
  let old = new Map<string, Bucket>();

  function filled(bucket: Bucket): Bucket {
    const nowMs = clock();
    const passedMs = nowMs - bucket.atMs;
    bucket.atMs = nowMs;
    if (passedMs > 0) bucket.level = Math.min(burst, bucket.level + (passedMs * perSecond) / 1000);
    return bucket;
  }

  function kept(name: string): Bucket {
    const known = young.get(name);
    if (known !== undefined) return known;
    const bucket = old.get(name) ?? { level: burst, atMs: clock() };
    if (young.size >= generation) {
      old = young;
      young = new Map();
    }
    young.set(name, bucket);
    return bucket;
  }

  return {
    policy,
    levelOf(name) {
      const bucket = young.get(name) ?? old.get(name);
      return bucket === undefined ? burst : filled(bucket).level;
    },
    take(name) {
      const bucket = filled(kept(name));
      if (bucket.level < 1) return bucket.level - 1;
      bucket.level -= 1;
      return bucket.level;
    },
    spend(name, cost) {
      const bucket = filled(kept(name));
      bucket.level = Math.max(-burst, bucket.level - cost);
      return bucket.level;
    },
  };
}
