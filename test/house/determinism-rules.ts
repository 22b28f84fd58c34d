import { dottedName, isNode, type SyntaxNode } from './syntax.ts';

const AMBIENT = new Set(
  `Date Temporal Intl WeakRef FinalizationRegistry Atomics SharedArrayBuffer performance globalThis
  eval Function crypto process Buffer console fetch navigator setTimeout setInterval setImmediate queueMicrotask
  structuredClone parseFloat escape unescape isFinite isNaN`.split(/\s+/),
);
const EXACT_MATH = new Set(['abs', 'ceil', 'clz32', 'floor', 'imul', 'max', 'min', 'sign', 'trunc']);
const LOCALE_OR_FLOAT_MEMBERS = new Set(
  `localeCompare normalize toLocaleString toLocaleDateString toLocaleTimeString toLocaleLowerCase toLocaleUpperCase
  toLowerCase toUpperCase toFixed toPrecision toExponential stack captureStackTrace`.split(/\s+/),
);
const FLOAT_NUMBER_MEMBERS = new Set(['parseFloat', 'EPSILON', 'MIN_VALUE', 'MAX_VALUE', 'POSITIVE_INFINITY']);
const ORDER_FREE_USES = new Set(['length', 'sort', 'toSorted', 'every', 'some', 'includes']);
const INTEGER_ROUNDING = new Set(['Math.floor', 'Math.ceil', 'Math.trunc']);

/** A node, where it stands, and what is known of its file. */
export interface Place {
  readonly node: SyntaxNode;
  /** Nearest last. */
  readonly ancestors: readonly SyntaxNode[];
  /** Names that the file declares as a Map or Set. */
  readonly collections: ReadonlySet<string>;
  readonly isContract: boolean;
}

/** Why a contract, or what it stands on, must not hold this node; undefined when it may. */
export function nodeFault({ node, ancestors, collections, isContract }: Place): string | undefined {
  const parent = ancestors.at(-1);
  switch (node.type) {
    case 'Identifier':
      return AMBIENT.has(String(node.name)) && isReference(node, parent)
        ? `${node.name} differs between machines or runs`
        : undefined;
    case 'MemberExpression':
      return memberFault(node, ancestors, collections);
    case 'CallExpression':
      return ownNamesFault(node, parent);
    case 'Literal':
      return literalFault(node);
    case 'BinaryExpression':
      return operatorFault(node, ancestors);
    case 'AssignmentExpression':
      return node.operator === '/=' || node.operator === '**=' ? `${node.operator} may leave a fraction` : undefined;
    case 'ForInStatement':
      return 'for … in has no byte order; sort Object.keys';
    case 'ForOfStatement':
      return iterationFault(node.right as SyntaxNode, collections);
    case 'SpreadElement':
      return isSortedAtOnce(ancestors) ? undefined : iterationFault(node.argument as SyntaxNode, collections);
    case 'CatchClause':
      return isContract ? 'a contract that catches could turn a RangeError into an outcome' : undefined;
    default:
      return undefined;
  }
}

/** Whether an identifier reads a variable, rather than naming a member, a property, a parameter or a type. */
function isReference(node: SyntaxNode, parent: SyntaxNode | undefined): boolean {
  if (parent === undefined) return true;
  if (parent.type === 'MemberExpression') return parent.object === node || parent.computed === true;
  if (parent.type === 'Property') return parent.value === node || parent.computed === true;
  return !/^(?:TS(?!As|NonNull|Satisfies|TypeAssertion|TypeQuery)|MethodDef|PropertyDef|Import|Export|Label)/.test(
    parent.type,
  );
}

