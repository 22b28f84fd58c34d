import { rejectPatch } from './codes.ts';
import type { PatchWork } from './patch-work.ts';

/** A step to an element as JSON has it; `index` where the element is one of an array. */
export interface PathStep {
  /** Name as FHIRPath says it: of a choice without its type. */
  readonly name: string;
  /** Type of the value, where known: it completes a choice's name. */
  readonly type: string | undefined;
  readonly index: number | undefined;
}

interface AstNode {
  readonly type: string;
  readonly text?: string;
  readonly children?: readonly AstNode[];
}

/** As `fhirpath` keeps an element that it found. */
interface FoundNode {
  readonly parentResNode: FoundNode | null;
  readonly propName: string | null;
  readonly index: number | null;
  readonly fhirNodeDataType: string | null;
}

const STEPS = new Set([
  ...['EntireExpression', 'TermExpression', 'InvocationTerm', 'InvocationExpression', 'IndexerExpression'],
  ...['MemberInvocation', 'Identifier', 'FunctionInvocation', 'Functn', 'ParamList', 'LiteralTerm', 'NumberLiteral'],
]);
/** What may also stand between parentheses. */
const CRITERIA = new Set([
  ...['ParenthesizedTerm', 'EqualityExpression', 'InequalityExpression', 'AndExpression', 'OrExpression'],
  ...['TypeExpression', 'TypeSpecifier', 'QualifiedIdentifier', 'ThisInvocation', 'StringLiteral', 'BooleanLiteral'],
  ...['DateLiteral', 'DateTimeLiteral', 'TimeLiteral', 'PolarityExpression'],
]);
/** Functions that look at what is there, once: none that searches, resolves, or takes a regular expression. */
const FUNCTIONS = new Set([
  ...['where', 'first', 'last', 'tail', 'skip', 'take', 'single', 'ofType', 'as', 'is'],
  ...['extension', 'exists', 'empty', 'not', 'hasValue'],
]);
const MAX_NESTING = 8;

/** Loaded when the first patch needs it: 25 MB and 60 ms. */
async function load() {
  const [{ default: fhirpath }, { default: model }] = await Promise.all([
    import('fhirpath'),
    import('fhirpath/fhir-context/r4'),
  ]);
  return { fhirpath, model };
}

let loading: ReturnType<typeof load> | undefined;

/**
 * Where the elements are that `path` selects (FHIRPath, of the simple kind that R4 patches are made of: names, indexes,
 * and functions that narrow). `resource` is parsed JSON of `chars` characters. Throws PATCH_PATH_UNSUPPORTED {operation},
 * PATCH_TOO_COSTLY.
 */
export async function findElements(
  resource: object,
  path: string,
  operation: number,
  chars: number,
  work: PatchWork,
): Promise<readonly (readonly PathStep[])[]> {
  loading ??= load();
  const { fhirpath, model } = await loading;
  const unsupported = () => rejectPatch('PATCH_PATH_UNSUPPORTED', { operation });
  if (path.length > work.limits.pathChars || nesting(path) > MAX_NESTING) throw unsupported();
  let found: readonly FoundNode[];
  try {
    const size = judge(fhirpath.parse(path) as AstNode, STEPS);
    // Evaluation makes an object of everything that it passes, at each part of the path.
    work.spend(chars * (4 + (size >> 3)));
    found = fhirpath.evaluate(resource, path, undefined, model, { resolveInternalTypes: false }) as FoundNode[];
  } catch (error) {
    if ((error as { code?: string }).code === 'PATCH_TOO_COSTLY') throw error;
    throw unsupported();
  }
  return found.map((node) => {
    if (node === null || typeof node !== 'object' || !('propName' in node)) throw unsupported();
    return stepsTo(node);
  });
}

function nesting(path: string): number {
  let depth = 0;
  let deepest = 0;
  for (const character of path) {
    if (character === '(' || character === '[') deepest = Math.max(deepest, ++depth);
    else if (character === ')' || character === ']') depth--;
  }
  return deepest;
}

/** Number of nodes. Throws for any that is not allowed. */
function judge(node: AstNode, allowed: ReadonlySet<string>): number {
  if (!allowed.has(node.type) && !(node.type === 'ParenthesizedTerm' && allowed === STEPS)) {
    throw new TypeError(`${node.type} is not allowed`);
  }
  if (node.type === 'Functn' && !FUNCTIONS.has(node.text ?? '')) throw new TypeError('function is not allowed');
  const inner = node.type === 'ParamList' || node.type === 'ParenthesizedTerm' ? ALL : allowed;
  return (node.children ?? []).reduce((size, child) => size + judge(child, inner), 1);
}

const ALL: ReadonlySet<string> = new Set([...STEPS, ...CRITERIA]);

function stepsTo(node: FoundNode): PathStep[] {
  const steps: PathStep[] = [];
  for (let at = node; at.parentResNode !== null; at = at.parentResNode) {
    steps.unshift({
      name: String(at.propName),
      type: at.fhirNodeDataType ?? undefined,
      index: at.index ?? undefined,
    });
  }
  return steps;
}

/** `Patient.name[0]` and `given` of `Patient.name[0].given`; undefined when the path does not end in a name. */
export function splitLastName(path: string): readonly [parent: string, name: string] | undefined {
  const match = /^(.+)\.([A-Za-z_][A-Za-z0-9_]*)$/s.exec(path.trim());
  return match === null ? undefined : [match[1] as string, match[2] as string];
}
