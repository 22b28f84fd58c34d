import type { CodeSystemTable } from './code-system-table.ts';
import type { ConceptFilter } from './compact-value-set.ts';
import { compilePattern } from './safe-pattern.ts';

/** Names by which filters mean the concept itself. */
const ITSELF = new Set(['concept', 'code']);
/** Properties that every code system has (R4 CodeSystem, "Defined Concept Properties"). */
const STANDARD = new Set(['code', 'display', 'definition', 'parent', 'child', 'inactive', 'notSelectable', 'status']);
const MAX_LISTED = 1_000;

/**
 * Whether a concept of `table` passes `filter`, as a function of its index (R4 filter-operator). Undefined when
 * the filter is not evaluated: an operator or property that the system does not have, a hierarchy that is not is-a, a
 * concept that is not there, a pattern beyond `compilePattern`. `spend` is told what the work costs, in concepts.
 */
export function conceptFilter(
  table: CodeSystemTable,
  filter: ConceptFilter,
  spend: (steps: number) => void,
): ((index: number) => boolean) | undefined {
  spend(table.size);
  return hierarchyFilter(table, filter) ?? propertyFilter(table, filter, spend);
}

function hierarchyFilter(
  table: CodeSystemTable,
  { property, op, value }: ConceptFilter,
): ((index: number) => boolean) | undefined {
  const at = table.indexOf(value);
  if (!ITSELF.has(property) || at === undefined || !table.isTaxonomy) return undefined;
  switch (op) {
    case 'is-a':
      return within(table.selfAndBelow(at));
    case 'descendent-of': {
      const below = table.selfAndBelow(at);
      return (index) => index !== at && below.has(index);
    }
    case 'is-not-a': {
      const below = table.selfAndBelow(at);
      return (index) => !below.has(index);
    }
    case 'generalizes':
      return within(table.selfAndAbove(at));
    default:
      return undefined;
  }
}

function within(indices: ReadonlySet<number>): (index: number) => boolean {
  return (index) => indices.has(index);
}

function propertyFilter(
  table: CodeSystemTable,
  { property, op, value }: ConceptFilter,
  spend: (steps: number) => void,
): ((index: number) => boolean) | undefined {
  const name = property === 'concept' ? 'code' : property;
  if (!STANDARD.has(name) && !table.system.properties.includes(name)) return undefined;
  const some = (test: (text: string) => boolean) => (index: number) => textsOf(table, index, name).some(test);
  const fold =
    name === 'code' || name === 'parent' || name === 'child' ? table.fold.bind(table) : (text: string) => text;
  switch (op) {
    case '=': {
      const wanted = fold(value);
      return some((text) => fold(text) === wanted);
    }
    case 'in':
    case 'not-in': {
      const listed = new Set(value.split(',').map((part) => fold(part.trim())));
      if (listed.size > MAX_LISTED) return undefined;
      const isIn = some((text) => listed.has(fold(text)));
      return op === 'in' ? isIn : (index) => !isIn(index);
    }
    case 'exists': {
      if (value !== 'true' && value !== 'false') return undefined;
      return (index) => textsOf(table, index, name).length > 0 === (value === 'true');
    }
    case 'regex': {
      const pattern = compilePattern(value);
      if (pattern === undefined) return undefined;
      return some((text) => {
        spend(1 + Math.ceil((text.length * pattern.steps) / 50));
        return pattern.matches(text);
      });
    }
    default:
      return undefined;
  }
}

/** Values of a property as text. */
function textsOf(table: CodeSystemTable, index: number, name: string): string[] {
  switch (name) {
    case 'code':
      return [table.code(index)];
    case 'display':
      return [table.display(index)].filter((text) => text !== undefined);
    case 'definition':
      return [table.definition(index)].filter((text) => text !== undefined);
    case 'parent':
      return table.parentsOf(index).map((parent) => table.code(parent));
    case 'child':
      return table.childrenOf(index).map((child) => table.code(child));
    default:
      return table.properties(index).flatMap(([code, , value]) => (code === name ? propertyText(value) : []));
  }
}

function propertyText(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value === 'boolean' || typeof value === 'number') return [String(value)];
  const { code } = (value ?? {}) as { code?: unknown };
  return typeof code === 'string' ? [code] : [];
}
