/** What is kept in memory of what was read: about a kilobyte each, and the same few are asked for again. */
export interface ReadCache<Value> {
  /** What is kept of a name, else what `read` resolves to; that is kept unless it is undefined or `forget` comes first. */
  get(name: string, read: () => Promise<Value | undefined>): Promise<Value | undefined>;
  /** To be called when a commit that changed it is durable. */
  forget(name: string): void;
  /** To be called when a commit that made it so is durable. */
  set(name: string, value: Value): void;
}

/**
 * Keeps promises, not values: a read that is under way when a commit becomes durable may have seen what was before, and
 * `forget` takes it out, so nobody who asks after the commit gets it.
 */
export function createReadCache<Value>(
  limit: number,
  isKept: (value: Value | undefined) => boolean = (value) => value !== undefined,
): ReadCache<Value> {
  const entries = new Map<string, Promise<Value | undefined>>();

  function keep(name: string, value: Promise<Value | undefined>): void {
    // The oldest goes first: simpler than the least used, and as good for a few patients' charts.
    if (entries.size >= limit) entries.delete(entries.keys().next().value as string);
    entries.set(name, value);
  }

  return {
    get(name, read) {
      const known = entries.get(name);
      if (known !== undefined) return known;
      const reading = read();
      keep(name, reading);
      const drop = () => {
        if (entries.get(name) === reading) entries.delete(name);
      };
      reading.then((value) => isKept(value) || drop(), drop);
      return reading;
    },
    forget: (name) => void entries.delete(name),
    set(name, value) {
      entries.delete(name);
      keep(name, Promise.resolve(value));
    },
  };
}
