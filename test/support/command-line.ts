import assert from 'node:assert/strict';
import type { CliContext } from '../../src/cli/command.ts';
import { runCli } from '../../src/cli/main.ts';
import { noNodes } from './no-nodes.ts';

/** What a command line leaves on a terminal. */
interface Shown {
  /** Printed lines. */
  readonly out: string[];
  /** Noted lines. */
  readonly notes: string[];
  /** Both, in the order in which they came. */
  readonly lines: string[];
}

/**
 * The world of a command that a test runs: nobody is asked, nothing runs or may be started, and nothing is fetched,
 * but for what is given.
 */
export function testContext(given: Partial<CliContext> & { cwd: string }): Shown & { readonly context: CliContext } {
  const [out, notes, lines]: [string[], string[], string[]] = [[], [], []];
  const context: CliContext = {
    env: {},
    print: (line) => void [out, lines].map((shown) => shown.push(line)),
    note: (line) => void [notes, lines].map((shown) => shown.push(line)),
    progress: () => ({ update() {}, stop() {} }),
    clock: Date.now,
    untilStopped: async () => {},
    askSecret: async () => undefined,
    nodes: noNodes,
    fetch: () => assert.fail('nothing is to be fetched'),
    ...given,
  };
  return { context, out, notes, lines };
}

export interface LineResult {
  readonly code: number;
  readonly out: string;
  readonly notes: string;
  /** Both, in the order in which they came. */
  readonly text: string;
}

/** Runs a command line in this process; resolves to its exit code and what it showed. */
export async function runLine(
  argv: readonly string[],
  given: Partial<CliContext> & { cwd: string },
): Promise<LineResult> {
  const { context, out, notes, lines } = testContext(given);
  const code = await runCli(argv, context);
  return { code, out: out.join('\n'), notes: notes.join('\n'), text: lines.join('\n') };
}
