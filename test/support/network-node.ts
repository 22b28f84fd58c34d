import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Signer } from '../../src/chain/sign-transaction.ts';
import { enginesOf } from '../../src/ledger/cometbft/engine/engine-processes.ts';

/** What the process of a node is told on its command line, as JSON. */
export interface NetworkChildPlan {
  readonly folder: string;
  readonly keyFolder: string;
  /** For the engine's sockets: short. */
  readonly runtimeFolder: string;
  /** Path of CometBFT. */
  readonly program: string;
  readonly host: string;
  readonly port: number;
  /** Files for the first start. */
  readonly genesis: string;
  readonly keys: string;
  readonly network: string;
  readonly snapshotEveryBlocks: number;
}

/** A line of a node's process. */
export type NetworkChildLine =
  /** It answers. */
  | { readonly kind: 'ready'; readonly adminTokens: Readonly<Record<string, string>> }
  /** It executed a block: for the first time, again for its engine, or again at a start. Milliseconds since the epoch. */
  | { readonly kind: 'executed'; readonly height: number; readonly appHash: string; readonly atMs: number };

/** What a node is told on standard input: to end in order, or to lie from now on; see test/chaos/observed-kernel.ts. */
export type NetworkChildOrder = 'close' | 'lie outcome' | 'lie app-hash';

export interface ExecutedBlock {
  readonly height: number;
  readonly appHash: string;
  readonly atMs: number;
}

/** One organisation's node: a process group of its own that holds the node and its engine. */
export interface NetworkNode {
  readonly slug: string;
  readonly signer: Signer;
  readonly url: string;
  /** Everything that it executed in all its lives, as it told. */
  readonly executed: readonly ExecutedBlock[];
  /** Highest block that it executed. */
  height(): number;
  /** Administrator's token of the present life. */
  token(): string;
  isRunning(): boolean;
  isPaused(): boolean;
  /** Starts the process; resolves when the node answers. Rejects when it ends before. */
  start(): Promise<void>;
  order(order: NetworkChildOrder): void;
  /** Resolves when it logs a line that holds `text`, from now on; rejects when it has not within the time. */
  says(text: string, withinMs: number): Promise<void>;
  /** SIGKILL; resolves when what was killed is gone. The node starts an engine that was killed alone again. */
  kill(what: 'node' | 'engine' | 'both'): Promise<void>;
  pause(): void;
  resume(): void;
  /** Ends it in order. */
  close(): Promise<void>;
}

export interface NetworkNodeOptions {
  readonly slug: string;
  readonly signer: Signer;
  /** The program that runs a node by a plan. */
  readonly script: string;
  readonly plan: NetworkChildPlan;
  readonly compileCache: string;
  /** Where what it logs goes. */
  readonly logFile: string;
  onExecuted(block: ExecutedBlock): void;
}

/** A line that comes in pieces is heard as a whole. */
const LISTENED_CHARS = 4_096;
const START_MS = 60_000;
const CLOSE_MS = 30_000;

/**
 * Ends a process group when its standard input ends, which it does however this process ends: no node outlives a test
 * that was killed itself, not even one that is stopped.
 */
function guardGroup(pid: number): ChildProcess {
  return spawn('sh', ['-c', 'read -r line; kill -9 -- "-$0"', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
}

export function createNetworkNode(options: NetworkNodeOptions): NetworkNode {
  const { slug, signer, script, plan, compileCache, logFile, onExecuted } = options;
  const home = join(plan.folder, 'engine');
  const executed: ExecutedBlock[] = [];
  const log = createWriteStream(logFile, { flags: 'a' });
  const listening = new Set<(logged: string) => void>();
  let highest = 0;
  let token = '';
  let child: ChildProcess | undefined;
  let gone: Promise<unknown> = Promise.resolve();
  let isPaused = false;

  function signalGroup(signal: NodeJS.Signals): void {
    if (child?.pid === undefined) return;
    try {
      process.kill(-child.pid, signal);
    } catch {
      // The whole group has ended.
    }
  }

  async function killEngines(): Promise<void> {
    for (const pid of await enginesOf(home)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended meanwhile.
      }
    }
  }

  function take(line: string, ready: () => void): void {
    const message = JSON.parse(line) as NetworkChildLine;
    if (message.kind === 'ready') {
      token = message.adminTokens[slug] ?? '';
      ready();
      return;
    }
    const { height, appHash, atMs } = message;
    const block = { height, appHash, atMs };
    executed.push(block);
    highest = Math.max(highest, height);
    onExecuted(block);
  }

  async function start(): Promise<void> {
    if (child !== undefined) throw new Error(`${slug} runs already`);
    const started = spawn(process.execPath, [script, JSON.stringify(plan)], {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      env: { ...process.env, NODE_COMPILE_CACHE: compileCache },
    });
    child = started;
    isPaused = false;
    const guard = guardGroup(started.pid as number);
    started.stdin?.on('error', () => {});
    // Its engine would hold these open after its end; so the end of the process is what counts.
    started.stderr?.setEncoding('utf8').pipe(log, { end: false });
    let logged = '';
    started.stderr?.on('data', (text: string) => {
      logged = (logged + text).slice(-LISTENED_CHARS);
      for (const hear of [...listening]) hear(logged);
    });
    gone = once(started, 'exit').then(() => {
      guard.kill('SIGKILL');
      if (child === started) child = undefined;
    });
    await new Promise<void>((resolve, fail) => {
      const timer = setTimeout(() => fail(new Error(`${slug} was not ready in ${START_MS} ms`)), START_MS);
      const end = (then: () => void) => () => {
        clearTimeout(timer);
        then();
      };
      started.once(
        'exit',
        end(() => fail(new Error(`${slug} ended while it started: see ${logFile}`))),
      );
      let rest = '';
      started.stdout?.setEncoding('utf8').on('data', (text: string) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) take(line, end(resolve));
      });
    });
  }

  return {
    slug,
    signer,
    url: `http://${plan.host}:${plan.port}`,
    executed,
    height: () => highest,
    token: () => token,
    isRunning: () => child !== undefined,
    isPaused: () => isPaused,
    start,
    order: (order) => void child?.stdin?.write(`${order}\n`),
    says: (text, withinMs) =>
      new Promise((resolve, fail) => {
        const end = (): void => {
          listening.delete(hear);
          clearTimeout(timer);
        };
        const hear = (logged: string): void => {
          if (!logged.includes(text)) return;
          end();
          resolve();
        };
        const timer = setTimeout(() => {
          end();
          fail(new Error(`${slug} did not say in ${withinMs} ms: ${text}`));
        }, withinMs);
        listening.add(hear);
      }),
    async kill(what) {
      if (what === 'engine') return killEngines();
      if (what === 'node') child?.kill('SIGKILL');
      else signalGroup('SIGKILL');
      await gone;
      if (what === 'both') await killEngines();
    },
    pause() {
      isPaused = true;
      signalGroup('SIGSTOP');
    },
    resume() {
      isPaused = false;
      signalGroup('SIGCONT');
    },
    async close() {
      child?.stdin?.write('close\n');
      const isLate = await Promise.race([gone, sleep(CLOSE_MS, 'late', { ref: false })]);
      if (isLate === 'late') throw new Error(`${slug} did not end in ${CLOSE_MS} ms`);
    },
  };
}
