import { existsSync } from 'node:fs';
import { chmod, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { utf8 } from '../../../std/bytes.ts';
import { replaceFile } from '../../store/replace-file.ts';
import { createEngineRpc } from './create-engine-rpc.ts';
import { dialMissingPeers } from './dial-missing-peers.ts';
import type { Engine, EngineHealth, EngineSettings } from './engine.ts';
import { engineConfig } from './engine-config.ts';
import type { EngineLog } from './engine-log.ts';
import { type EnginePaths, enginePaths } from './engine-paths.ts';
import { type EngineProcess, spawnEngine } from './engine-process.ts';
import { endLeftoverEngines } from './engine-processes.ts';
import { findCometBft } from './find-cometbft.ts';
import { removeKeyFiles, writeKeyFiles } from './key-files.ts';

const BACKOFF_MS = { least: 500, most: 15_000 };
/** A run this long was no failed start: the next wait is the least again. */
const SOUND_RUN_MS = 60_000;
const READY_STEP_MS = 200;
const DIAL_STEP_MS = 5_000;

/**
 * An engine that is not started yet. Throws ENGINE_MISSING, ENGINE_VERSION_WRONG, ENGINE_PATH_UNFIT. Its `start` throws
 * ENGINE_STILL_RUNS, and the operating system's errors when folders cannot be written; after that it is started again
 * for as long as it is not stopped, however it ends.
 */
export async function createEngine(settings: EngineSettings, log: EngineLog): Promise<Engine> {
  const program = settings.program ?? (await findCometBft({}));
  const paths = enginePaths(settings);
  const rpc = createEngineRpc({ socketPath: paths.rpcSocket });

  let health: EngineHealth = { status: 'stopped' };
  let running: EngineProcess | undefined;
  let supervision: Promise<void> | undefined;
  let stopping = new AbortController();

  /** One run, from keys to end; says why it ended. */
  const run = async (): Promise<string> => {
    await writeKeyFiles(paths, settings);
    // A killed engine leaves its socket, on which the next could not listen.
    await rm(paths.rpcSocket, { force: true });
    running = await spawnEngine(program, paths.home, log);
    if (stopping.signal.aborted) running.end();
    health = { status: 'starting' };
    const ended = new AbortController();
    const tending = tend(ended.signal);
    const reason = await running.ended;
    running = undefined;
    ended.abort();
    await tending;
    return reason;
  };

  /** What is done for a process while it runs. Ends, without an error, soon after the signal. */
  const tend = async (ended: AbortSignal): Promise<void> => {
    const pause = (ms: number) => delay(ms, undefined, { signal: ended }).catch(() => undefined);
    while (!ended.aborted && !(await isReady())) await pause(READY_STEP_MS);
    // It has read its keys: from here on they lie nowhere but in memory.
    await removeKeyFiles(paths);
    if (ended.aborted) return;
    health = { status: 'running' };
    while (!ended.aborted) {
      await dialMissingPeers(rpc, settings.peers).catch((error) => log.debug({ err: error }, 'Peers were not dialed'));
      await pause(DIAL_STEP_MS);
    }
  };

  const isReady = () =>
    rpc.call('health', {}, 1_000).then(
      () => true,
      () => false,
    );

  const supervise = async (): Promise<void> => {
    let restarts = 0;
    let backoffMs = BACKOFF_MS.least;
    while (!stopping.signal.aborted) {
      const startedMs = Date.now();
      const reason = await run().catch(async (error: Error) => {
        await removeKeyFiles(paths).catch(() => undefined);
        return error.message;
      });
      if (stopping.signal.aborted) return;
      if (Date.now() - startedMs >= SOUND_RUN_MS) backoffMs = BACKOFF_MS.least;
      restarts += 1;
      health = { status: 'down', reason, restarts, restartAtMs: Date.now() + backoffMs };
      log.error({ reason, restarts, backoffMs }, 'The engine ended; it is started again');
      await delay(backoffMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      backoffMs = Math.min(2 * backoffMs, BACKOFF_MS.most);
    }
  };

  return {
    rpc,
    abciSocket: paths.abciSocket,
    start: async () => {
      if (supervision !== undefined) throw new Error('the engine was started already');
      stopping = new AbortController();
      health = { status: 'starting' };
      await prepareFolders(settings, paths);
      await endLeftoverEngines(paths.home);
      supervision = supervise();
      // Resolves once there is a process, or a reason why there is none.
      while (running === undefined && health.status === 'starting') await delay(5);
    },
    health: () => health,
    pid: () => running?.pid,
    stop: async () => {
      stopping.abort();
      running?.end();
      await supervision;
      supervision = undefined;
      health = { status: 'stopped' };
      await removeKeyFiles(paths);
      rpc.close();
    },
  };
}

/** Writes the configuration. What the engine itself wrote stays, above all what it signed last. */
async function prepareFolders(settings: EngineSettings, paths: EnginePaths): Promise<void> {
  for (const folder of [paths.home, `${paths.home}/config`, paths.dataFolder, paths.temporaryFolder]) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  }
  // The sockets' own mode is the umask's, so their folder shuts others out, also where it was there before.
  for (const folder of [paths.socketFolder, paths.keyFolder]) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chmod(folder, 0o700);
  }
  await replaceFile(paths.configFile, utf8(engineConfig(settings, paths)));
  await replaceFile(paths.genesisFile, utf8(JSON.stringify(settings.genesis)));
  // Only for a home without blocks: an engine that has forgotten what it signed might sign something else. Without the
  // file it refuses to start, and says so.
  const isNew = !existsSync(paths.signStateFile) && !existsSync(join(paths.dataFolder, 'blockstore.db'));
  if (isNew) await replaceFile(paths.signStateFile, utf8('{"height":"0","round":0,"step":0}'));
}
