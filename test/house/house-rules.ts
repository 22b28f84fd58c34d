import { type Fault, isTypeScript, type SourceFile } from './source-tree.ts';
import { parseFile } from './syntax.ts';

/** Lines that a file of code may have. */
export const MAX_LINES = 500;

const CODE_FOLDERS = /^(?:src|bin|test|bench)\//;
const KEBAB = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+)*$/;
const EMPTY_NAME = /(?:^|[-./])(?:utils?|helpers?|managers?|misc|common|part\d+)(?=[-./]|$)|(?:^|\/)index\./;

/** Written so that this file does not hold what it looks for. */
const LEAKS: readonly (readonly [RegExp, string])[] = [
  [/(?<![\w.-])\/(?:work|root)\/[a-z]/, 'a path of one machine'],
  [/(?<![\w.-])\/home\/(?!user\b|aceso\b|node\b)[a-z]/, 'a path of one machine'],
  [/(?<![\w.-])\/Users\/[A-Za-z]/, 'a path of one machine'],
  [/(?<![\w-])registry\.[a-z0-9-]+\.[a-z]+\b/, 'the host of a package registry'],
  [/"resolved":\s*"http/, 'the host of a package registry'],
];

/** Names, sizes, barrels and what no file of the repository may mention. */
export function houseFaults(files: readonly SourceFile[]): Fault[] {
  if (files.length === 0) return [{ path: '.', line: 1, rule: 'house', message: 'no file was seen' }];
  return files.flatMap((file) => [
    ...nameFaults(file),
    ...sizeFaults(file),
    ...barrelFaults(file),
    ...leakFaults(file),
  ]);
}

function fault(path: string, line: number, message: string): Fault {
  return { path, line, rule: 'house', message };
}

function nameFaults({ path }: SourceFile): Fault[] {
  if (!CODE_FOLDERS.test(path)) return [];
  const names = path.split('/');
  const faults = names
    .filter((name) => !KEBAB.test(name) && name !== 'README.md')
    .map((name) => fault(path, 1, `${name} is not kebab-case`));
  if (EMPTY_NAME.test(path)) faults.push(fault(path, 1, 'the name does not say what the file is for'));
  return faults;
}

function sizeFaults(file: SourceFile): Fault[] {
  if (!CODE_FOLDERS.test(file.path) || !isTypeScript(file)) return [];
  const lines = file.text.split('\n').length - (file.text.endsWith('\n') ? 1 : 0);
  return lines > MAX_LINES ? [fault(file.path, lines, `${lines} lines; split it by the reader's question`)] : [];
}

/** A barrel holds nothing of its own: only re-exports. */
function barrelFaults(file: SourceFile): Fault[] {
  if (!CODE_FOLDERS.test(file.path) || !isTypeScript(file)) return [];
  const body = parseFile(file).program.body as { type: string; source?: unknown }[];
  const isReexport = ({ type, source }: { type: string; source?: unknown }) =>
    type === 'ExportAllDeclaration' || (type === 'ExportNamedDeclaration' && source != null);
  return body.length > 0 && body.every(isReexport)
    ? [fault(file.path, 1, 'a barrel; import from the file itself')]
    : [];
}

function leakFaults({ path, text }: SourceFile): Fault[] {
  const faults: Fault[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    for (const [pattern, what] of LEAKS)
      if (pattern.test(line)) faults.push(fault(path, index + 1, `mentions ${what}`));
  }
  return faults;
}
