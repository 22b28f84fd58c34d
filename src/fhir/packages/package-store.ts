import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { rejectPackage } from './codes.ts';
import { compactPackage, type LoadedPackage, parseCompact } from './package-cache.ts';

/** The packages of a node, in its data folder: `<name>#<version>.tgz` as they came, each with its compact form beside. */
export interface PackageStore {
  /** In order of name and version. */
  readonly packages: readonly LoadedPackage[];
  /** Compact files, for another thread. */
  readonly files: readonly string[];
  /** Keeps and loads a package; one of the same name and version is replaced. Throws what `readPackage` throws. */
  add(tgz: Uint8Array): Promise<LoadedPackage>;
  /** Forgets a package; all versions of the name where none is given. Throws PACKAGE_UNKNOWN. Returns how many. */
  remove(name: string, version?: string): Promise<number>;
  /** Called after each change, before it is answered. */
  onChange(listener: () => void): void;
}

const FILE = /^([A-Za-z0-9][A-Za-z0-9._-]*)#([0-9A-Za-z][0-9A-Za-z.+_-]*)\.tgz$/;

/** Opens the folder (which may be absent) and loads what is in it; a compact form that is missing is built anew. */
export async function openPackageStore(folder: string): Promise<PackageStore> {
  const loaded = new Map<string, LoadedPackage>();
  const listeners: (() => void)[] = [];
  let work: Promise<unknown> = Promise.resolve();
  for (const file of (await readdir(folder).catch(() => [])).sort()) {
    if (FILE.test(file)) loaded.set(file.slice(0, -'.tgz'.length), await load(folder, file));
  }
  const inTurn = <T>(run: () => Promise<T>): Promise<T> => {
    const done = work.then(run);
    work = done.catch(() => undefined);
    return done;
  };
  const changed = (): void => {
    for (const listener of listeners) listener();
  };
  return {
    get packages() {
      return [...loaded.keys()].sort().map((key) => loaded.get(key) as LoadedPackage);
    },
    get files() {
      return [...loaded.keys()].sort().map((key) => join(folder, `${key}.jsonl`));
    },
    add: (tgz) =>
      inTurn(async () => {
        const cache = await compactPackage(tgz);
        const parsed = parseCompact(cache);
        if (parsed === undefined) throw rejectPackage('PACKAGE_UNREADABLE', { reason: 'it cannot be compacted' });
        const key = `${parsed.name}#${parsed.version}`;
        await mkdir(folder, { recursive: true, mode: 0o700 });
        // The archive last: what a crash leaves is either the whole package or a compact form that nobody looks at.
        await replace(join(folder, `${key}.jsonl`), cache);
        await replace(join(folder, `${key}.tgz`), tgz);
        loaded.set(key, parsed);
        changed();
        return parsed;
      }),
    remove: (name, version) =>
      inTurn(async () => {
        const keys = [...loaded.keys()].filter(
          (key) => key === `${name}#${version}` || (version === undefined && key.startsWith(`${name}#`)),
        );
        if (keys.length === 0) throw rejectPackage('PACKAGE_UNKNOWN');
        for (const key of keys) {
          await rm(join(folder, `${key}.tgz`), { force: true });
          await rm(join(folder, `${key}.jsonl`), { force: true });
          loaded.delete(key);
        }
        changed();
        return keys.length;
      }),
    onChange: (listener) => void listeners.push(listener),
  };
}

async function load(folder: string, file: string): Promise<LoadedPackage> {
  const tgz = await readFile(join(folder, file));
  const beside = join(folder, `${file.slice(0, -'.tgz'.length)}.jsonl`);
  const cache = await readFile(beside).catch(() => undefined);
  const parsed = cache === undefined ? undefined : parseCompact(cache, tgz);
  if (parsed !== undefined) return parsed;
  const built = await compactPackage(tgz);
  await replace(beside, built);
  return parseCompact(built) as LoadedPackage;
}

/** Writes beside the file, makes it durable, then renames. */
async function replace(file: string, bytes: Uint8Array): Promise<void> {
  const draft = `${file}.draft`;
  const handle = await open(draft, 'w', 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, file);
}
