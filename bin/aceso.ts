import { createRequire } from 'node:module';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { stderr, stdin, stdout } from 'node:process';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import packageJson from '../package.json' with { type: 'json' };
import { createNodeStarter } from '../src/app/create-node-starter.ts';
import type { CliContext, Progress } from '../src/cli/command.ts';
import { runCli } from '../src/cli/main.ts';
import { errorForLog } from '../src/server/log-error.ts';

/*
 * The only place that knows argv, environment and terminal. ACESO_LOG sets the log level (default warn; logs go to
 * standard error as JSON lines), XDG_CONFIG_HOME where root keys lie, XDG_RUNTIME_DIR where sockets do, ACESO_COMETBFT
 * which consensus engine a consortium's node runs, ACESO_CONFIG a file of settings, ACESO_METRICS_TOKEN who may read
 * /metrics beside administrators, ACESO_VAULT_DATABASE the PostgreSQL database of the vaults and ACESO_VAULT_KEYS_DATABASE
 * another one of their key stores (these hold secrets, which argv would show to all).
 */
const { env } = process;
// A level that there is none of is told with all other faults of the settings, once a command reads them.
const level = env.ACESO_LOG !== undefined && Object.hasOwn(pino.levels.values, env.ACESO_LOG) ? env.ACESO_LOG : 'warn';
const logger = pino(
  { level: env.ACESO_LOG === 'silent' ? 'silent' : level, serializers: { err: errorForLog } },
  pino.destination({ dest: 2, sync: false }),
);
const keyFolder = join(env.XDG_CONFIG_HOME ?? join(homedir(), '.config'), 'aceso');

// Node says of parts of its WebCrypto that they may change; that is ours to watch, not the operator's.
process.removeAllListeners('warning');
process.on('warning', (warning) => {
  if (warning.name !== 'ExperimentalWarning')
    logger.warn({ name: warning.name, text: warning.message }, 'warning of the runtime');
});

// The packaged Node does not say that it has long-term support, and oidc-provider warns on the console of any that does not.
if (process.release.lts === undefined) Object.defineProperty(process.release, 'lts', { value: process.version });

/** A bar on a terminal; elsewhere a line at the end, so that a log is no wall of bars. */
function progress(label: string): Progress {
  if (stderr.isTTY !== true) {
    let last = '';
    return {
      update: (done, total) => {
        last = `${label}: ${done} of ${total}`;
      },
      stop: () => void (last !== '' && stderr.write(`${last}\n`)),
    };
  }
  const { Presets, SingleBar } = createRequire(import.meta.url)('cli-progress') as typeof import('cli-progress');
  const bar = new SingleBar(
    {
      format: `${label} {bar} {value}/{total} {eta_formatted}`,
      stream: stderr,
      hideCursor: true,
      clearOnComplete: true,
    },
    Presets.shades_classic,
  );
  let isStarted = false;
  return {
    update(done, total) {
      if (isStarted) bar.update(done);
      else bar.start(total, done);
      isStarted = true;
    },
    stop: () => bar.stop(),
  };
}

/** Reads a line without showing it. */
async function askSecret(question: string): Promise<string | undefined> {
  if (stdin.isTTY !== true) return undefined;
  stderr.write(question);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: stdin, output: silent, terminal: true });
  const answer = await lines.question('');
  lines.close();
  stderr.write('\n');
  return answer;
}

function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
}

function vaultDatabase() {
  const { ACESO_VAULT_DATABASE: url, ACESO_VAULT_KEYS_DATABASE: keysUrl } = env;
  if (url === undefined) return undefined;
  return keysUrl === undefined ? { url } : { url, keysUrl };
}

const context: CliContext = {
  env,
  cwd: process.cwd(),
  print: (line) => void stdout.write(`${line}\n`),
  output: stdout,
  note: (line) => void stderr.write(`${line}\n`),
  progress,
  clock: Date.now,
  untilStopped,
  askSecret,
  nodes: createNodeStarter({
    keyFolder,
    clock: Date.now,
    logger,
    fetch,
    version: packageJson.version,
    engine: {
      program: env.ACESO_COMETBFT,
      searchPath: env.PATH,
      runtimeFolder: env.XDG_RUNTIME_DIR ?? tmpdir(),
    },
    vaultDatabase: vaultDatabase(),
  }),
  fetch,
};

process.exitCode = await runCli(process.argv.slice(2), context);
