/** Most changes between a name and what was probably meant. */
const MAX_DISTANCE = 2;

/** The name that `given` is probably a misspelling of; undefined when none is near. Case and dashes do not count. */
export function nearestName(given: string, names: readonly string[]): string | undefined {
  const wanted = bare(given);
  // Beyond that no name is near, and the table below would grow with what was given.
  if (wanted.length > 64) return undefined;
  let best: { readonly name: string; readonly distance: number } | undefined;
  for (const name of names) {
    const distance = editDistance(wanted, bare(name));
    // A short name is near to too much.
    if (distance > Math.min(MAX_DISTANCE, Math.floor(name.length / 3))) continue;
    if (best === undefined || distance < best.distance) best = { name, distance };
  }
  return best?.name;
}

function bare(name: string): string {
  return name.toLowerCase().replace(/[-_]/g, '');
}

/** Least number of insertions, deletions and substitutions (Levenshtein), a swap of neighbours counting as one. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      const change = (row[j - 1] as number) + (isSame ? 0 : 1);
      let least = Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, (before[j - 2] as number) + 1);
      next.push(least);
    }
    before = row;
    row = next;
  }
  return row[b.length] as number;
}
