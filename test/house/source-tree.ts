import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One text file of the project: `path` from its root, with forward slashes. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** One thing that a check found. */
export interface Fault {
  readonly path: string;
  readonly line: number;
  readonly rule: string;
  readonly message: string;
}

const SKIPPED_FOLDERS = new Set(['node_modules', '.git', 'dist', 'data', '.cache']);
const TEXT_FILE = /\.(?:ts|tsx|js|mjs|cjs|json|jsonc|md|html|css|yml|yaml|sh|fsh|txt)$|(?:^|\/)\.[^/]+$|\.ci\/run$/;

/** Every text file below `root` in byte order of its path; what is installed, built or kept as data is left out. */
export function readTree(root: string): SourceFile[] {
  return listFiles(root, '')
    .filter((path) => TEXT_FILE.test(path))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

function listFiles(root: string, folder: string): string[] {
  const found: string[] = [];
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isFile()) found.push(path);
    else if (entry.isDirectory() && !isSkipped(path, entry.name)) found.push(...listFiles(root, path));
  }
  return found.sort();
}

/** `data` and `dist` are left out at the root alone, as .gitignore does. */
function isSkipped(path: string, name: string): boolean {
  return SKIPPED_FOLDERS.has(name) && (path === name || name === 'node_modules');
}

export function isTypeScript(file: SourceFile): boolean {
  return /\.tsx?$/.test(file.path);
}

export function isTest(path: string): boolean {
  return /\.test\.tsx?$/.test(path);
}

/** `path:line rule: message`, the form that editors make a link of. */
export function faultToLine(fault: Fault): string {
  return `${fault.path}:${fault.line} ${fault.rule}: ${fault.message}`;
}
