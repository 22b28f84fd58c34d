import type { ParseArgsConfig } from 'node:util';
import type { NodeStarter } from './node-starter.ts';

/** What the outside world is to a command: entry points fill it, tests replace it. */
export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Results go here, a line a call; progress and errors go to `note`. */
  print(line: string): void;
  note(line: string): void;
  /** True when people look at it: progress bars and colours. */
  readonly interactive: boolean;
  clock(): number;
  /** Resolves when the process is asked to end (SIGINT, SIGTERM). */
  untilStopped(): Promise<void>;
  /** Asks for a secret without showing it; undefined when nobody can be asked. */
  askSecret(question: string): Promise<string | undefined>;
  readonly nodes: NodeStarter;
}

export type OptionValues = Readonly<Record<string, string | boolean | undefined>>;

/** One command: `aceso NAME …`. */
export interface Command {
  /** Words of the command, e.g. `receipts export`. */
  readonly name: string;
  /** Arguments and options as the help shows them. */
  readonly usage: string;
  readonly summary: string;
  readonly options: NonNullable<ParseArgsConfig['options']>;
  /** Most positional arguments it takes. */
  readonly maxArguments: number;
  run(context: CliContext, values: OptionValues, positionals: readonly string[]): Promise<void>;
}
