import { setImmediate } from 'node:timers/promises';

/** Work on lists, some of them at a time, whose results come in the order of the lists. */
export interface InOrder<Item> {
  /** Begins work on a list, once there is room for it. Rejects with what the work before it failed with. */
  take(items: readonly Item[]): Promise<void>;
  /** Resolves once all is done. */
  end(): Promise<void>;
  /** Items taken. */
  readonly taken: number;
}

/**
 * `done` is given the result of each list. `most` lists are worked on at a time, asked anew for each. Requests that came
 * meanwhile go first.
 */
export function createInOrder<Item, Result>(
  work: (items: readonly Item[]) => Promise<Result>,
  done: (result: Result) => void,
  most: () => number,
): InOrder<Item> {
  const underWay: Promise<Result>[] = [];
  let taken = 0;

  async function settleTo(count: number): Promise<void> {
    for (let first = underWay[0]; first !== undefined && underWay.length > count; first = underWay[0]) {
      const result = await first;
      void underWay.shift();
      done(result);
    }
  }

  return {
    async take(items) {
      await settleTo(Math.max(1, most()) - 1);
      taken += items.length;
      const next = work(items);
      // Heard of when its turn comes, or not at all where the one before it fails.
      next.catch(() => undefined);
      underWay.push(next);
      await setImmediate();
    },
    end: () => settleTo(0),
    get taken() {
      return taken;
    },
  };
}
