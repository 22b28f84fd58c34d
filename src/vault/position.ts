/**
 * A journal entry's place as one integer that fits SQLite's row id and a JavaScript number: generation · 2^32 + index.
 * 2^21 generations of 2^32 entries each; entries of later generations follow those of earlier ones.
 */
export const ENTRIES_PER_GENERATION = 2 ** 32;
export const MAX_GENERATION = 2 ** 21 - 1;

/** Throws RangeError outside the range above. */
export function positionOf(generation: number, index: number): number {
  const fits = Number.isInteger(generation) && generation >= 0 && generation <= MAX_GENERATION;
  if (!fits || !Number.isInteger(index) || index < 0 || index >= ENTRIES_PER_GENERATION) {
    throw new RangeError(`no journal position ${generation}/${index}`);
  }
  return generation * ENTRIES_PER_GENERATION + index;
}

export function placeOf(position: number): { readonly generation: number; readonly index: number } {
  const generation = Math.floor(position / ENTRIES_PER_GENERATION);
  return { generation, index: position - generation * ENTRIES_PER_GENERATION };
}
