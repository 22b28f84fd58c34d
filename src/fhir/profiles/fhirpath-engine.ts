import { createRequire } from 'node:module';
import type { Model, UserInvocationTable } from 'fhirpath';
import { referenceTarget } from './references.ts';
import { isObject, type Node, type Walk } from './walk.ts';

type Fhirpath = typeof import('fhirpath');
type Compiled = (data: unknown, environment: Readonly<Record<string, unknown>>) => unknown;

/** What an invariant's expression says of an element; `unknown` when it cannot be evaluated here. */
export type Verdict = 'holds' | 'fails' | 'unknown';

const compiled = new Map<string, Compiled | undefined>();
let engine: { readonly fhirpath: Fhirpath; readonly model: Model; readonly nodesOf: Compiled } | undefined;
/** The walk that is evaluating; expressions are evaluated one after the other, never across an await. */
let current: Walk | undefined;

/**
 * Evaluates an invariant of an element (`data`, of the type or backbone path `base`). Expressions come from R4 and from
 * loaded packages; nothing is fetched: `resolve()` finds what is in the same resource or Bundle, and otherwise knows of
 * a reference's target its type at most. The engine is loaded at the first expression that needs it.
 */
export function evaluateInvariant(expression: string, base: string, data: unknown, walk: Walk): Verdict {
  const evaluate = compile(expression, base);
  if (evaluate === undefined) return 'unknown';
  const before = current;
  current = walk;
  try {
    const environment = { resource: walk.resource, rootResource: walk.container.resource };
    const result = evaluate(data, environment);
    if (!Array.isArray(result)) return 'unknown';
    // Nothing is no yes, but dates of different precision are not said to be in the wrong order (FHIRPath §6.2).
    if (result.length === 0) return /[<>]/.test(expression) ? 'holds' : 'fails';
    return result.length === 1 && result[0] === false ? 'fails' : 'holds';
  } catch {
    return 'unknown';
  } finally {
    current = before;
  }
}

function compile(expression: string, base: string): Compiled | undefined {
  const key = `${base}\n${expression}`;
  if (!compiled.has(key)) compiled.set(key, compileNew(expression, base));
  return compiled.get(key);
}

function compileNew(expression: string, base: string): Compiled | undefined {
  const { fhirpath, model } = loaded();
  try {
    const plain = plainExpression(expression);
    const options = { userInvocationTable: FUNCTIONS, async: false } as const;
    const number = NUMBERS.get(base);
    if (number === undefined) return fhirpath.compile({ base, expression: plain }, model, options) as Compiled;
    // The engine takes no bare number as its root, so it gets one inside a type that has such an element.
    const inside = fhirpath.compile(
      { base: number.type, expression: `${number.element}.all(${plain})` },
      model,
      options,
    );
    return (data, environment) => (inside as Compiled)({ [number.element]: data }, environment);
  } catch {
    return undefined;
  }
}

function loaded(): NonNullable<typeof engine> {
  if (engine === undefined) {
    const require = createRequire(import.meta.url);
    const fhirpath = require('fhirpath') as Fhirpath;
    const model = require('fhirpath/fhir-context/r4') as Model;
    const nodesOf = fhirpath.compile('$this', model, { resolveInternalTypes: false }) as Compiled;
    engine = { fhirpath, model, nodesOf };
  }
  return engine;
}

const NUMBERS: ReadonlyMap<string, { readonly type: string; readonly element: string }> = new Map([
  ['decimal', { type: 'Quantity', element: 'value' }],
  ['integer', { type: 'ElementDefinition', element: 'maxLength' }],
  ['unsignedInt', { type: 'Attachment', element: 'size' }],
  ['positiveInt', { type: 'SampledData', element: 'dimensions' }],
]);

const SYSTEM_TYPES = /\b(is|as)\s+(?:System\.)?(Boolean|String|Integer|Decimal|DateTime|Date|Time)\b/g;
const BARE_NAMES = /^\s*[a-z][A-Za-z]*(?:\s+or\s+[a-z][A-Za-z]*)+\s*$/;

