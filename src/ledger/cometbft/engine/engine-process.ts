import { spawn } from 'node:child_process';
import { createLineSplitter, type EngineLog, lineToReason, parseEngineLine } from './engine-log.ts';
import { engineArguments } from './engine-processes.ts';

/** How long a process may take to end after SIGTERM. */
const TERM_PATIENCE_MS = 10_000;

/**
 * After these lines an engine stands still and may go on running: consensus has panicked (consensus/state.go), or the
 * application's connection has broken and the orderly end that follows waits for an answer of it (multi_app_conn.go).
 */
const STANDS_STILL = /^CONSENSUS FAILURE!!!|connection terminated\. Did the application crash\?/;

/** One run of the program. */
export interface EngineProcess {
  readonly pid: number;
  /** Settles when the process has ended and its output has been read; says why, in a sentence. */
  readonly ended: Promise<string>;
  /** SIGTERM, and SIGKILL when it has not ended 10 s later. */
  end(): void;
}

/** Starts `program` on a home; its lines go to `log`. Rejects with the operating system's error when it cannot start. */
export async function spawnEngine(program: string, home: string, log: EngineLog): Promise<EngineProcess> {
  // Its own CMT_… and TM… variables would override the configuration.
  const child = spawn(program, engineArguments(home), {
    cwd: home,
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: home, TMPDIR: `${home}/tmp` },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  await new Promise<void>((resolve, fail) => child.once('spawn', resolve).once('error', fail));
  child.on('error', (error) => log.warn({ err: error }, 'The engine could not be signalled'));

  let killTimer: NodeJS.Timeout | undefined;
  const end = (): void => {
    if (killTimer !== undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    killTimer = setTimeout(() => child.kill('SIGKILL'), TERM_PATIENCE_MS);
  };

  let lastError = '';
  let lastWords = '';
  let fatal = '';
  const takeLine = (text: string): void => {
    const line = parseEngineLine(text);
    // What it says of its own orderly end is nobody's concern.
    log[killTimer === undefined ? line.level : 'debug'](line.detail, `engine: ${line.message}`);
    const reason = lineToReason(line);
    if (reason !== undefined) lastError = reason;
    if (!STANDS_STILL.test(line.message)) return;
    fatal ||= reason ?? line.message;
    end();
  };
  const takeWords = (text: string): void => {
    log.warn({}, `engine: ${text}`);
    // The first line of a panic says what it is; its stack follows.
    lastWords ||= text.slice(0, 500);
  };
  const [output, errors] = [createLineSplitter(takeLine), createLineSplitter(takeWords)];
  child.stdout.setEncoding('utf8').on('data', output.write);
  child.stderr.setEncoding('utf8').on('data', errors.write);

  const ended = new Promise<string>((resolve) => {
    child.once('close', (code, signal) => {
      clearTimeout(killTimer);
      output.end();
      errors.end();
      const how = signal === null ? `ended with code ${code}` : `ended by ${signal}`;
      const why = fatal || lastWords || (code === null ? '' : lastError);
      resolve(why === '' ? how : `${how}: ${why}`);
    });
  });
  return { pid: child.pid as number, ended, end };
}
