import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { rejecter } from '../../../std/reject.ts';
import { CODES } from './codes.ts';

const reject = rejecter(CODES);

/** How an engine is started, and so how one that is left over is known again. */
export function engineArguments(home: string): readonly string[] {
  return ['start', '--home', home];
}

/** How long a left-over engine may take to notice that its application is gone, and then to heed a SIGTERM. */
const PATIENCE_MS = { alone: 5_000, asked: 10_000, killed: 5_000 };
const STEP_MS = 100;

/**
 * Sees to it that no engine of an earlier node runs on a home. CometBFT ends itself when its application goes away,
 * and when it logs after its node has gone; one that does not, as one that was stopped, is ended. Throws
 * ENGINE_STILL_RUNS {pids} when that fails. Processes that this one cannot see (another container) are kept out by the
 * lock on the home's databases.
 */
export async function endLeftoverEngines(home: string, patience = PATIENCE_MS): Promise<void> {
  if (await goneWithin(home, patience.alone)) return;
  await signalAll(home, 'SIGTERM');
  if (await goneWithin(home, patience.asked)) return;
  await signalAll(home, 'SIGKILL');
  if (await goneWithin(home, patience.killed)) return;
  throw reject('ENGINE_STILL_RUNS', { pids: [...(await enginesOf(home))] });
}

async function goneWithin(home: string, patienceMs: number): Promise<boolean> {
  for (let waitedMs = 0; ; waitedMs += STEP_MS) {
    if ((await enginesOf(home)).length === 0) return true;
    if (waitedMs >= patienceMs) return false;
    await delay(STEP_MS);
  }
}

async function signalAll(home: string, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  for (const pid of await enginesOf(home)) {
    try {
      process.kill(pid, signal);
    } catch {
      // It ended meanwhile, or is another user's: the next look shows which.
    }
  }
}

/** Process ids of the engines that run on a home. */
export async function enginesOf(home: string): Promise<readonly number[]> {
  const commands = await (process.platform === 'linux' ? linuxCommands() : psCommands());
  const ending = engineArguments(home).join(' ');
  return commands.filter(({ command }) => command.endsWith(` ${ending}`)).map(({ pid }) => pid);
}

interface Command {
  readonly pid: number;
  /** Program and arguments with spaces between. */
  readonly command: string;
}

/** Of /proc, which containers have where `ps` is missing. A process that is gone, or a zombie, has no command line. */
async function linuxCommands(): Promise<readonly Command[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const read = async (pid: string): Promise<Command> => {
    const bytes = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    return { pid: Number(pid), command: bytes.replace(/\0$/, '').replaceAll('\0', ' ') };
  };
  return await Promise.all(pids.map(read));
}

function psCommands(): Promise<readonly Command[]> {
  return new Promise((resolve) => {
    execFile('ps', ['-axww', '-o', 'pid=,command='], { maxBuffer: 16 * 1024 * 1024 }, (_error, stdout) =>
      resolve(
        stdout.split('\n').flatMap((line) => {
          const [, pid, command] = /^\s*(\d+)\s+(.*)$/.exec(line) ?? [];
          return pid === undefined || command === undefined ? [] : [{ pid: Number(pid), command }];
        }),
      ),
    );
  });
}
