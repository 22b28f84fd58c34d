import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const CHILD = fileURLToPath(new URL('./node-child.ts', import.meta.url));

/** A node's address, and its administrators' tokens by slug. */
export interface NodeAddress {
  readonly url: string;
  readonly adminTokens: Readonly<Record<string, string>>;
  /** Milliseconds from the line that let it begin to the line that says it is ready. */
  readonly startMs: number;
}

/** A process that has loaded the node's code and waits for `open`. */
export interface StandbyNode {
  /** Resolves when the code is loaded. */
  readonly loaded: Promise<void>;
  /** Opens the folder; resolves when the node answers, and to undefined when it was killed before. */
  open(): Promise<NodeAddress | undefined>;
  /** SIGKILL; resolves when the process is gone. Throws when it had ended by itself. */
  kill(): Promise<void>;
}

/** Starts a process that will run a node on `folder`. */
export function standbyNode(folder: string, keyFolder: string, compileCache: string): StandbyNode {
  const child: ChildProcess = spawn(process.execPath, [CHILD, folder, keyFolder], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, NODE_COMPILE_CACHE: compileCache },
  });
  let [out, errors] = ['', ''];
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  const isLine = (at: number): boolean => out.split('\n').length > at + 1;
  const line = (at: number) =>
    new Promise<void>((resolve) => {
      child.stdout?.on('data', () => isLine(at) && resolve());
      void closed.then(() => resolve());
    });
  child.stdout?.on('data', (data: Buffer) => {
    out += data.toString();
  });
  child.stdin?.on('error', () => {});
  const [loaded, ready] = [line(0), line(1)];
  child.stderr?.on('data', (data: Buffer) => {
    errors += data.toString();
  });
  return {
    loaded,
    async open() {
      child.stdin?.write('open\n');
      await ready;
      return isLine(1) ? (JSON.parse(out.split('\n')[1] as string) as NodeAddress) : undefined;
    },
    async kill() {
      child.kill('SIGKILL');
      const [code, signal] = await closed;
      if (signal !== 'SIGKILL' || errors !== '') throw new Error(`the node ended with ${code ?? signal}: ${errors}`);
    },
  };
}
