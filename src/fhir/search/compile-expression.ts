import type { CompactDefinitions } from '../definitions/definitions.ts';
import type { ParsedResource } from '../patient-account.ts';
import { elementsNamed, isOfType, isResourceType } from './element-types.ts';
import { type Expression, parseExpression } from './expression-syntax.ts';
import { referencedType } from './referenced-type.ts';

/** What a value is: its FHIR type, and the code system that an element of type code leaves unsaid. */
export interface Leaf {
  readonly type: string;
  readonly system?: string;
}

/** A value that an expression found. */
export interface Found {
  readonly value: unknown;
  readonly leaf: Leaf;
}

/** An expression made into code: the values that it finds from `focus`, an element of `resource` or itself. */
export interface CompiledExpression {
  find(focus: unknown, resource: ParsedResource): readonly Found[];
  /** What it can find; undefined when that is not known beforehand. */
  readonly leaves?: readonly Leaf[];
}

/** Going down to an element, or what stays of a collection, or what becomes of a value. */
type Step =
  | string
  | { readonly keep: (value: unknown, resource: ParsedResource) => boolean }
  | { readonly take: (value: unknown, resource: ParsedResource) => readonly unknown[] };

/** One way through the types: after `steps` values are of the leaf's type. */
interface Branch {
  readonly leaf: Leaf;
  /** Begins at the resource rather than at the focus (`%resource`). */
  readonly fromResource: boolean;
  readonly steps: readonly Step[];
}

/** Choices of `Extension.value[x]` multiply; no expression of R4 has more than a few. */
const MAX_BRANCHES = 1000;
const NOTHING: readonly Found[] = [];

class OutsideSubset extends Error {}

/**
 * Compiles `text` for values of `type` as focus (a resource type, or the element type of a composite), in resources of
 * `resourceType`. Types are followed through R4's definitions, so that only names of elements are ever looked up.
 * Undefined when it is outside the subset that R4's own parameters use.
 */
export function compileExpression(
  definitions: CompactDefinitions,
  text: string,
  type: string,
  resourceType: string,
): CompiledExpression | undefined {
  const expression = parseExpression(text);
  if (expression === undefined) return undefined;
  try {
    const branches = new Compiler(definitions, resourceType).branches(expression, atFocus(type));
    return { find: (focus, resource) => findAll(branches, focus, resource), leaves: branches.map(({ leaf }) => leaf) };
  } catch (thrown) {
    if (thrown instanceof OutsideSubset) return undefined;
    throw thrown;
  }
}

function atFocus(type: string): readonly Branch[] {
  return [{ leaf: { type }, fromResource: false, steps: [] }];
}

function findAll(branches: readonly Branch[], focus: unknown, resource: ParsedResource): readonly Found[] {
  let found: Found[] | undefined;
  for (const { leaf, fromResource, steps } of branches) {
    const values = walk(steps, 0, fromResource ? resource : focus, resource, undefined);
    if (values === undefined) continue;
    found ??= [];
    for (const value of values) found.push({ value, leaf });
  }
  return found ?? NOTHING;
}

/** Values after the steps from `at` on; arrays on the way are spread. Undefined for none, which is the usual answer. */
function walk(
  steps: readonly Step[],
  at: number,
  from: unknown,
  resource: ParsedResource,
  into: unknown[] | undefined,
): unknown[] | undefined {
  let value = from;
  let out = into;
  for (let index = at; ; index++) {
    if (value === undefined || value === null) return out;
    if (Array.isArray(value)) {
      for (const item of value) out = walk(steps, index, item, resource, out);
      return out;
    }
    const step = steps[index];
    if (step === undefined) {
      out ??= [];
      out.push(value);
      return out;
    }
    if (typeof step === 'string') {
      if (typeof value !== 'object') return out;
      value = (value as Record<string, unknown>)[step];
    } else if ('keep' in step) {
      if (!step.keep(value, resource)) return out;
    } else {
      value = step.take(value, resource);
    }
  }
}

