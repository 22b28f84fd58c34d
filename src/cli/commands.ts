import type { Command } from './command.ts';
import { importCommand } from './commands/import.ts';
import { startCommand } from './commands/start.ts';
import { verifyCommand } from './commands/verify.ts';

/** Every command, in the order that the help shows. */
export const COMMANDS: readonly Command[] = [
  startCommand,
  importCommand,
  verifyCommand,
];
