import { fold } from '../search/fold.ts';

/** Longest name that is compared; what is beyond is cut off. */
const MAX_NAME_CHARS = 64;
/** How much a common beginning counts, and up to how many letters (Winkler 1990). */
const PREFIX_WEIGHT = 0.1;
const PREFIX_CHARS = 4;

/** A name as it is compared: letters and digits alone, case and accents gone; words stay apart. At most 64 characters. */
export function foldName(text: string): string {
  return fold(text.slice(0, 4 * MAX_NAME_CHARS).replace(/[-\u2010-\u2015/,]/g, ' ')).slice(0, MAX_NAME_CHARS);
}

/**
 * Jaro-Winkler similarity of two folded names, 0 to 1 (Winkler, String Comparator Metrics and Enhanced Decision Rules,
 * 1990). Bounded by the length of names.
 */
export function jaroWinkler(a: string, b: string): number {
  if (a === b) return 1;
  const jaro = jaroSimilarity(a, b);
  let prefix = 0;
  while (prefix < PREFIX_CHARS && prefix < a.length && a[prefix] === b[prefix]) prefix++;
  return jaro + prefix * PREFIX_WEIGHT * (1 - jaro);
}

function jaroSimilarity(a: string, b: string): number {
  if (a === '' || b === '') return 0;
  const reach = Math.max(0, Math.floor(Math.max(a.length, b.length) / 2) - 1);
  const taken = new Set<number>();
  const common: string[] = [];
  for (let i = 0; i < a.length; i++) {
    for (let j = Math.max(0, i - reach); j <= Math.min(b.length - 1, i + reach); j++) {
      if (taken.has(j) || a[i] !== b[j]) continue;
      taken.add(j);
      common.push(a[i] as string);
      break;
    }
  }
  if (common.length === 0) return 0;
  const other = [...taken].sort((x, y) => x - y).map((j) => b[j]);
  const moved = common.filter((letter, i) => letter !== other[i]).length / 2;
  const m = common.length;
  return (m / a.length + m / b.length + (m - moved) / m) / 3;
}
