import type { Command } from './command.ts';
import { genesisCommand } from './commands/genesis.ts';
import { importCommand } from './commands/import.ts';
import { inspectCommand } from './commands/inspect.ts';
import { receiptsExportCommand } from './commands/receipts.ts';
import { startCommand } from './commands/start.ts';
import { verifyCommand } from './commands/verify.ts';
import { witnessCommand } from './commands/witness.ts';

/** Every command, in the order that the help shows. */
export const COMMANDS: readonly Command[] = [
  startCommand,
  genesisCommand,
  importCommand,
  receiptsExportCommand,
  verifyCommand,
  witnessCommand,
  inspectCommand,
];
