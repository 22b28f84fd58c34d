/** Lengths, in code points, of the beginnings that a text is found by. */
const LENGTHS = [8, 5, 3, 2, 1];

/** Beginnings of a folded text that have a token, the text itself when it is as long as one. */
export function startsOf(folded: string): string[] {
  const points = Array.from(folded.slice(0, 2 * (LENGTHS[0] as number)));
  return LENGTHS.filter((length) => length <= points.length).map((length) => points.slice(0, length).join(''));
}

/**
 * The longest beginning of `wanted` that texts have a token of, and whether it is all of it: otherwise the texts that it
 * finds have to be looked at. Undefined for an empty text, which begins every one.
 */
export function startToSeek(wanted: string): { readonly start: string; readonly whole: boolean } | undefined {
  const start = startsOf(wanted)[0];
  return start === undefined ? undefined : { start, whole: start.length === wanted.length };
}
