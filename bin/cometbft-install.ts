import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { COMETBFT_CACHED, COMETBFT_VERSION, cometBftVersion } from '../src/ledger/cometbft/engine/find-cometbft.ts';

/** Builds the pinned CometBFT with `go install` into the project's cache. It is there whole or not at all. */

const MODULE = `github.com/cometbft/cometbft/cmd/cometbft@v${COMETBFT_VERSION}`;
/** The `go` directive of its go.mod. */
const GO_NEEDED = '1.22.11';
/** From this version on Go fetches a newer Go by itself, unless GOTOOLCHAIN forbids it. */
const GO_THAT_FETCHES = '1.21.0';
const GO_PLACES = ['go', '/usr/local/go/bin/go', '/usr/lib/go/bin/go', '/opt/homebrew/bin/go'];
const HOW_TO_GET_GO =
  'Get Go from https://go.dev/dl (unpack it to /usr/local/go; it is found there), then run `npm run cometbft:install`\n' +
  "again. A distribution's package (Debian, Ubuntu: golang-go) serves too when it is new enough; often it is older.\n" +
  'Where CometBFT is installed already, name it instead: ACESO_COMETBFT=/path/to/cometbft';
const PROGRESS_MS = 10_000;
const HOUR_MS = 3_600_000;

const run = promisify(execFile);
const startedMs = performance.now();
const secondsSince = (ms: number): string => ((performance.now() - ms) / 1000).toFixed(0);

interface Go {
  readonly program: string;
  readonly version: string;
  readonly fetches: boolean;
}

/** The first Go that answers; undefined when none does. */
async function findGo(): Promise<Go | undefined> {
  for (const program of GO_PLACES) {
    try {
      const version = /\bgo(\d+\.\d+(?:\.\d+)?)/.exec(
        (await run(program, ['version'], { timeout: 30_000 })).stdout,
      )?.[1];
      if (version === undefined) continue;
      const { stdout } = await run(program, ['env', 'GOTOOLCHAIN'], { timeout: 30_000 });
      const toolchain = stdout.trim();
      return {
        program,
        version,
        fetches: isAtLeast(version, GO_THAT_FETCHES) && /^(?:auto|.*\+auto)$/.test(toolchain),
      };
    } catch {
      // Not here; the next place.
    }
  }
  return undefined;
}

function isAtLeast(version: string, least: string): boolean {
  const [have, want] = [version, least].map((text) => text.split('.').map(Number)) as [number[], number[]];
  for (const [at, wanted] of want.entries()) {
    const difference = (have[at] ?? 0) - wanted;
    if (difference !== 0) return difference > 0;
  }
  return true;
}

let building: { readonly folder: string; readonly child?: ChildProcess } | undefined;

/** Ends the build with the compilers that it started, which are in its process group, and takes its folder away. */
async function abandon(): Promise<void> {
  if (building === undefined) return;
  const { folder, child } = building;
  building = undefined;
  if (child?.pid !== undefined && child.exitCode === null && child.signalCode === null) {
    const closed = new Promise((resolve) => child.once('close', resolve));
    process.kill(-child.pid, 'SIGKILL');
    await closed;
  }
  await rm(folder, { recursive: true, force: true });
}

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  process.once(signal, () => {
    void abandon().finally(() => {
      console.error(`\nStopped after ${secondsSince(startedMs)} s; nothing was installed.`);
      process.exit(code);
    });
  });
}

/** Builds into a folder beside the cache's own. Answers what Go printed when it failed. */
async function build(go: Go, folder: string): Promise<string | undefined> {
  const env = { ...process.env, GOBIN: folder, GOFLAGS: '-trimpath', CGO_ENABLED: '0' };
  const child = spawn(go.program, ['install', '-v', MODULE], {
    cwd: folder,
    env,
    detached: true,
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  building = { folder, child };
  let printed = '';
  let packages = 0;
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    packages += text.split('\n').length - 1;
    printed = (printed + text).slice(-8192);
  });
  const buildMs = performance.now();
  const progress = setInterval(
    () => console.log(`  ${secondsSince(buildMs)} s, ${packages} packages so far`),
    PROGRESS_MS,
  );
  try {
    const code = await new Promise<number | null>((resolve, reject) =>
      child.once('error', reject).once('close', resolve),
    );
    return code === 0 ? undefined : printed;
  } finally {
    clearInterval(progress);
  }
}

/** Folders of builds that were killed. One younger than an hour may be another's that is under way. */
async function sweep(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const path = join(parent, name);
    if (name.startsWith('building-') && Date.now() - (await stat(path)).mtimeMs > HOUR_MS) {
      await rm(path, { recursive: true, force: true });
    }
  }
}

async function install(): Promise<number> {
  if ((await cometBftVersion(COMETBFT_CACHED)) === COMETBFT_VERSION) {
    console.log(`CometBFT ${COMETBFT_VERSION} is installed: ${COMETBFT_CACHED}`);
    return 0;
  }
  const go = await findGo();
  if (go === undefined) {
    console.error(
      `Go is missing. CometBFT ${COMETBFT_VERSION} is built with Go ${GO_NEEDED} or later.\n${HOW_TO_GET_GO}`,
    );
    return 1;
  }
  if (!isAtLeast(go.version, GO_NEEDED) && !go.fetches) {
    console.error(
      `Go ${go.version} (${go.program}) is too old and may not fetch a newer one: CometBFT ${COMETBFT_VERSION} needs ` +
        `Go ${GO_NEEDED} or later.\n${HOW_TO_GET_GO}`,
    );
    return 1;
  }
  console.log(
    `Building CometBFT ${COMETBFT_VERSION} with Go ${go.version}; the first time takes one to three minutes.`,
  );
  const target = dirname(COMETBFT_CACHED);
  await mkdir(target, { recursive: true });
  await sweep(dirname(target));
  const folder = await mkdtemp(join(dirname(target), 'building-'));
  building = { folder };
  try {
    const failure = await build(go, folder);
    if (building === undefined) return 1; // Stopped; whoever stopped it has been told.
    if (failure !== undefined) {
      console.error(
        `${failure.trimEnd()}\nGo could not build it; see above. Without a way to the Go module proxy, set GOPROXY.`,
      );
      return 1;
    }
    const built = join(folder, basename(COMETBFT_CACHED));
    const version = await cometBftVersion(built);
    if (version !== COMETBFT_VERSION) {
      console.error(
        `What was built says version ${version ?? 'nothing'}, not ${COMETBFT_VERSION}; it was not installed.`,
      );
      return 1;
    }
    await rename(built, COMETBFT_CACHED);
    console.log(`Installed in ${secondsSince(startedMs)} s: ${COMETBFT_CACHED}`);
    return 0;
  } finally {
    await abandon();
  }
}

process.exitCode = await install();
