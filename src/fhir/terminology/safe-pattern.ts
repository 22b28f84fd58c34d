/** Bounds: a pattern's characters, and its steps once repetitions are written out. */
const MAX_CHARS = 200;
const MAX_STEPS = 400;

type CharTest = (char: number) => boolean;
type Step =
  | { readonly kind: 'char'; readonly test: CharTest }
  | { readonly kind: 'split'; readonly to: readonly number[] }
  | { readonly kind: 'match' };

/** A pattern that is matched in time linear in the text, whatever it is. */
export interface SafePattern {
  /** How much one character of text costs at most. */
  readonly steps: number;
  /** Whether all of `text` matches. */
  matches(text: string): boolean;
}

/**
 * Compiles a regular expression of the kind that value sets' filters hold: characters, `.`, classes, `\d \w \s`,
 * groups, `|`, `? * + {m,n}`, `^` at the begin and `$` at the end. A filter's pattern is for the whole value (R4
 * filter-operator `regex`). Returns undefined for what is longer, or uses more (looking around, references back):
 * then the filter is not evaluated. It runs all alternatives at once, so no pattern of a client's can stall the server
 * as it could with RegExp.
 */
export function compilePattern(source: string): SafePattern | undefined {
  if (source.length > MAX_CHARS) return undefined;
  try {
    const steps = new Compiler(source).compile();
    return { steps: steps.length, matches: (text) => run(steps, text) };
  } catch (error) {
    if (error instanceof Unsupported) return undefined;
    throw error;
  }
}

class Unsupported extends Error {}

/** A part of a pattern, written out anew for each repetition: its steps begin at the index given. */
type Part = (at: number) => Step[];

class Compiler {
  private at = 0;
  private depth = 0;
  private readonly chars: readonly string[];

  constructor(source: string) {
    this.chars = [...source.replace(/^\^/, '').replace(/(?<!\\)\$$/, '')];
  }

  compile(): Step[] {
    const part = this.alternatives();
    if (this.at < this.chars.length) throw new Unsupported();
    return [...part(0), { kind: 'match' }];
  }

  private peek(): string | undefined {
    return this.chars[this.at];
  }

  private next(): string {
    const char = this.chars[this.at++];
    if (char === undefined) throw new Unsupported();
    return char;
  }

  private alternatives(): Part {
    const parts = [this.sequence()];
    while (this.peek() === '|') {
      this.at++;
      parts.push(this.sequence());
    }
    return parts.reduceRight((rest, part) => choice(part, rest));
  }

  private sequence(): Part {
    const parts: Part[] = [];
    for (let char = this.peek(); char !== undefined && char !== '|' && char !== ')'; char = this.peek())
      parts.push(this.repeated(this.single()));
    return (at) => joined(parts, at);
  }

  private single(): Part {
    const char = this.next();
    if (char === '(') return this.group();
    if (char === '[') return one(this.characterClass());
    if (char === '.') return one((code) => code !== 10 && code !== 13);
    if (char === '\\') return one(this.escape());
    if ('*+?{}^$]'.includes(char)) throw new Unsupported();
    return one(equals(char));
  }

  private group(): Part {
    if (this.peek() === '?') {
      this.at++;
      if (this.next() !== ':') throw new Unsupported();
    }
    if (++this.depth > 20) throw new Unsupported();
    const part = this.alternatives();
    if (this.next() !== ')') throw new Unsupported();
    this.depth--;
    return part;
  }

  private repeated(part: Part): Part {
    const char = this.peek();
    if (char === undefined || !'?*+{'.includes(char)) return part;
    this.at++;
    // Repeating nothing, nested, would take time without adding a step.
    if (part(0).length === 0) throw new Unsupported();
    const [min, max] =
      char === '?' ? [0, 1] : char === '*' ? [0, undefined] : char === '+' ? [1, undefined] : this.counts();
    // Lazy or greedy is one language; a possessive or doubled repetition is another matter.
    if (this.peek() === '?') this.at++;
    if ('*+?{'.includes(this.peek() ?? ' ')) throw new Unsupported();
    const required = Array.from({ length: min }, () => part);
    if (max === undefined) return (at) => joined([...required, loop(part)], at);
    const rest = Array.from({ length: max - min }).reduce<Part>(
      (inner) => optional(part, inner),
      () => [],
    );
    return (at) => joined([...required, rest], at);
  }

