/** Values that are fetched by name and kept for a time. */
export interface Remembered<T> {
  /** What is kept, or else what `load` gives: for any number of callers at once it is asked once. */
  get(name: string, load: () => Promise<T>): Promise<T>;
  /** The same, but asks again for what was fetched longer than the pause ago. */
  renew(name: string, load: () => Promise<T>): Promise<T>;
}

/** How long a value is taken as it is, a failure is, and the least time between two fetches of one name. */
const LIFE_MS = 60 * 60_000;
const FAILURE_MS = 5000;
const PAUSE_MS = 60_000;
/** Names that are kept; the oldest goes. */
const MOST = 64;

interface Kept<T> {
  readonly value: Promise<T>;
  readonly sinceMs: number;
  failed: boolean;
}

/** Strangers make this node ask: a provider that fails is left alone for a moment, and one that answers for an hour. */
export function createRemembered<T>(clock: () => number): Remembered<T> {
  const kept = new Map<string, Kept<T>>();

  function younger(name: string, than: (one: Kept<T>) => number, load: () => Promise<T>): Promise<T> {
    const known = kept.get(name);
    if (known !== undefined && clock() - known.sinceMs < than(known)) return known.value;
    const next: Kept<T> = { value: load(), sinceMs: clock(), failed: false };
    next.value.catch(() => {
      next.failed = true;
    });
    kept.delete(name);
    const [oldest] = kept.keys();
    if (oldest !== undefined && kept.size >= MOST) kept.delete(oldest);
    kept.set(name, next);
    return next.value;
  }

  return {
    get: (name, load) => younger(name, ({ failed }) => (failed ? FAILURE_MS : LIFE_MS), load),
    renew: (name, load) => younger(name, ({ failed }) => (failed ? FAILURE_MS : PAUSE_MS), load),
  };
}
