import { parseArgs } from 'node:util';
import { isReject, rejecter } from '../std/reject.ts';
import { CODES } from './codes.ts';
import type { CliContext, Command, OptionValues } from './command.ts';
import { allCommands, findCommand } from './commands.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import { commandHelp, generalHelp } from './help.ts';

const reject = rejecter(CODES);

/** What only other words or settings of the command line can mend. */
const USAGE_CODES: ReadonlySet<string> = new Set([
  'COMMAND_UNKNOWN',
  'ARGUMENTS_WRONG',
  'CONFIGURATION_WRONG',
  'PASSPHRASE_MISSING',
]);

/** Runs one command line; resolves to the exit code. Never throws. */
export async function runCli(argv: readonly string[], context: CliContext): Promise<number> {
  try {
    await dispatch(argv, context);
    return 0;
  } catch (error) {
    return explain(error, context);
  }
}

async function dispatch(argv: readonly string[], context: CliContext): Promise<void> {
  const asked = argv.filter((word) => word !== '--help' && word !== '-h');
  const wantsHelp = asked.length !== argv.length || asked.length === 0 || asked[0] === 'help';
  const words = asked[0] === 'help' ? asked.slice(1) : asked;
  const command = await findCommand(words);
  if (wantsHelp) {
    context.print(command === undefined ? generalHelp(await allCommands()) : commandHelp(command));
    return;
  }
  if (command === undefined) throw reject('COMMAND_UNKNOWN', { command: printable(words.slice(0, 2).join(' ')) });
  const { values, positionals } = parse(command, words.slice(command.name.split(' ').length));
  await command.run(context, values, positionals);
}

function parse(command: Command, args: readonly string[]): { values: OptionValues; positionals: string[] } {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: command.options,
      allowPositionals: true,
      strict: command.judgesOptions !== true,
    });
    // The word behind an option that there is none of is probably its value, and the command tells of the option.
    const isUnknown = Object.keys(values).some((name) => !Object.hasOwn(command.options, name));
    if (positionals.length > command.maxArguments && !isUnknown) throw new TypeError('too many arguments');
    return { values: values as OptionValues, positionals };
  } catch (error) {
    throw reject('ARGUMENTS_WRONG', { command: command.name, problem: printable((error as Error).message) });
  }
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 200);
}

/** What happened, what to do, and the details that the refusal carries; a bug shows its stack. */
function explain(error: unknown, { note }: CliContext): number {
  if (!isReject(error)) {
    note(`aceso failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return EXIT.FAILURE;
  }
  const { code, kind, message, data } = error;
  note(`error ${message}`);
  for (const [name, value] of Object.entries(data))
    note(`  ${name}: ${typeof value === 'object' ? JSON.stringify(value) : value}`);
  if (code === 'NODE_NOT_SOUND') return EXIT.FAILURE;
  return USAGE_CODES.has(code) ? EXIT.USAGE : exitCodeOf(kind);
}