class Compiler {
  readonly #definitions: CompactDefinitions;
  readonly #resourceType: string;

  constructor(definitions: CompactDefinitions, resourceType: string) {
    this.#definitions = definitions;
    this.#resourceType = resourceType;
  }

  /** `expression` from `focus` on. */
  branches(expression: Expression, focus: readonly Branch[]): readonly Branch[] {
    const out = this.#branches(expression, focus);
    if (out.length > MAX_BRANCHES) throw new OutsideSubset();
    return out;
  }

  #branches(expression: Expression, focus: readonly Branch[]): readonly Branch[] {
    switch (expression.kind) {
      case 'this':
        return focus;
      case 'resource':
        return [{ leaf: { type: this.#resourceType }, fromResource: true, steps: [] }];
      case 'name':
        return this.#named(expression.name, focus);
      case 'member':
        return this.#down(this.branches(expression.of, focus), expression.name);
      case 'index':
        return this.#collected(this.branches(expression.of, focus), (values) =>
          values.slice(expression.at, expression.at + 1),
        );
      case 'call':
        return this.#called(expression, focus);
      case 'binary':
        if (expression.operator === '|')
          return [...this.branches(expression.left, focus), ...this.branches(expression.right, focus)];
        if (expression.operator === 'as') return this.#ofType(this.branches(expression.left, focus), expression.right);
        return this.#truth(expression, focus);
      case 'literal':
        throw new OutsideSubset();
    }
  }

  /** A name at the beginning: of the focus' own type, of another's resource, or of an element. */
  #named(name: string, focus: readonly Branch[]): readonly Branch[] {
    const isRoot = focus.every(({ leaf, steps }) => steps.length === 0 && isResourceType(this.#definitions, leaf.type));
    if (isRoot && isResourceType(this.#definitions, name)) {
      return focus.filter(({ leaf }) => leaf.type === name || name === 'Resource' || name === 'DomainResource');
    }
    return this.#down(focus, name);
  }

  #down(branches: readonly Branch[], name: string): readonly Branch[] {
    return branches.flatMap((branch) =>
      elementsNamed(this.#definitions, branch.leaf.type, name).map(({ name: member, type, system }) => ({
        ...branch,
        leaf: system === undefined ? { type } : { type, system },
        steps: [...branch.steps, member],
      })),
    );
  }

