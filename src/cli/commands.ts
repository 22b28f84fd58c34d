import type { Command } from './command.ts';

type Load = () => Promise<readonly Command[]>;

/**
 * Commands by their first word, in the order that the help shows. What is not asked for is not loaded: together they take
 * longer than most of them run.
 */
const COMMANDS: ReadonlyMap<string, Load> = new Map<string, Load>([
  ['start', async () => [(await import('./commands/start.ts')).startCommand]],
  ['doctor', async () => [(await import('./commands/doctor.ts')).doctorCommand]],
  ['demo', async () => [(await import('./commands/demo.ts')).demoCommand]],
  [
    'network',
    async () => [
      (await import('./commands/network-up.ts')).networkUpCommand,
      (await import('./commands/network-init.ts')).networkInitCommand,
      (await import('./commands/network-status.ts')).networkStatusCommand,
      (await import('./commands/ledger.ts')).networkMoveCommand,
    ],
  ],
  ['ledger', async () => (await import('./commands/ledger.ts')).ledgerCommands],
  ['genesis', async () => [(await import('./commands/genesis.ts')).genesisCommand]],
  ['import', async () => [(await import('./commands/import.ts')).importCommand]],
  ['generate', async () => [(await import('./commands/generate.ts')).generateCommand]],
  [
    'ig',
    async () => {
      const { igAddCommand, igListCommand, igRemoveCommand } = await import('./commands/ig.ts');
      return [igAddCommand, igListCommand, igRemoveCommand];
    },
  ],
  [
    'keys',
    async () => [
      ...(await import('./commands/keys.ts')).keysCommands,
      ...(await import('./commands/key-rotation.ts')).keyRotationCommands,
    ],
  ],
  ['people', async () => (await import('./commands/people.ts')).peopleCommands],
  ['sign-in', async () => [(await import('./commands/sign-in.ts')).signInCommand]],
  ['clients', async () => (await import('./commands/clients.ts')).clientCommands],
  ['launch', async () => [(await import('./commands/clients.ts')).launchCommand]],
  ['outgoing', async () => (await import('./commands/outgoing.ts')).outgoingCommands],
  ['backup', async () => [(await import('./commands/backup.ts')).backupCommand]],
  ['restore', async () => [(await import('./commands/restore.ts')).restoreCommand]],
  ['consent', async () => (await import('./commands/consent.ts')).consentCommands],
  ['access', async () => (await import('./commands/access.ts')).accessCommands],
  ['receipts', async () => [(await import('./commands/receipts.ts')).receiptsExportCommand]],
  ['verify', async () => [(await import('./commands/verify.ts')).verifyCommand]],
  ['vote', async () => (await import('./commands/vote.ts')).voteCommands],
  ['witness', async () => [(await import('./commands/witness.ts')).witnessCommand]],
  ['inspect', async () => [(await import('./commands/inspect.ts')).inspectCommand]],
]);

/** Every command, in the order that the help shows. */
export async function allCommands(): Promise<readonly Command[]> {
  const loaded = await Promise.all([...COMMANDS.values()].map((load) => load()));
  return loaded.flat();
}

/** The command with the most words that the line begins with: `receipts export` before `receipts`. */
export async function findCommand(words: readonly string[]): Promise<Command | undefined> {
  const commands = (await COMMANDS.get(words[0] ?? '')?.()) ?? [];
  const matching = commands.filter(({ name }) => name.split(' ').every((word, at) => words[at] === word));
  return matching.sort((a, b) => b.name.length - a.name.length)[0];
}
