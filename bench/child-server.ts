import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ACESO = fileURLToPath(new URL('../bin/aceso.js', import.meta.url));
const BARE_SERVER = fileURLToPath(new URL('./bare-server.ts', import.meta.url));
/** A first start that seeds takes a few seconds; longer than this is a hang. */
const PATIENCE_MS = 120_000;

/** A server in a process of its own. */
export interface ChildServer {
  readonly url: string;
  /** From spawn until it said that it is ready. */
  readonly readyMs: number;
  /** What it printed until then. */
  readonly greeting: string;
  /** Resident memory now, in bytes. */
  residentBytes(): number;
  stop(): Promise<void>;
}

/** A running node and who may ask it. */
export interface ChildNode extends ChildServer {
  /** Tokens of the demo staff in the order of the greeting; only a first start prints them. */
  readonly staffTokens: readonly string[];
  readonly adminTokens: Readonly<Record<string, string>>;
}

interface ChildOptions {
  readonly preload?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What it notes on standard error is shown only when it does not start. */
  readonly isQuiet?: boolean;
}

/** `aceso start` below `folder`, with its root key there too; `preload` is a module that it loads before its own. */
export async function startChildNode(
  folder: string,
  { preload, env = {}, isQuiet = false }: ChildOptions = {},
): Promise<ChildNode> {
  const data = join(folder, 'data');
  const before = preload === undefined ? [] : ['--import', preload];
  const child = spawn(process.execPath, [...before, ACESO, 'start', '--data', data, '--port', '0'], {
    env: { ...process.env, ...env, XDG_CONFIG_HOME: folder },
    stdio: ['ignore', 'pipe', isQuiet ? 'pipe' : 'inherit'],
  });
  const server = await whenReady(child, /ready at (\S+)[\s\S]*Stop with Ctrl-C/);
  const { node } = JSON.parse(readFileSync(join(data, 'node.json'), 'utf8')) as { node: string };
  const runtime = JSON.parse(readFileSync(join(folder, 'aceso', `${node}.running.json`), 'utf8')) as {
    adminTokens: readonly { readonly slug: string; readonly token: string }[];
  };
  const adminTokens = Object.fromEntries(runtime.adminTokens.map(({ slug, token }) => [slug, token]));
  const staffTokens = [...server.greeting.matchAll(/^ {2}.*, .* (aceso_\S{43})$/gm)].map(
    ([, token]) => token as string,
  );
  return { ...server, staffTokens, adminTokens };
}

/** A server that answers every request with `sizeBytes` bytes and does nothing else: what HTTP alone costs here. */
export function startBareServer(sizeBytes: number): Promise<ChildServer> {
  const child = spawn(process.execPath, [BARE_SERVER, String(sizeBytes)], { stdio: ['ignore', 'pipe', 'inherit'] });
  return whenReady(child, /ready at (\S+)/);
}

function whenReady(child: ChildProcess, ready: RegExp): Promise<ChildServer> {
  const startMs = performance.now();
  let greeting = '';
  return new Promise((resolve, reject) => {
    let complaints = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      complaints = (complaints + chunk.toString()).slice(-2000);
    });
    const fail = (): void => reject(new Error(`the server did not start: ${greeting.slice(0, 500)}${complaints}`));
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      fail();
    }, PATIENCE_MS);
    child.once('exit', fail);
    child.stdout?.on('data', (chunk: Buffer) => {
      greeting += chunk.toString();
      const url = ready.exec(greeting)?.[1];
      if (url === undefined) return;
      clearTimeout(timer);
      const readyMs = performance.now() - startMs;
      resolve({ url, readyMs, greeting, residentBytes: () => residentBytes(child), stop: () => stop(child) });
    });
  });
}

/** From /proc, which only Linux has. */
function residentBytes({ pid }: ChildProcess): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib) * 1024;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}
