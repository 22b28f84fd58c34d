import { parseSync } from 'rolldown/utils';
import type { SourceFile } from './source-tree.ts';

/** A node of the ESTree (with TypeScript) that the parser gives; `parent` is undefined for the program. */
export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

export interface Syntax {
  readonly program: SyntaxNode;
  readonly comments: readonly { readonly value: string; readonly start: number; readonly end: number }[];
  /** 1-based line of an offset. */
  line(offset: number): number;
}

/** The syntax tree of a file. Throws SyntaxError when it cannot be parsed, so that no check passes over it. */
export function parseFile(file: SourceFile): Syntax {
  const lang = file.path.endsWith('x') ? 'tsx' : file.path.endsWith('.js') ? 'js' : 'ts';
  const { program, comments, errors } = parseSync(file.path, file.text, { lang, sourceType: 'module' });
  if (errors.length > 0) throw new SyntaxError(`${file.path}: ${errors[0]?.message}`);
  const lineStarts = [0];
  for (let at = file.text.indexOf('\n'); at >= 0; at = file.text.indexOf('\n', at + 1)) lineStarts.push(at + 1);
  return {
    program: program as unknown as SyntaxNode,
    comments,
    line: (offset) => {
      let line = 0;
      while (line < lineStarts.length && (lineStarts[line] as number) <= offset) line++;
      return line;
    },
  };
}

/** Calls `visit` for `node` and all below it, with the chain of ancestors, nearest last. */
export function walk(
  node: SyntaxNode,
  visit: (node: SyntaxNode, ancestors: readonly SyntaxNode[]) => void,
  ancestors: readonly SyntaxNode[] = [],
): void {
  visit(node, ancestors);
  const chain = [...ancestors, node];
  for (const field of Object.values(node)) {
    for (const child of Array.isArray(field) ? field : [field]) {
      if (isNode(child)) walk(child, visit, chain);
    }
  }
}

export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && typeof (value as SyntaxNode).type === 'string';
}

/** `a.b` of a member expression with plain names, else undefined. */
export function dottedName(node: SyntaxNode): string | undefined {
  if (node.type !== 'MemberExpression' || node.computed === true) return undefined;
  const { object, property } = node as unknown as { object: SyntaxNode; property: SyntaxNode };
  return object.type === 'Identifier' ? `${object.name}.${property.name}` : undefined;
}

export interface ImportSite {
  /** undefined when a dynamic import's target is computed. */
  readonly specifier: string | undefined;
  readonly line: number;
}

/** Every import of a file: statements, re-exports, dynamic imports, import types, and `new URL(…, import.meta.url)`. */
export function importSites(syntax: Syntax): ImportSite[] {
  const sites: ImportSite[] = [];
  walk(syntax.program, (node) => {
    const source = importSource(node);
    if (source === undefined) return;
    const specifier = isNode(source) && typeof source.value === 'string' ? source.value : undefined;
    sites.push({ specifier, line: syntax.line(node.start) });
  });
  return sites;
}

/** The node that names what is imported; undefined when `node` imports nothing. */
function importSource(node: SyntaxNode): unknown {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ImportExpression':
    case 'ExportAllDeclaration':
    case 'TSImportType':
      return node.source;
    case 'ExportNamedDeclaration':
      return node.source ?? undefined;
    case 'NewExpression': {
      const [target, base] = node.arguments as SyntaxNode[];
      const isModuleUrl = (node.callee as SyntaxNode).name === 'URL' && base !== undefined && isImportMetaUrl(base);
      // Only modules: folders and data files beside a module are read, not imported.
      return isModuleUrl && /\.[jt]sx?$/.test(String(target?.value)) ? target : undefined;
    }
    default:
      return undefined;
  }
}

function isImportMetaUrl(node: SyntaxNode): boolean {
  return (
    node.type === 'MemberExpression' &&
    (node.object as SyntaxNode).type === 'MetaProperty' &&
    (node.property as SyntaxNode).name === 'url'
  );
}
