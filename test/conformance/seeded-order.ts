/** Shuffles, the same way for the same seed. */
export function createShuffle(seed: number): <T>(all: readonly T[]) => T[] {
  let state = seed;
  return (all) =>
    all
      .map((one) => {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        return { one, at: state };
      })
      .sort((a, b) => a.at - b.at)
      .map(({ one }) => one);
}
