/** Above so many unsorted keys sorting once is cheaper than putting each in its place. */
const MAX_INSERTIONS = 64;

/** A set of keys that can be read in order. Adding costs nothing until it is read; then the new ones are put in place. */
export interface SortedKeys {
  /** Adds a key that is not in the set. */
  add(key: string): void;
  /** Forgets all. */
  clear(): void;
  /** The keys `from` ≤ key < `to`, in byte order, as they are now. */
  range(from: string, to: string): readonly string[];
}

export function createSortedKeys(): SortedKeys {
  let sorted: string[] = [];
  let added: string[] = [];
  // Without a comparison `sort` goes by UTF-16 code units, which for ASCII keys is byte order.
  const settle = () => {
    if (added.length > MAX_INSERTIONS) sorted = sorted.concat(added).sort();
    else for (const key of added) sorted.splice(firstAtLeast(sorted, key), 0, key);
    added = [];
  };
  return {
    add: (key) => void added.push(key),
    clear: () => {
      sorted = [];
      added = [];
    },
    range(from, to) {
      settle();
      return sorted.slice(firstAtLeast(sorted, from), firstAtLeast(sorted, to));
    },
  };
}

/** Index of the first key that is not less than `key`. */
function firstAtLeast(sorted: readonly string[], key: string): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
