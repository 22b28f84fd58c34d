import { both, butNot, either, NO, type Truth, YES } from './truth.ts';

/** Members of a value set from one code system. */
export interface SystemMembers {
  /** By code, folded as the system compares codes. What is not listed has `rest`. */
  readonly codes: ReadonlyMap<string, Truth>;
  /** `YES` means: each valid code of the system. */
  readonly rest: Truth;
  /** Displays that the value set gives itself, and codes as it writes them, by folded code. */
  readonly displays?: ReadonlyMap<string, string>;
  readonly spellings?: ReadonlyMap<string, string>;
}

/** Why something of a value set cannot be told. */
export interface Gap {
  readonly at: string;
  readonly reason:
    | 'code system not here'
    | 'content of the code system not here'
    | 'version of the code system not here'
    | 'filter not evaluated'
    | 'value set not here'
    | 'value sets import each other'
    | 'value sets nested too deep'
    | 'value set has no definition that can be evaluated'
    | 'too much to evaluate';
}

/** Whom a value set holds, as far as can be told. */
export interface Members {
  readonly systems: ReadonlyMap<string, SystemMembers>;
  /** For codes of systems that are not named. */
  readonly other: Truth;
  readonly gaps: readonly Gap[];
}

const MAX_GAPS = 10;

export const NOBODY: Members = { systems: new Map(), other: NO, gaps: [] };

export function unknownMembers(other: Truth, gap: Gap): Members {
  return { systems: new Map(), other, gaps: [gap] };
}

export function ofSystem(system: string, members: SystemMembers, gaps: readonly Gap[] = []): Members {
  return { systems: new Map([[system, members]]), other: NO, gaps };
}

export function unionOf(a: Members, b: Members): Members {
  return combined(a, b, either);
}

export function intersectionOf(a: Members, b: Members): Members {
  return combined(a, b, both);
}

export function differenceOf(a: Members, b: Members): Members {
  return combined(a, b, butNot);
}

/** How many codes are held, for bounds. */
export function sizeOf({ systems }: Members): number {
  let size = 1;
  for (const { codes } of systems.values()) size += codes.size + 1;
  return size;
}

type Operator = (a: Truth, b: Truth) => Truth;

function combined(a: Members, b: Members, operator: Operator): Members {
  const other = operator(a.other, b.other);
  const systems = new Map<string, SystemMembers>();
  for (const url of new Set([...a.systems.keys(), ...b.systems.keys()])) {
    const left = a.systems.get(url) ?? { codes: new Map(), rest: a.other };
    const right = b.systems.get(url) ?? { codes: new Map(), rest: b.other };
    const members = combinedSystem(left, right, operator);
    if (members.codes.size > 0 || members.rest !== other) systems.set(url, members);
  }
  return { systems, other, gaps: joinedGaps(a.gaps, b.gaps) };
}

function combinedSystem(a: SystemMembers, b: SystemMembers, operator: Operator): SystemMembers {
  const rest = operator(a.rest, b.rest);
  const codes = new Map<string, Truth>();
  const keep = (code: string) => {
    const truth = operator(a.codes.get(code) ?? a.rest, b.codes.get(code) ?? b.rest);
    // A listed code is a member whether or not its system is here, so YES stays listed.
    if (truth !== rest || truth === YES) codes.set(code, truth);
  };
  for (const code of a.codes.keys()) keep(code);
  for (const code of b.codes.keys()) if (!a.codes.has(code)) keep(code);
  const displays = joinedTexts(b.displays, a.displays);
  const spellings = joinedTexts(b.spellings, a.spellings);
  return { codes, rest, ...(displays ? { displays } : {}), ...(spellings ? { spellings } : {}) };
}

function joinedTexts(
  a: ReadonlyMap<string, string> | undefined,
  b: ReadonlyMap<string, string> | undefined,
): ReadonlyMap<string, string> | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return new Map([...a, ...b]);
}

function joinedGaps(a: readonly Gap[], b: readonly Gap[]): readonly Gap[] {
  if (b.length === 0) return a;
  const gaps = [...a];
  for (const gap of b) {
    if (gaps.length < MAX_GAPS && !gaps.some(({ at, reason }) => at === gap.at && reason === gap.reason))
      gaps.push(gap);
  }
  return gaps;
}
