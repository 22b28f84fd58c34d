import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { CodeCatalogue, CodeEntry } from '../../src/std/reject.ts';
import { KIND_HTTP_STATUS, rejectStatus } from '../../src/std/reject-status.ts';
import type { Fault, SourceFile } from './source-tree.ts';

/** Where the page lies; `npm run docs:errors` writes it, `npm run check` compares it. */
export const ERRORS_PAGE = 'docs/errors.md';

interface Area {
  /** Folder of the catalogue below src. */
  readonly name: string;
  readonly path: string;
  readonly codes: CodeCatalogue;
}

/** The page of every refusal: each `codes.ts` below src with the catalogue that it exports as `CODES` or `…_CODES`. */
export async function errorsPage(root: string, files: readonly SourceFile[]): Promise<string> {
  const areas = await readAreas(root, files);
  const kinds = Object.entries(KIND_HTTP_STATUS).map(([kind, status]) => `| ${kind} | ${status} |`);
  return [
    '# Errors',
    '',
    'Written by `npm run docs:errors` from every `codes.ts`; change it there.',
    '',
    'A refusal has a code, and the code a kind. The kind gives the HTTP status unless the code names its own.',
    'Only the code and its data enter an outcome or a receipt.',
    '',
    '| kind | HTTP status |',
    '|---|---|',
    ...kinds,
    ...areas.flatMap(areaToLines),
    '',
  ].join('\n');
}

function areaToLines({ name, codes }: Area): string[] {
  const rows = Object.entries(codes)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([code, entry]) =>
        `| ${code} | ${entry.kind} | ${entryStatus(entry)} | ${entry.sentence.replaceAll('|', '\\|')} |`,
    );
  return ['', `## ${name}`, '', '| code | kind | HTTP status | sentence |', '|---|---|---|---|', ...rows];
}

function entryStatus({ kind, httpStatus }: CodeEntry): number {
  return rejectStatus({ kind, httpStatus });
}

async function readAreas(root: string, files: readonly SourceFile[]): Promise<Area[]> {
  const areas: Area[] = [];
  for (const { path } of files.filter((file) => /^src\/.*\/codes\.ts$/.test(file.path))) {
    const exported = (await import(pathToFileURL(join(root, path)).href)) as Record<string, unknown>;
    const names = Object.keys(exported).filter((name) => /(?:^|_)CODES$/.test(name));
    if (names.length !== 1)
      throw new Error(`${path}: exports ${names.length} catalogues named CODES or …_CODES, not one`);
    const name = path.replace(/^src\//, '').replace(/(?:\/contract)?\/codes\.ts$/, '');
    areas.push({ name, path, codes: exported[names[0] as string] as CodeCatalogue });
  }
  return areas;
}

/** Codes that break the catalogue's rules, and a page that is not what the catalogues give. */
export async function errorsPageFaults(root: string, files: readonly SourceFile[]): Promise<Fault[]> {
  const areas = await readAreas(root, files);
  if (areas.length === 0) return [pageFault('src', 'no catalogue of codes was seen')];
  const faults = areas.flatMap(areaFaults);
  const committed = files.find(({ path }) => path === ERRORS_PAGE)?.text;
  if (committed !== (await errorsPage(root, files))) {
    faults.push(pageFault(ERRORS_PAGE, 'is not what the catalogues give; run npm run docs:errors'));
  }
  return faults;
}

function areaFaults({ path, codes }: Area): Fault[] {
  return Object.entries(codes).flatMap(([code, { kind, sentence, httpStatus = 400 }]) => {
    const found: string[] = [];
    if (!/^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*$/.test(code)) found.push(`${code} is not UPPER_SNAKE_CASE`);
    if (KIND_HTTP_STATUS[kind] === undefined) found.push(`${code} has the unknown kind ${kind}`);
    if (!/^[A-Z].{15,}\.$/.test(sentence)) found.push(`${code} has no sentence`);
    if (!Number.isInteger(httpStatus) || httpStatus < 400 || httpStatus > 599)
      found.push(`${code} has no error status`);
    return found.map((message) => pageFault(path, message));
  });
}

function pageFault(path: string, message: string): Fault {
  return { path, line: 1, rule: 'errors', message };
}
