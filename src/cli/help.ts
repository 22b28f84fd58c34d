import type { Command } from './command.ts';

/** What `aceso` and `aceso help` print. */
export function generalHelp(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  return [
    'aceso: health records that patients decide on, with receipts that anyone checks offline',
    '',
    'Usage: aceso COMMAND [ARGUMENTS] [OPTIONS]      aceso help COMMAND',
    '',
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    '',
    'Exit codes: 0 done, 1 failure, 2 wrong usage, 3 denied, 4 unknown, 5 does not verify, 6 not available now',
  ].join('\n');
}

/** What `aceso help COMMAND` prints. */
export function commandHelp({ name, usage, summary }: Command): string {
  return `${summary}\n\nUsage: aceso ${name} ${usage}`;
}
