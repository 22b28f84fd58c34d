import { type Fault, isTest, isTypeScript, type SourceFile } from './source-tree.ts';
import { dottedName, parseFile, walk } from './syntax.ts';

const AUTHORITY = new Set(
  ['env', 'argv', 'execArgv', 'stdin', 'stdout', 'stderr', 'exit', 'exitCode', 'on', 'once', 'chdir', 'umask'].map(
    (member) => `process.${member}`,
  ),
);

/** Environment, arguments, console, exit and signals in src: bin alone has them, and hands on what a room needs. */
export function ambientAuthorityFaults(files: readonly SourceFile[]): Fault[] {
  return files
    .filter((file) => file.path.startsWith('src/') && isTypeScript(file) && !isTest(file.path))
    .flatMap((file) => {
      const syntax = parseFile(file);
      const faults: Fault[] = [];
      walk(syntax.program, (node) => {
        const name = dottedName(node);
        if (name === undefined || !(AUTHORITY.has(name) || name.startsWith('console.'))) return;
        const line = syntax.line(node.start);
        faults.push({ path: file.path, line, rule: 'ambient', message: `${name} belongs to bin alone` });
      });
      return faults;
    });
}
