/** The entries that were used last, at most `limit` of them. */
export interface RecentMap<Value> {
  get(key: string): Value | undefined;
  /** Adds an entry; returns the one that had to go for it. */
  set(key: string, value: Value): Value | undefined;
}

export function createRecentMap<Value>(limit: number): RecentMap<Value> {
  const entries = new Map<string, Value>();
  return {
    get(key) {
      const value = entries.get(key);
      if (value === undefined) return undefined;
      entries.delete(key);
      entries.set(key, value);
      return value;
    },
    set(key, value) {
      entries.set(key, value);
      if (entries.size <= limit) return undefined;
      const [oldest, gone] = entries.entries().next().value as [string, Value];
      entries.delete(oldest);
      return gone;
    },
  };
}
