import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { rejecter } from '../../../std/reject.ts';
import { CODES } from './codes.ts';

const reject = rejecter(CODES);

/** The one version that is used: formats of its files, RPC and ABCI are taken from its source. */
export const COMETBFT_VERSION = '0.38.25';

/** Where `npm run cometbft:install` puts the program. */
export const COMETBFT_CACHED = join(
  import.meta.dirname,
  '../../../../.cache/cometbft',
  COMETBFT_VERSION,
  process.platform === 'win32' ? 'cometbft.exe' : 'cometbft',
);

/** Where to look: a program that the operator names, and the folders of a PATH. */
export interface CometBftPlaces {
  readonly override?: string | undefined;
  readonly searchPath?: string | undefined;
}

/**
 * Path of the program: `override` and nothing else where it is given, else the project's cache, else the first on
 * `searchPath` of the right version. Throws ENGINE_MISSING {wanted} when there is none, ENGINE_VERSION_WRONG {found,
 * wanted, program} when there are others; `found` is empty when the program says no version.
 */
export async function findCometBft({ override, searchPath = '' }: CometBftPlaces): Promise<string> {
  const folders = searchPath.split(delimiter).filter((folder) => folder !== '');
  const candidates =
    override === undefined || override === ''
      ? [COMETBFT_CACHED, ...folders.map((folder) => join(folder, 'cometbft'))]
      : [override];
  let other: { readonly program: string; readonly found: string } | undefined;
  for (const program of candidates) {
    if (!(await isExecutable(program))) continue;
    const found = await cometBftVersion(program);
    if (found === COMETBFT_VERSION) return program;
    other ??= { program, found: found ?? '' };
  }
  if (other === undefined) throw reject('ENGINE_MISSING', { wanted: COMETBFT_VERSION });
  throw reject('ENGINE_VERSION_WRONG', { ...other, wanted: COMETBFT_VERSION });
}

/** What `cometbft version` says, without the commit that a build may add; undefined when it says no version. */
export function cometBftVersion(program: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(program, ['version'], { env: {}, timeout: 10_000, maxBuffer: 4096 }, (error, stdout) =>
      resolve(error === null ? /^(\d+\.\d+\.\d+\S*?)(?:\+\S*)?\s*$/.exec(stdout)?.[1] : undefined),
    );
  });
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
