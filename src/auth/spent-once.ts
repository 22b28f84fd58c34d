/** Remembers what was used up until it could not be used any more anyway. */
export interface SpentOnce {
  /** True once for a name; false for each other time, and when too many are remembered. */
  spend(name: string, expiresAtMs: number): boolean;
}

/** Names that are remembered: 300 a second for five minutes, 100 for a quarter of an hour. */
const MAX_SPENT = 100_000;

/** In memory: what is used up must be of this process, so that a restart ends all that it forgets. */
export function createSpentOnce(clock: () => number): SpentOnce {
  const spent = new Map<string, number>();

  function forgetExpired(nowMs: number): void {
    // In the order they were spent, which is nearly that of their expiry.
    for (const [name, expiresAtMs] of spent) {
      if (expiresAtMs > nowMs) break;
      spent.delete(name);
    }
  }

  return {
    spend(name, expiresAtMs) {
      forgetExpired(clock());
      if (spent.has(name) || spent.size >= MAX_SPENT) return false;
      spent.set(name, expiresAtMs);
      return true;
    },
  };
}
