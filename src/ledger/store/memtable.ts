import type { KvReader, KvWrites } from '../../state/store.ts';

interface Version {
  readonly height: number;
  /** Null: deleted. */
  readonly value: Uint8Array | null;
  readonly older: Version | undefined;
}

/** Keys of one map of the state, sorted when somebody asks for a range of them. */
interface Bucket {
  sorted: string[];
  fresh: string[];
}

/**
 * What blocks wrote since some flush, every version of it, so that a reader of one height never sees a later one.
 * It grows block by block until it is flushed as a whole, and is dropped when nobody reads it any more.
 */
export interface Memtable {
  apply(height: number, writes: KvWrites): void;
  /** The value at `height`: undefined when the table does not know the key, null when it is deleted. */
  get(key: string, height: number): Uint8Array | null | undefined;
  /** Keys of the table within a range, in byte order, whichever height wrote them. */
  keys(from: string, to: string): string[];
  /** The last version of each key. */
  newest(): Iterable<readonly [key: string, value: Uint8Array | null]>;
  /** Bytes of keys and values, about. */
  sizeBytes(): number;
}

export function createMemtable(): Memtable {
  const versions = new Map<string, Version>();
  const buckets = new Map<string, Bucket>();
  let bytes = 0;

  function note(key: string): void {
    const name = bucketName(key);
    const bucket = buckets.get(name);
    if (bucket === undefined) buckets.set(name, { sorted: [], fresh: [key] });
    else bucket.fresh.push(key);
  }

  return {
    apply(height, writes) {
      for (const [key, value] of writes) {
        const older = versions.get(key);
        if (older === undefined) note(key);
        versions.set(key, { height, value, older });
        bytes += key.length + (value?.length ?? 0) + 64;
      }
    },
    get(key, height) {
      let version = versions.get(key);
      while (version !== undefined && version.height > height) version = version.older;
      return version?.value;
    },
    keys(from, to) {
      const out: string[] = [];
      const names = [...buckets.keys()].filter((name) => name < to && !endsBefore(name, from)).sort(compareText);
      for (const name of names) {
        const bucket = buckets.get(name) as Bucket;
        if (bucket.fresh.length > 0) {
          bucket.sorted = [...bucket.sorted, ...bucket.fresh].sort(compareText);
          bucket.fresh = [];
        }
        for (let at = lowerBound(bucket.sorted, from); at < bucket.sorted.length; at++) {
          const key = bucket.sorted[at] as string;
          if (key >= to) break;
          out.push(key);
        }
      }
      return out;
    },
    *newest() {
      for (const [key, { value }] of versions) yield [key, value] as const;
    },
    sizeBytes: () => bytes,
  };
}

/** Up to the second slash (`s/consent.policies/`): keys of different buckets stand in the order of the buckets. */
function bucketName(key: string): string {
  const slash = key.indexOf('/', key.indexOf('/') + 1);
  return slash < 0 ? key : key.slice(0, slash + 1);
}

function endsBefore(name: string, from: string): boolean {
  return name < from && !from.startsWith(name);
}

function lowerBound(sorted: readonly string[], from: string): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as string) < from) low = middle + 1;
    else high = middle;
  }
  return low;
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** `base` with tables over it, the newest first, as they were at `height`. */
export function layeredReader(tables: readonly Memtable[], height: number, base: KvReader): KvReader {
  function overlaid(key: string): Uint8Array | null | undefined {
    for (const table of tables) {
      const value = table.get(key, height);
      if (value !== undefined) return value;
    }
    return undefined;
  }
  return {
    get(key) {
      const value = overlaid(key);
      return value === undefined ? base.get(key) : (value ?? undefined);
    },
    *range(from, to) {
      const mine = [...new Set(tables.flatMap((table) => table.keys(from, to)))];
      if (tables.length > 1) mine.sort(compareText);
      let at = 0;
      for (const [key, value] of base.range(from, to)) {
        for (; at < mine.length && (mine[at] as string) < key; at++) {
          const written = overlaid(mine[at] as string);
          if (written != null) yield [mine[at] as string, written];
        }
        // A key of a later height is not known at this one: the base's entry shows.
        const written = mine[at] === key ? overlaid(key) : undefined;
        if (mine[at] === key) at++;
        if (written !== null) yield [key, written ?? value];
      }
      for (; at < mine.length; at++) {
        const written = overlaid(mine[at] as string);
        if (written != null) yield [mine[at] as string, written];
      }
    },
  };
}