  private counts(): [number, number | undefined] {
    const end = this.chars.indexOf('}', this.at);
    const match = /^(\d{1,3})(,(\d{0,3}))?$/.exec(end === -1 ? '' : this.chars.slice(this.at, end).join(''));
    if (match === null) throw new Unsupported();
    this.at = end + 1;
    const min = Number(match[1]);
    const max = match[2] === undefined ? min : match[3] === '' ? undefined : Number(match[3]);
    if (min > MAX_STEPS || (max !== undefined && (max < min || max > MAX_STEPS))) throw new Unsupported();
    return [min, max];
  }

  private characterClass(): CharTest {
    const negated = this.peek() === '^';
    if (negated) this.at++;
    const tests: CharTest[] = [];
    while (this.peek() !== ']') {
      const char = this.next();
      if (char === '[' || (char === '&' && this.peek() === '&')) throw new Unsupported();
      const isSet = char === '\\' && /[dDwWsS]/.test(this.peek() ?? '');
      const test = char === '\\' ? this.escape() : equals(char);
      const low = char === '\\' ? (this.chars[this.at - 1] as string) : char;
      if (this.peek() !== '-' || this.chars[this.at + 1] === ']' || isSet) {
        tests.push(test);
        continue;
      }
      this.at++;
      let high = this.next();
      if (high === '\\') {
        this.escape();
        high = this.chars[this.at - 1] as string;
      }
      const [from, to] = [low.codePointAt(0) as number, high.codePointAt(0) as number];
      if (from > to) throw new Unsupported();
      tests.push((code) => code >= from && code <= to);
    }
    this.at++;
    return (code) => tests.some((test) => test(code)) !== negated;
  }

  /** After a backslash. */
  private escape(): CharTest {
    const char = this.next();
    const set = SETS[char.toLowerCase()];
    if (set !== undefined && /[dwsDWS]/.test(char)) return char === char.toLowerCase() ? set : (code) => !set(code);
    // Any other letter or digit has a meaning that is not read here.
    if (/[A-Za-z0-9]/.test(char)) throw new Unsupported();
    return equals(char);
  }
}

const isDigit: CharTest = (code) => code >= 48 && code <= 57;
const SETS: Readonly<Record<string, CharTest>> = Object.assign(Object.create(null), {
  d: isDigit,
  w: (code: number) => isDigit(code) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95,
  s: (code: number) => code === 32 || (code >= 9 && code <= 13),
});

function equals(char: string): CharTest {
  const wanted = char.codePointAt(0);
  return (code) => code === wanted;
}

function one(test: CharTest): Part {
  return () => [{ kind: 'char', test }];
}

function joined(parts: readonly Part[], at: number): Step[] {
  const steps: Step[] = [];
  for (const part of parts) {
    for (const step of part(at + steps.length)) steps.push(step);
    if (steps.length > MAX_STEPS) throw new Unsupported();
  }
  return steps;
}

function choice(left: Part, right: Part): Part {
  return (at) => {
    const first = left(at + 1);
    const second = right(at + first.length + 2);
    const end = at + first.length + second.length + 2;
    if (end - at > MAX_STEPS) throw new Unsupported();
    return [{ kind: 'split', to: [at + 1, at + first.length + 2] }, ...first, { kind: 'split', to: [end] }, ...second];
  };
}

/** `part` and then `rest`, or nothing. */
function optional(part: Part, rest: Part): Part {
  return (at) => {
    const steps = joined([part, rest], at + 1);
    return [{ kind: 'split', to: [at + 1, at + 1 + steps.length] }, ...steps];
  };
}

function loop(part: Part): Part {
  return (at) => {
    const steps = part(at + 1);
    return [{ kind: 'split', to: [at + 1, at + steps.length + 2] }, ...steps, { kind: 'split', to: [at] }];
  };
}

function run(steps: readonly Step[], text: string): boolean {
  let active = reach(steps, [0]);
  for (const char of text) {
    const code = char.codePointAt(0) as number;
    const next: number[] = [];
    for (const at of active) {
      const step = steps[at] as Step;
      if (step.kind === 'char' && step.test(code)) next.push(at + 1);
    }
    if (next.length === 0) return false;
    active = reach(steps, next);
  }
  return [...active].some((at) => steps[at]?.kind === 'match');
}

/** All steps that can be stood at without reading a character. */
function reach(steps: readonly Step[], from: readonly number[]): Set<number> {
  const seen = new Set(from);
  for (const at of seen) {
    const step = steps[at] as Step;
    if (step.kind === 'split') for (const to of step.to) seen.add(to);
  }
  return seen;
}
