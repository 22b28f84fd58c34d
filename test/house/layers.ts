import { builtinModules } from 'node:module';
import { posix } from 'node:path';
import { capabilityOf, mayUseNode, PACKAGES, ROOMS, roomOf } from './layer-table.ts';
import { type Fault, isTest, isTypeScript, type SourceFile } from './source-tree.ts';
import { type ImportSite, importSites, parseFile } from './syntax.ts';

const BUILTINS = new Set(builtinModules);

/**
 * Every import in src against the table of rooms: arrows down only, floors of capabilities, packages and `node:` where
 * they belong, and no cycle. Types count like values: who names a type knows the room. Tests beside the code are not
 * looked at, since they ship nothing; code that imports them is a fault.
 */
export function layerFaults(files: readonly SourceFile[]): Fault[] {
  const sources = files.filter((file) => file.path.startsWith('src/') && isTypeScript(file));
  if (sources.length === 0) return [{ path: 'src', line: 1, rule: 'layers', message: 'no source file was seen' }];
  const paths = new Set(sources.map(({ path }) => path));
  const arrows = new Map<string, Map<string, number>>();
  const faults: Fault[] = [];
  for (const file of sources) {
    const add = (line: number, message: string) => faults.push({ path: file.path, line, rule: 'layers', message });
    const room = roomOf(file.path);
    if (isTest(file.path)) continue;
    if (room === undefined) {
      add(1, 'lies in no room or on no floor that test/house/layer-table.ts names');
      continue;
    }
    const targets = new Map<string, number>();
    arrows.set(file.path, targets);
    for (const site of importSites(parseFile(file))) {
      const message = siteFault(file.path, room, site, paths);
      if (message !== undefined) add(site.line, message);
      const target = site.specifier?.startsWith('.') ? resolve(file.path, site.specifier) : undefined;
      if (target !== undefined && paths.has(target)) targets.set(target, site.line);
    }
  }
  return [...faults, ...cycleFaults(arrows)];
}

function resolve(from: string, specifier: string): string {
  return posix.join(posix.dirname(from), specifier);
}

function siteFault(path: string, room: string, site: ImportSite, paths: ReadonlySet<string>): string | undefined {
  const { specifier } = site;
  if (specifier === undefined) return 'the target of a dynamic import is computed';
  if (specifier === '#crypto/platform') return arrowFault(path, room, 'src/crypto/platform.ts');
  if (specifier.startsWith('.')) {
    const target = resolve(path, specifier);
    if (/\.json$/.test(specifier))
      return target.startsWith('src/') || target === 'package.json' ? undefined : `leaves src: ${specifier}`;
    return paths.has(target) ? arrowFault(path, room, target) : `leads to no source file: ${specifier}`;
  }
  if (specifier.startsWith('node:')) {
    if (specifier === 'node:process') return 'node:process belongs to bin alone';
    return mayUseNode(room, path) ? undefined : `${specifier} where no platform floor is`;
  }
  if (/^[#/]|:/.test(specifier) || BUILTINS.has(specifier)) return `unknown kind of import: ${specifier}`;
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  const allowed = PACKAGES[room];
  return allowed === undefined || allowed.includes(name) ? undefined : `${room} does not stand on the package ${name}`;
}

function arrowFault(path: string, room: string, target: string): string | undefined {
  if (isTest(target)) return `imports a test: ${target}`;
  const targetRoom = roomOf(target);
  if (targetRoom === undefined) return `imports from no known room: ${target}`;
  const isPlatform = /^src\/crypto\/(?:node|web)\//.test(target);
  const mayPickPlatform = mayUseNode(room, path) || path.startsWith('src/crypto/') || /(?:^|-)web$/.test(room);
  if (isPlatform && !mayPickPlatform) return `picks a platform by itself: ${target}; import #crypto/platform`;
  const [own, other] = [capabilityOf(path), capabilityOf(target)];
  const isForeign = own !== undefined && other !== undefined && own !== other;
  if (isForeign && targetRoom !== 'contract') return `${own} may meet ${other} at its contract floor alone: ${target}`;
  if (room === targetRoom || (ROOMS[room] ?? []).includes(targetRoom)) return undefined;
  return `arrow up: ${room} may not import ${targetRoom} (${target})`;
}

/** One fault for each import that closes a circle. */
function cycleFaults(arrows: ReadonlyMap<string, ReadonlyMap<string, number>>): Fault[] {
  const faults: Fault[] = [];
  const done = new Set<string>();
  const trail: string[] = [];
  const follow = (path: string): void => {
    trail.push(path);
    for (const [target, line] of arrows.get(path) ?? []) {
      const start = trail.indexOf(target);
      if (start >= 0) {
        const circle = [...trail.slice(start), target].join(' > ');
        faults.push({ path, line, rule: 'layers', message: `cycle: ${circle}` });
      } else if (!done.has(target)) follow(target);
    }
    trail.pop();
    done.add(path);
  };
  for (const path of arrows.keys()) if (!done.has(path)) follow(path);
  return faults;
}
