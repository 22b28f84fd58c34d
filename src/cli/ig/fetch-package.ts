import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rejectFetch } from './codes.ts';

/** No package that a node takes is larger (see the node's own bounds). */
const MAX_BYTES = 64 * 1024 * 1024;
const TIMEOUT_MS = 120_000;
/** A name of npm or of a FHIR registry, with a version behind `@` or `#`: never an option, an address or a folder. */
const SPEC = /^((?:@[a-z0-9][a-z0-9._-]*\/)?[a-z0-9][a-z0-9._-]*)(?:[@#]([0-9A-Za-z][0-9A-Za-z.+_-]*))?$/i;

/** Whether a word names a package of a registry rather than a file. */
export function isPackageName(word: string): boolean {
  return SPEC.test(word) && !/\.t(?:ar\.)?gz$/i.test(word);
}

/**
 * The .tgz of a package, fetched by the `npm` on the PATH of `env`, through whatever registry it is configured for. No
 * script of the package runs, and the temporary folder is gone afterwards. Throws PACKAGE_NOT_IN_REGISTRY,
 * PACKAGE_FETCH_FAILED, NPM_MISSING.
 */
export async function fetchPackage(
  spec: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Uint8Array> {
  const [, name = '', version] = SPEC.exec(spec) ?? [];
  const folder = await mkdtemp(join(tmpdir(), 'aceso-ig-'));
  try {
    await npmPack(version === undefined ? name : `${name}@${version}`, folder, env);
    const file = (await readdir(folder)).find((one) => one.endsWith('.tgz'));
    if (file === undefined) throw rejectFetch('PACKAGE_FETCH_FAILED', { reason: 'npm left no file' });
    const path = join(folder, file);
    if ((await stat(path)).size > MAX_BYTES) throw rejectFetch('PACKAGE_FETCH_FAILED', { reason: 'it is too large' });
    return await readFile(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function npmPack(spec: string, folder: string, env: Readonly<Record<string, string | undefined>>): Promise<void> {
  const args = ['pack', '--ignore-scripts', '--silent', '--json', '--pack-destination', folder, spec];
  return new Promise((resolve, fail) => {
    // In the empty folder, so that no project's configuration is read and the name is none of a workspace.
    const options = { cwd: folder, env: { ...env }, timeout: TIMEOUT_MS, maxBuffer: 16 * 1024 * 1024 };
    execFile('npm', args, options, (error, stdout, stderr) => {
      if (error === null) resolve();
      else if ((error as NodeJS.ErrnoException).code === 'ENOENT') fail(rejectFetch('NPM_MISSING'));
      else fail(failure(spec, `${stdout}\n${stderr}`, error.killed === true));
    });
  });
}

/** npm says what went wrong by a code of its own, in JSON or in `npm error code …`. */
function failure(spec: string, said: string, isTimeout: boolean): Error {
  const code = /"code":\s*"([A-Z0-9_]{1,40})"|npm (?:error|ERR!) code ([A-Z0-9_]{1,40})/.exec(said);
  const reason = isTimeout ? 'it took too long' : (code?.[1] ?? code?.[2] ?? 'unknown');
  if (reason === 'E404' || reason === 'ETARGET' || reason === 'ENOVERSIONS') {
    return rejectFetch('PACKAGE_NOT_IN_REGISTRY', { package: spec, reason });
  }
  return rejectFetch('PACKAGE_FETCH_FAILED', { package: spec, reason });
}
