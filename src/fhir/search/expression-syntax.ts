/** FHIRPath (N1) as far as search parameters use it. */
export type Expression =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'this' }
  | { readonly kind: 'resource' }
  | { readonly kind: 'literal'; readonly value: string | number | boolean }
  | { readonly kind: 'member'; readonly of: Expression; readonly name: string }
  | { readonly kind: 'index'; readonly of: Expression; readonly at: number }
  | { readonly kind: 'call'; readonly of: Expression; readonly name: string; readonly arguments: readonly Expression[] }
  | {
      readonly kind: 'binary';
      readonly operator: '|' | 'and' | 'or' | '=' | '!=' | 'is' | 'as';
      readonly left: Expression;
      readonly right: Expression;
    };

/** Longest expression that is looked at, in characters. */
const MAX_CHARS = 4096;
/** Deepest nesting of parentheses. */
const MAX_DEPTH = 32;

const TOKEN = /\s*(?:('(?:[^'\\]|\\.)*')|(%?[A-Za-z_$][\w$]*)|(\d+)|(!=|[.()[\]|=,]))/y;

/** Operators from the loosest binding to the tightest. */
const LEVELS = [['or'], ['and'], ['=', '!='], ['|'], ['is', 'as']] as const;

/** Parses `text`; undefined when it uses more of FHIRPath than search parameters of R4 do. */
export function parseExpression(text: string): Expression | undefined {
  if (text.length > MAX_CHARS) return undefined;
  const tokens = tokensOf(text);
  if (tokens === undefined || tokens.length === 0) return undefined;
  const reader = new Reader(tokens);
  try {
    const expression = reader.level(0);
    return reader.atEnd() ? expression : undefined;
  } catch (thrown) {
    if (thrown instanceof OutsideSubset) return undefined;
    throw thrown;
  }
}

/** Parts of a union, each with its text: `a | b.where(c | d)` has two. */
export function unionParts(expression: Expression): Expression[] {
  return expression.kind === 'binary' && expression.operator === '|'
    ? [...unionParts(expression.left), ...unionParts(expression.right)]
    : [expression];
}

class OutsideSubset extends Error {}

function tokensOf(text: string): string[] | undefined {
  const tokens: string[] = [];
  const end = text.trimEnd().length;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < end) {
    const match = TOKEN.exec(text);
    if (match === null) return undefined;
    tokens.push((match[1] ?? match[2] ?? match[3] ?? match[4]) as string);
  }
  return tokens;
}

class Reader {
  readonly #tokens: readonly string[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  atEnd(): boolean {
    return this.#at === this.#tokens.length;
  }

  level(index: number): Expression {
    const operators = LEVELS[index];
    if (operators === undefined) return this.#path();
    let left = this.level(index + 1);
    for (;;) {
      const operator = operators.find((one) => one === this.#tokens[this.#at]);
      if (operator === undefined) return left;
      this.#at++;
      left = { kind: 'binary', operator, left, right: this.level(index + 1) };
    }
  }

  #path(): Expression {
    let of = this.#start();
    for (;;) {
      const token = this.#tokens[this.#at];
      if (token === '.') {
        this.#at++;
        const name = this.#next();
        if (!/^[A-Za-z_]/.test(name)) throw new OutsideSubset();
        of = this.#tokens[this.#at] === '(' ? this.#call(of, name) : { kind: 'member', of, name };
      } else if (token === '[') {
        this.#at++;
        const at = Number(this.#next());
        if (!Number.isSafeInteger(at)) throw new OutsideSubset();
        this.#expect(']');
        of = { kind: 'index', of, at };
      } else {
        return of;
      }
    }
  }

  #start(): Expression {
    const token = this.#next();
    if (token === '(') {
      if (++this.#depth > MAX_DEPTH) throw new OutsideSubset();
      const inner = this.level(0);
      this.#expect(')');
      this.#depth--;
      return inner;
    }
    if (token.startsWith("'")) return { kind: 'literal', value: token.slice(1, -1).replace(/\\(.)/g, '$1') };
    if (/^\d/.test(token)) return { kind: 'literal', value: Number(token) };
    if (token === 'true' || token === 'false') return { kind: 'literal', value: token === 'true' };
    if (token === '%resource' || token === '%context') return { kind: 'resource' };
    if (token === '$this') return { kind: 'this' };
    if (!/^[A-Za-z_]/.test(token)) throw new OutsideSubset();
    return this.#tokens[this.#at] === '(' ? this.#call({ kind: 'this' }, token) : { kind: 'name', name: token };
  }

  #call(of: Expression, name: string): Expression {
    if (++this.#depth > MAX_DEPTH) throw new OutsideSubset();
    this.#expect('(');
    const given: Expression[] = [];
    while (this.#tokens[this.#at] !== ')') {
      if (given.length > 0) this.#expect(',');
      given.push(this.level(0));
    }
    this.#at++;
    this.#depth--;
    return { kind: 'call', of, name, arguments: given };
  }

  #next(): string {
    const token = this.#tokens[this.#at++];
    if (token === undefined) throw new OutsideSubset();
    return token;
  }

  #expect(token: string): void {
    if (this.#next() !== token) throw new OutsideSubset();
  }
}
