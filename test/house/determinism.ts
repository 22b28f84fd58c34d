import { nodeFault } from './determinism-rules.ts';
import { type Fault, isTest, isTypeScript, type SourceFile } from './source-tree.ts';
import { parseFile, type Syntax, type SyntaxNode, walk } from './syntax.ts';

/**
 * The linter's half of the determinism fence (the compiler's is tsconfig.contract.json): what a contract, or what a
 * contract stands on, must not name. It reads syntax, not types; where it cannot know that an order or a quotient is
 * harmless, the line says why in a comment `// fence: <reason>` on it or above it.
 */
export function determinismFaults(files: readonly SourceFile[]): Fault[] {
  const fenced = files.filter((file) => isTypeScript(file) && isFenced(file.path) && !isTest(file.path));
  if (fenced.length === 0)
    return [{ path: 'src', line: 1, rule: 'fence', message: 'no file behind the fence was seen' }];
  return fenced.flatMap(fileFaults);
}

/** std, state, chain and every capability's contract floor. */
export function isFenced(path: string): boolean {
  return /^src\/(?:std|state|chain)\//.test(path) || isContractFloor(path);
}

export function isContractFloor(path: string): boolean {
  return /^src\/capabilities\/[^/]+\/contract(?:\.tsx?$|\/)/.test(path);
}

function fileFaults(file: SourceFile): Fault[] {
  const syntax = parseFile(file);
  const excused = excusedLines(syntax);
  const collections = collectionNames(syntax.program);
  const faults: Fault[] = [];
  walk(syntax.program, (node, ancestors) => {
    const message = nodeFault({ node, ancestors, collections, isContract: isContractFloor(file.path) });
    const line = syntax.line(node.start);
    if (message !== undefined && !excused.has(line)) faults.push({ path: file.path, line, rule: 'fence', message });
  });
  return faults;
}

/** Lines that a comment `// fence: <reason>` speaks for: its own and the next. A reason has ten letters and more. */
function excusedLines(syntax: Syntax): Set<number> {
  const lines = new Set<number>();
  for (const comment of syntax.comments) {
    if (!/^\s*fence: .{10,}/.test(comment.value)) continue;
    const line = syntax.line(comment.start);
    lines.add(line).add(line + 1);
  }
  return lines;
}

/** Names in a file that are declared as a Map or Set, by `new` or by annotation. */
function collectionNames(program: SyntaxNode): Set<string> {
  const names = new Set<string>();
  walk(program, (node, ancestors) => {
    if (node.type === 'VariableDeclarator') {
      const init = node.init as SyntaxNode | null;
      if (init?.type === 'NewExpression' && /^(?:Map|Set)$/.test(String((init.callee as SyntaxNode).name))) {
        names.add(String((node.id as SyntaxNode).name));
      }
    }
    if (
      node.type === 'TSTypeReference' &&
      /^(?:Readonly)?(?:Map|Set)$/.test(String((node.typeName as SyntaxNode).name))
    ) {
      const [owner, annotation] = [ancestors.at(-2), ancestors.at(-1)];
      if (owner?.type === 'Identifier' && annotation?.type === 'TSTypeAnnotation') names.add(String(owner.name));
    }
  });
  return names;
}
