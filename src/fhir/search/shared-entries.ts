import { type Expression, parseExpression, unionParts } from './expression-syntax.ts';

/** Where the index has a parameter's entries. */
export interface IndexedAs {
  /** Codes of the parameters that they are filed under. */
  readonly names: readonly string[];
  /** Set when only what refers to this type counts (`patient` among the entries of `subject`). */
  readonly onlyType?: string;
}

interface Candidate {
  readonly code: string;
  readonly kind: string;
  readonly expression: string;
  /** What a reference may lead to. */
  readonly targets?: readonly string[] | string;
}

/** Kinds of which several names may stand for one: a reference's name is also that of links, chains and includes. */
const UNITED = new Set(['token', 'quantity', 'uri']);

/**
 * Spares the index what it has already: `phonetic` looks where `name` does, `combo-code` where `code` and
 * `component-code` do, and `patient` at those of `subject` that are patients. A parameter is only filed under ones
 * that come before it or hold a part of it, so that added ones never move those of R4. Codes that are not in the answer have their own entries.
 */
export function sharedEntries(parameters: readonly Candidate[]): ReadonlyMap<string, IndexedAs> {
  const out = new Map<string, IndexedAs>();
  const known = parameters.flatMap(({ code, kind, expression, targets }) => {
    const parsed = parseExpression(expression);
    return parsed === undefined ? [] : [{ code, kind, targets: String(targets), parts: unionParts(parsed) }];
  });
  const texts = known.map(({ parts }) => new Set(parts.map((part) => JSON.stringify(part))));
  for (const [index, { code, kind, targets, parts }] of known.entries()) {
    const own = texts[index] as ReadonlySet<string>;
    const others = known.flatMap((other, at) =>
      other.kind === kind && at !== index && !out.has(other.code) && isEarlierOrSmaller(at, index, texts)
        ? [{ code: other.code, targets: other.targets, texts: texts[at] as ReadonlySet<string>, at }]
        : [],
    );
    const same = others.find(
      (other) =>
        other.at < index && other.targets === targets && other.texts.size === own.size && own.isSubsetOf(other.texts),
    );
    if (same !== undefined) {
      out.set(code, { names: [same.code] });
      continue;
    }
    if (kind === 'reference') {
      const narrowed = narrowedParts(parts);
      const wide = others.find(
        (other) =>
          narrowed !== undefined && other.texts.size === narrowed.texts.size && narrowed.texts.isSubsetOf(other.texts),
      );
      if (wide !== undefined && narrowed !== undefined) out.set(code, { names: [wide.code], onlyType: narrowed.type });
    } else if (UNITED.has(kind)) {
      const pieces = others.filter((other) => other.texts.isSubsetOf(own));
      const covered = new Set(pieces.flatMap((piece) => [...piece.texts]));
      if (pieces.length > 1 && covered.size === own.size) out.set(code, { names: pieces.map((piece) => piece.code) });
    }
  }
  return out;
}

/** Of two that look at the same places the first keeps its entries; a part, or the wider one, keeps them anyway. */
function isEarlierOrSmaller(at: number, index: number, texts: readonly ReadonlySet<string>[]): boolean {
  const [other, own] = [texts[at], texts[index]];
  if (other === undefined || own === undefined) return false;
  const isSame = other.size === own.size && own.isSubsetOf(other);
  return isSame ? at < index : true;
}

/** Paths whose references count only when they lead to one type, without that condition. */
function narrowedParts(
  parts: readonly Expression[],
): { readonly texts: ReadonlySet<string>; readonly type: string } | undefined {
  const texts = new Set<string>();
  const types = new Set<string>();
  for (const part of parts) {
    if (part.kind !== 'call' || part.name !== 'where') return undefined;
    const [condition] = part.arguments;
    if (condition?.kind !== 'binary' || condition.operator !== 'is' || condition.right.kind !== 'name')
      return undefined;
    const { left } = condition;
    if (left.kind !== 'call' || left.name !== 'resolve' || left.of.kind !== 'this') return undefined;
    texts.add(JSON.stringify(part.of));
    types.add(condition.right.name);
  }
  const [type, ...others] = types;
  return type === undefined || others.length > 0 ? undefined : { texts, type };
}
