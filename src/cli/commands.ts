import type { Command } from './command.ts';
import { accessBreakGlassCommand, accessLogCommand, accessRequestCommand } from './commands/access.ts';
import { backupCommand } from './commands/backup.ts';
import { clientCommands, launchCommand } from './commands/clients.ts';
import { consentGrantCommand, consentListCommand, consentRevokeCommand } from './commands/consent.ts';
import { demoCommand } from './commands/demo.ts';
import { doctorCommand } from './commands/doctor.ts';
import { generateCommand } from './commands/generate.ts';
import { genesisCommand } from './commands/genesis.ts';
import { igAddCommand, igListCommand, igRemoveCommand } from './commands/ig.ts';
import { importCommand } from './commands/import.ts';
import { inspectCommand } from './commands/inspect.ts';
import { keysRotateIndexCommand, keysRotateRootCommand } from './commands/key-rotation.ts';
import {
  keysClaimCommand,
  keysOrganisationCommand,
  keysRevokeCommand,
  keysSlipCommand,
  keysTokenCommand,
} from './commands/keys.ts';
import { ledgerExportCommand, ledgerMoveCommand, networkMoveCommand } from './commands/ledger.ts';
import { networkInitCommand } from './commands/network-init.ts';
import { networkStatusCommand } from './commands/network-status.ts';
import { networkUpCommand } from './commands/network-up.ts';
import { outgoingCommands } from './commands/outgoing.ts';
import { peopleCommands } from './commands/people.ts';
import { receiptsExportCommand } from './commands/receipts.ts';
import { restoreCommand } from './commands/restore.ts';
import { signInCommand } from './commands/sign-in.ts';
import { startCommand } from './commands/start.ts';
import { verifyCommand } from './commands/verify.ts';
import { voteCommands } from './commands/vote.ts';
import { witnessCommand } from './commands/witness.ts';

/** Every command, in the order that the help shows. */
export const COMMANDS: readonly Command[] = [
  startCommand,
  doctorCommand,
  demoCommand,
  networkUpCommand,
  networkInitCommand,
  networkStatusCommand,
  networkMoveCommand,
  ledgerExportCommand,
  ledgerMoveCommand,
  genesisCommand,
  importCommand,
  generateCommand,
  igAddCommand,
  igListCommand,
  igRemoveCommand,
  keysOrganisationCommand,
  keysTokenCommand,
  keysRevokeCommand,
  keysSlipCommand,
  keysClaimCommand,
  ...peopleCommands,
  signInCommand,
  ...clientCommands,
  launchCommand,
  keysRotateIndexCommand,
  keysRotateRootCommand,
  ...outgoingCommands,
  backupCommand,
  restoreCommand,
  consentGrantCommand,
  consentRevokeCommand,
  consentListCommand,
  accessRequestCommand,
  accessBreakGlassCommand,
  accessLogCommand,
  receiptsExportCommand,
  verifyCommand,
  ...voteCommands,
  witnessCommand,
  inspectCommand,
];
