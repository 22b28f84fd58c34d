/** Lets so many pieces of work run at a time; the others wait in the order in which they came. */
export interface Turns {
  take<R>(work: () => Promise<R>): Promise<R>;
}

export function createTurns(atOnce: number): Turns {
  const waiting: (() => void)[] = [];
  let running = 0;
  return {
    async take(work) {
      if (running >= atOnce) await new Promise<void>((resolve) => waiting.push(resolve));
      else running += 1;
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        // The place is handed on, so that nobody who comes just now takes it first.
        if (next === undefined) running -= 1;
        else next();
      }
    },
  };
}
