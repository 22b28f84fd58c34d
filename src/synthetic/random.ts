/** Repeatable randomness: the same seed gives the same numbers on every machine. Not for keys or anything secret. */
export interface Random {
  /** Uniform in [0, 1), 32 bits. */
  next(): number;
  /** Uniform integer, `low` ≤ n ≤ `high`. */
  integer(low: number, high: number): number;
  chance(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
  /** Approximately normal (sum of four uniforms), never beyond 3.5 deviations. */
  normal(mean: number, deviation: number): number;
  /** A version 4 UUID (RFC 9562 §5.4) of this stream. */
  uuid(): string;
}

/** One stream per seed text: streams of different texts have nothing to do with each other. */
export function createRandom(seed: string): Random {
  let [a, b, c, d] = mix(seed);
  // sfc32 (Chris Doty-Humphrey, PractRand): small, fast, and passes the usual batteries.
  function bits(): number {
    const t = (a + b + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return t >>> 0;
  }
  for (let i = 0; i < 12; i++) bits();
  const next = () => bits() / 0x1_0000_0000;
  return {
    next,
    integer: (low, high) => low + Math.floor(next() * (high - low + 1)),
    chance: (probability) => next() < probability,
    pick: (items) => {
      const item = items[Math.floor(next() * items.length)];
      if (item === undefined) throw new RangeError('nothing to pick from');
      return item;
    },
    // Four uniforms have variance 4/12; √3 scales that to one.
    normal: (mean, deviation) => mean + (next() + next() + next() + next() - 2) * 1.7320508 * deviation,
    uuid: () => bitsToUuid(bits(), bits(), bits(), bits()),
  };
}

/** Four words of a text (xmur3-like): every character reaches every word. */
function mix(text: string): [number, number, number, number] {
  const words: [number, number, number, number] = [0x9e3779b9, 0x243f6a88, 0xb7e15162, text.length];
  for (let i = 0; i < text.length; i++) {
    const lane = i & 3;
    const word = Math.imul((words[lane] ?? 0) ^ text.charCodeAt(i), 0x85ebca6b);
    words[lane] = (word << 13) | (word >>> 19);
    words[(lane + 1) & 3] = ((words[(lane + 1) & 3] ?? 0) ^ Math.imul(word, 0xc2b2ae35)) | 0;
  }
  return words;
}

function bitsToUuid(a: number, b: number, c: number, d: number): string {
  const hex = (word: number) => word.toString(16).padStart(8, '0');
  const middle = hex(b);
  const variant = hex(((c & 0x3fffffff) | 0x80000000) >>> 0);
  return `${hex(a)}-${middle.slice(0, 4)}-4${middle.slice(5)}-${variant.slice(0, 4)}-${variant.slice(4)}${hex(d)}`;
}