  #called(call: Expression & { kind: 'call' }, focus: readonly Branch[]): readonly Branch[] {
    const [first] = call.arguments;
    switch (call.name) {
      case 'where':
        if (first === undefined) break;
        return this.branches(call.of, focus).map((branch) => {
          const test = this.#test(first, branch.leaf.type);
          return {
            ...branch,
            steps: [...branch.steps, { keep: (value, resource) => test(value, resource) === true }],
          };
        });
      case 'ofType':
      case 'as':
        if (first === undefined) break;
        return this.#ofType(this.branches(call.of, focus), first);
      case 'extension':
        if (first?.kind !== 'literal') break;
        return this.#down(this.branches(call.of, focus), 'extension').map((branch) => ({
          ...branch,
          steps: [...branch.steps, { keep: (value) => (value as { url?: unknown }).url === first.value }],
        }));
      case 'first':
        return this.#collected(this.branches(call.of, focus), (values) => values.slice(0, 1));
      case 'exists':
      case 'empty':
      case 'not':
        return this.#truth(call, focus);
    }
    throw new OutsideSubset();
  }

  #ofType(branches: readonly Branch[], wanted: Expression): readonly Branch[] {
    if (wanted.kind !== 'name') throw new OutsideSubset();
    return branches.flatMap((branch) => {
      if (isOfType(branch.leaf.type, wanted.name)) return [branch];
      if (branch.leaf.type !== 'Resource' || !isResourceType(this.#definitions, wanted.name)) return [];
      const keep = (value: unknown) => (value as ParsedResource).resourceType === wanted.name;
      return [{ ...branch, leaf: { type: wanted.name }, steps: [...branch.steps, { keep }] }];
    });
  }

  /** A part of the whole collection: known when all of it comes by one branch. */
  #collected(branches: readonly Branch[], part: (values: unknown[]) => unknown[]): readonly Branch[] {
    const [branch, ...others] = branches;
    if (branch === undefined) return [];
    if (others.length > 0) throw new OutsideSubset();
    const take = (value: unknown, resource: ParsedResource) =>
      part(walk(branch.steps, 0, value, resource, undefined) ?? []);
    return [{ ...branch, steps: [{ take }] }];
  }

  #truth(expression: Expression, focus: readonly Branch[]): readonly Branch[] {
    const [branch, ...others] = focus;
    if (branch === undefined || others.length > 0 || branch.steps.length > 0) throw new OutsideSubset();
    const test = this.#test(expression, branch.leaf.type);
    const take = (value: unknown, resource: ParsedResource) => {
      const truth = test(value, resource);
      return truth === undefined ? [] : [truth];
    };
    return [{ leaf: { type: 'boolean' }, fromResource: branch.fromResource, steps: [{ take }] }];
  }

  /** A condition on values of `type`, true, false or neither (FHIRPath's empty). */
  #test(expression: Expression, type: string): (value: unknown, resource: ParsedResource) => boolean | undefined {
    const focus = atFocus(type);
    if (expression.kind === 'call') {
      const branches = () => this.branches(expression.of, focus);
      if (expression.arguments.length > 0) throw new OutsideSubset();
      if (expression.name === 'not') {
        const test = this.#test(expression.of, type);
        return (value, resource) => negated(test(value, resource));
      }
      if (expression.name === 'exists' || expression.name === 'empty') {
        const wanted = expression.name === 'exists';
        const all = branches();
        return (value, resource) => findAll(all, value, resource).length > 0 === wanted;
      }
      throw new OutsideSubset();
    }
    if (expression.kind !== 'binary') throw new OutsideSubset();
    const { operator, left, right } = expression;
    if (operator === 'and' || operator === 'or') {
      const [one, other] = [this.#test(left, type), this.#test(right, type)];
      const decisive = operator === 'or';
      return (value, resource) => {
        const [first, second] = [one(value, resource), other(value, resource)];
        if (first === decisive || second === decisive) return decisive;
        return first === undefined || second === undefined ? undefined : !decisive;
      };
    }
    if (operator === 'is') return this.#isTest(left, right, focus);
    if ((operator !== '=' && operator !== '!=') || right.kind !== 'literal') throw new OutsideSubset();
    const branches = this.branches(left, focus);
    return (value, resource) => {
      const found = findAll(branches, value, resource);
      if (found.length === 0) return undefined;
      const isEqual = found.length === 1 && found[0]?.value === right.value;
      return isEqual === (operator === '=');
    };
  }

  #isTest(left: Expression, right: Expression, focus: readonly Branch[]) {
    if (right.kind !== 'name') throw new OutsideSubset();
    const wanted = right.name;
    if (left.kind === 'call' && left.name === 'resolve') {
      const branches = this.branches(left.of, focus);
      if (!branches.every(({ leaf }) => leaf.type === 'Reference')) throw new OutsideSubset();
      return (value: unknown, resource: ParsedResource) =>
        findAll(branches, value, resource).some((one) => referencedType(one.value, resource) === wanted);
    }
    const branches = this.branches(left, focus);
    return (value: unknown, resource: ParsedResource) => {
      const [found] = findAll(branches, value, resource);
      return found === undefined ? undefined : isOfType(found.leaf.type, wanted);
    };
  }
}

function negated(truth: boolean | undefined): boolean | undefined {
  return truth === undefined ? undefined : !truth;
}
