import { setImmediate } from 'node:timers/promises';

/** Work on lists, two of them at a time, whose results come in the order of the lists. */
export interface InOrder<Item> {
  /** Begins work on a list, once there is room for it. Rejects with what the work before it failed with. */
  take(items: readonly Item[]): Promise<void>;
  /** Resolves once all is done. */
  end(): Promise<void>;
  /** Items taken. */
  readonly taken: number;
}

/** `done` is given the result of each list. Requests that came meanwhile go first. */
export function createInOrder<Item, Result>(
  work: (items: readonly Item[]) => Promise<Result>,
  done: (result: Result) => void,
): InOrder<Item> {
  let underWay: Promise<Result> | undefined;
  let taken = 0;

  async function settle(): Promise<void> {
    const first = underWay;
    underWay = undefined;
    if (first !== undefined) done(await first);
  }

  return {
    async take(items) {
      taken += items.length;
      const next = work(items);
      // Heard of when its turn comes, or not at all where the one before it fails.
      next.catch(() => undefined);
      await settle();
      underWay = next;
      await setImmediate();
    },
    end: settle,
    get taken() {
      return taken;
    },
  };
}
