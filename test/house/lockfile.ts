import type { Fault, SourceFile } from './source-tree.ts';

interface LockedPackage {
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/**
 * A lock that `npm ci` refuses. npm leaves out of it what the registry at hand does not have, such as binaries for
 * other platforms, says nothing, and refuses the lock on the next machine.
 */
export function lockfileFaults(files: readonly SourceFile[]): Fault[] {
  const manifest = parse(files, 'package.json');
  const lock = parse(files, 'package-lock.json') as { packages?: Record<string, LockedPackage> } | undefined;
  const packages = lock?.packages;
  if (manifest === undefined || packages === undefined) return [lockFault('package.json or its lock was not seen')];
  const faults: Fault[] = [];
  for (const field of ['dependencies', 'devDependencies', 'optionalDependencies'] as const) {
    const [wanted, locked] = [manifest as LockedPackage, packages[''] ?? {}].map((entry) => entry[field] ?? {});
    for (const [name, version] of Object.entries(wanted ?? {})) {
      if (locked?.[name] !== version)
        faults.push(lockFault(`${name}@${version} of package.json is not in it; run npm install`));
    }
  }
  for (const [path, { dependencies, devDependencies, optionalDependencies }] of Object.entries(packages)) {
    const wanted = { ...dependencies, ...optionalDependencies, ...(path === '' ? devDependencies : {}) };
    for (const [name, version] of Object.entries(wanted)) {
      if (!isLocked(packages, path, name))
        faults.push(lockFault(`${name}@${version}, wanted by ${path || 'the project'}, has no entry`));
    }
  }
  return faults;
}

/** Whether Node's look-up from the folder `path` upwards finds `name` with a version. */
function isLocked(packages: Readonly<Record<string, LockedPackage>>, path: string, name: string): boolean {
  for (let folder = path; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    if (packages[`${folder === '' ? '' : `${folder}/`}node_modules/${name}`]?.version !== undefined) return true;
    if (folder === '') return false;
  }
}

function parse(files: readonly SourceFile[], path: string): object | undefined {
  const file = files.find((candidate) => candidate.path === path);
  return file === undefined ? undefined : (JSON.parse(file.text) as object);
}

function lockFault(message: string): Fault {
  return { path: 'package-lock.json', line: 1, rule: 'lock', message };
}
