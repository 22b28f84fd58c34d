/** Remembers what was used up until it could not be used any more anyway. */
export interface SpentOnce {
  isSpent(name: string): boolean;
  /**
   * True once for a name; false for each other time, and when too many are remembered: of all together, or of `by`, who
   * spends it. To be called when whoever spends was proved to be that one, so that nobody else's memory is filled.
   */
  spend(name: string, expiresAtMs: number, by: string): boolean;
}

/** Names that are remembered: 300 a second for five minutes, 100 for a quarter of an hour. */
const MAX_SPENT = 100_000;
/** Those of one: it takes 500 people to keep others out. */
const MAX_SPENT_BY_ONE = 200;

interface Spent {
  readonly expiresAtMs: number;
  readonly by: string;
}

/** In memory: what is used up must be of this process, so that a restart ends all that it forgets. */
export function createSpentOnce(clock: () => number): SpentOnce {
  const spent = new Map<string, Spent>();
  const counts = new Map<string, number>();

  function forgetExpired(nowMs: number): void {
    // In the order they were spent, which is nearly that of their expiry.
    for (const [name, { expiresAtMs, by }] of spent) {
      if (expiresAtMs > nowMs) break;
      spent.delete(name);
      const left = (counts.get(by) ?? 0) - 1;
      if (left > 0) counts.set(by, left);
      else counts.delete(by);
    }
  }

  return {
    isSpent: (name) => spent.has(name),
    spend(name, expiresAtMs, by) {
      forgetExpired(clock());
      const count = counts.get(by) ?? 0;
      if (spent.has(name) || spent.size >= MAX_SPENT || count >= MAX_SPENT_BY_ONE) return false;
      spent.set(name, { expiresAtMs, by });
      counts.set(by, count + 1);
      return true;
    },
  };
}
