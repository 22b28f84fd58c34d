import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { createEngine } from '../../src/ledger/cometbft/engine/create-engine.ts';
import { COMETBFT_CACHED, COMETBFT_VERSION } from '../../src/ledger/cometbft/engine/find-cometbft.ts';
import { engineSettings, type NetworkPlan, VALIDATORS } from './four-validators.ts';
import { loudLog } from './loud-log.ts';
import type { MeasuredNetwork } from './measured-network.ts';

const ABCI_CLI = join(dirname(COMETBFT_CACHED), 'abci-cli');
const MODULE = `github.com/cometbft/cometbft/abci/cmd/abci-cli@v${COMETBFT_VERSION}`;
const GO_PLACES = ['go', '/usr/local/go/bin/go', '/usr/lib/go/bin/go', '/opt/homebrew/bin/go'];

/** CometBFT's own example application, built into the project's cache the first time. */
export async function installKvstore(): Promise<string> {
  if (existsSync(ABCI_CLI)) return ABCI_CLI;
  console.error('Building CometBFT’s example application with Go; only the first time.');
  await mkdir(dirname(ABCI_CLI), { recursive: true });
  const env = { ...process.env, GOBIN: dirname(ABCI_CLI), GOFLAGS: '-trimpath', CGO_ENABLED: '0' };
  for (const go of GO_PLACES) {
    try {
      await promisify(execFile)(go, ['install', MODULE], { env, timeout: 300_000 });
      return ABCI_CLI;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  throw new Error('Go is not installed; the benchmark builds an application of CometBFT’s with it');
}

/** Four validators whose application is `kvstore` in Go, in memory, behind its own socket server. */
export async function startKvstore(plan: NetworkPlan, program: string): Promise<MeasuredNetwork> {
  const nodes = await Promise.all(Array.from({ length: VALIDATORS }, (_, at) => startOne(plan, at, program)));
  return {
    sockets: nodes.map(({ socketFolder }) => join(socketFolder, 'rpc.sock')),
    pids: async () => nodes.flatMap(({ application, engine }) => [application.pid as number, engine.pid() ?? 0]),
    async stop() {
      await Promise.all(
        nodes.map(async ({ application, engine }) => {
          await engine.stop();
          const ended = once(application, 'exit');
          application.kill('SIGKILL');
          await ended;
        }),
      );
    },
  };
}

async function startOne(plan: NetworkPlan, at: number, program: string) {
  const settings = engineSettings(plan, at);
  const engine = await createEngine(settings, loudLog(`kvstore ${at}:`));
  await mkdir(settings.socketFolder, { recursive: true, mode: 0o700 });
  const address = `unix://${engine.abciSocket}`;
  const application: ChildProcess = spawn(program, ['kvstore', '--address', address, '--abci', 'socket'], {
    stdio: 'ignore',
  });
  await once(application, 'spawn');
  for (let waited = 0; !existsSync(engine.abciSocket) && waited < 5_000; waited += 20)
    await new Promise((resolve) => setTimeout(resolve, 20));
  await engine.start();
  // These are children of the benchmark itself: when it is broken off, nobody else ends them.
  process.once('exit', () => {
    application.kill('SIGKILL');
    const pid = engine.pid();
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
  });
  return { engine, application, socketFolder: settings.socketFolder };
}