/**
 * Published invariants say `is DateTime` of a dateTime and `telecom or endpoint` of lists. FHIRPath takes neither as
 * meant (the values are FHIR.dateTime, and a list of two is no truth value), so they are read as the authors' own
 * validator reads them.
 */
export function plainExpression(expression: string): string {
  if (BARE_NAMES.test(expression)) {
    return expression
      .trim()
      .split(/\s+or\s+/)
      .map((name) => `${name}.exists()`)
      .join(' or ');
  }
  return expression.replace(
    SYSTEM_TYPES,
    (_, operator: string, type: string) => `${operator} ${type.charAt(0).toLowerCase()}${type.slice(1)}`,
  );
}

const dataOf = (item: unknown): unknown =>
  typeof item === 'object' && item !== null && 'data' in item ? (item as { data: unknown }).data : item;

const FUNCTIONS: UserInvocationTable = {
  trace: {
    fn: (items: readonly unknown[]) => items,
    arity: { 1: ['String'], 2: ['String', 'Expr'] },
    internalStructures: true,
  },
  resolve: { fn: (items: readonly unknown[]) => items.flatMap(resolveOne), arity: { 0: [] }, internalStructures: true },
  isDistinct: { fn: isDistinct, arity: { 0: [] }, internalStructures: true },
  matches: { fn: matches, arity: { 1: ['String'] }, internalStructures: true },
  memberOf: { fn: memberOf, arity: { 1: ['String'] }, internalStructures: true },
};

/** The engine's own compares all with all, which takes minutes for a list that fits into one resource. */
function isDistinct(items: readonly unknown[]): boolean {
  const seen = new Set<string>();
  for (const item of items) seen.add(JSON.stringify(sorted(dataOf(item))));
  return seen.size === items.length;
}

/** With members in order, so that equal objects have equal texts. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, item]) => [name, sorted(item)]);
}

/** Patterns come from R4 and from packages that an operator chose; what they are held against does not. */
const MATCHED_CHARS = 4096;
const patterns = new Map<string, RegExp>();

/** Published patterns escape more than Unicode mode allows, so each is tried in both modes. */
function matches(items: readonly unknown[], pattern: string): boolean | unknown[] {
  const text = items.length === 1 ? dataOf(items[0]) : undefined;
  if (typeof text !== 'string') return [];
  let expression = patterns.get(pattern);
  if (expression === undefined) {
    try {
      expression = new RegExp(pattern, 'su');
    } catch {
      expression = new RegExp(pattern, 's');
    }
    patterns.set(pattern, expression);
  }
  return text.length <= MATCHED_CHARS && expression.test(text);
}

function resolveOne(item: unknown): unknown[] {
  const data = dataOf(item);
  const reference: Node | undefined =
    typeof data === 'string' ? { reference: data } : isObject(data) ? data : undefined;
  if (reference === undefined || current === undefined) return [];
  const target = referenceTarget(reference, current);
  if (target.kind !== 'known') return [];
  return loaded().nodesOf(target.resource ?? { resourceType: target.type }, {}) as unknown[];
}

function memberOf(items: readonly unknown[], valueSet: string): boolean[] {
  const data = items.length === 1 ? dataOf(items[0]) : undefined;
  const terminology = current?.terminology;
  if (data === undefined || terminology === undefined) return [];
  const codings =
    typeof data === 'string' ? [{ code: data }] : isObject(data) && Array.isArray(data.coding) ? data.coding : [data];
  const found = codings.filter(isObject).map((coding) =>
    terminology.inValueSet(valueSet, {
      code: String(coding.code),
      ...(typeof coding.system === 'string' ? { system: coding.system } : {}),
    }),
  );
  // What cannot be told is not held against the resource.
  return [found.includes('member') || found.includes('unknown')];
}