function memberFault(
  node: SyntaxNode,
  ancestors: readonly SyntaxNode[],
  collections: ReadonlySet<string>,
): string | undefined {
  const { object, property } = node as unknown as { object: SyntaxNode; property: SyntaxNode };
  if (node.computed === true) return object.name === 'Math' ? 'Math by a computed name' : undefined;
  const member = String(property.name);
  const name = dottedName(node);
  if (object.type === 'Identifier' && object.name === 'Math' && !EXACT_MATH.has(member))
    return `${name} is random or not exact`;
  if (object.type === 'Identifier' && object.name === 'Number' && FLOAT_NUMBER_MEMBERS.has(member))
    return `${name} is for floats`;
  if (name === 'JSON.parse' || name === 'JSON.stringify') return `${name} is not exact; use std/canonical-json.ts`;
  if (LOCALE_OR_FLOAT_MEMBERS.has(member)) return `.${member} depends on locale, Unicode version, engine or floats`;
  const isOrdered = member === 'keys' || member === 'values' || member === 'entries' || member === 'forEach';
  const isWalked = isOrdered && ancestors.at(-1)?.type === 'CallExpression' && collections.has(String(object.name));
  const isSorted = ancestors.at(-2)?.type === 'SpreadElement' && isSortedAtOnce(ancestors.slice(0, -2));
  return isWalked && !isSorted ? `${name} has insertion order, not byte order` : undefined;
}

function literalFault(node: SyntaxNode): string | undefined {
  if (typeof node.value === 'number' && !Number.isSafeInteger(node.value)) return `${node.raw} is not an exact integer`;
  const regex = node.regex as { pattern: string; flags: string } | undefined;
  if (regex === undefined) return undefined;
  if (/\\p\{/i.test(regex.pattern)) return '\\p{} depends on the version of Unicode';
  if (/[iv]/.test(regex.flags)) return `flag ${regex.flags}: case mapping and sets depend on the version of Unicode`;
  return undefined;
}

function operatorFault(node: SyntaxNode, ancestors: readonly SyntaxNode[]): string | undefined {
  if (node.operator === '**' && !hasBigIntOperand(node) && !isExactPower(node))
    return '** may leave a fraction or lose digits';
  if (node.operator !== '/' || hasBigIntOperand(node)) return undefined;
  const enclosing = ancestors.findLast((ancestor) => ancestor.type !== 'ParenthesizedExpression');
  const isRounded =
    enclosing?.type === 'CallExpression' && INTEGER_ROUNDING.has(dottedName(enclosing.callee as SyntaxNode) ?? '');
  return isRounded ? undefined : '/ may leave a fraction; put it directly into Math.floor, Math.ceil or Math.trunc';
}

/** Two literals: a constant such as 2 ** 53, exact by IEEE 754. */
function isExactPower(node: SyntaxNode): boolean {
  return [node.left, node.right].every((side) => isNode(side) && Number.isSafeInteger(side.value));
}

function hasBigIntOperand(node: SyntaxNode): boolean {
  return [node.left, node.right].some((side) => isNode(side) && side.bigint !== undefined && side.bigint !== null);
}

/** `[...x].sort(…)`: the nearest ancestors are the array and the member that sorts it. */
function isSortedAtOnce(ancestors: readonly SyntaxNode[]): boolean {
  const [user, array] = [ancestors.at(-2), ancestors.at(-1)];
  const member = user?.type === 'MemberExpression' ? String((user.property as SyntaxNode).name) : '';
  return array?.type === 'ArrayExpression' && (member === 'sort' || member === 'toSorted');
}

/** A Map or Set of this file that is iterated as it stands. */
function iterationFault(iterated: SyntaxNode, collections: ReadonlySet<string>): string | undefined {
  return iterated.type === 'Identifier' && collections.has(String(iterated.name))
    ? `${iterated.name} is a Map or Set: insertion order, not byte order`
    : undefined;
}

/** Members of an object in the order in which they were put there, integers first. */
function ownNamesFault(node: SyntaxNode, parent: SyntaxNode | undefined): string | undefined {
  const name = dottedName(node.callee as SyntaxNode) ?? '';
  if (!/^Object\.(?:keys|values|entries)$/.test(name)) return undefined;
  const use = parent?.type === 'MemberExpression' ? String((parent.property as SyntaxNode).name) : '';
  return ORDER_FREE_USES.has(use) ? undefined : `${name} has insertion order; sort it at once`;
}
