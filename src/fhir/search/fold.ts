/** Letters that Unicode does not decompose into a plain one and a mark. */
const LETTERS: ReadonlyMap<string, string> = new Map([
  ['ß', 'ss'],
  ['æ', 'ae'],
  ['œ', 'oe'],
  ['ø', 'o'],
  ['đ', 'd'],
  ['ð', 'd'],
  ['ł', 'l'],
  ['þ', 'th'],
  ['ı', 'i'],
  ['ς', 'σ'],
]);

/**
 * A string as searches compare it (R4 §3.1.1.4.8): case, accents and other marks, punctuation and repeated white space
 * are gone. Doing it twice changes nothing.
 */
export function fold(text: string): string {
  if (/^[a-z0-9]*$/.test(text)) return text;
  if (/^[A-Za-z0-9]+$/.test(text)) return text.toLowerCase();
  return text
    .normalize('NFKD')
    .toLowerCase()
    .normalize('NFKD')
    .replace(/[\p{M}\p{P}\p{Cf}]/gu, '')
    .replace(/[ßæœøđðłþıς]/g, (letter) => LETTERS.get(letter) as string)
    .replace(/\s+/g, ' ')
    .trim();
}
