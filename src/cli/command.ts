import type { Writable } from 'node:stream';
import type { ParseArgsConfig } from 'node:util';
import type { NodeStarter } from './node-starter.ts';

/** What the outside world is to a command: entry points fill it, tests replace it. */
export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Results go here, a line a call; progress and errors go to `note`. */
  print(line: string): void;
  note(line: string): void;
  /** Where `print` writes to, for results that are streamed; absent where nobody reads them as a stream. */
  readonly output?: Writable;
  /** A bar for long work, or a line now and then where nobody looks on. Call `stop` at the end. */
  progress(label: string): Progress;
  clock(): number;
  /** Resolves when the process is asked to end (SIGINT, SIGTERM). */
  untilStopped(): Promise<void>;
  /** Asks for a secret without showing it; undefined when nobody can be asked. */
  askSecret(question: string): Promise<string | undefined>;
  readonly nodes: NodeStarter;
  readonly fetch: typeof fetch;
}

export interface Progress {
  update(done: number, total: number): void;
  stop(): void;
}

export type OptionValues = Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;

/** One command: `aceso NAME …`. */
export interface Command {
  /** Words of the command, e.g. `receipts export`. */
  readonly name: string;
  /** Arguments and options as the help shows them. */
  readonly usage: string;
  readonly summary: string;
  readonly options: NonNullable<ParseArgsConfig['options']>;
  /** It judges its options by itself, to tell of all that is wrong with them at once: unknown ones reach it too. */
  readonly judgesOptions?: true;
  /** Most positional arguments it takes. */
  readonly maxArguments: number;
  run(context: CliContext, values: OptionValues, positionals: readonly string[]): Promise<void>;
}
