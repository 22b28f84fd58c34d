import { rejecter } from '../../std/reject.ts';
import type { BackupProgress, BackupRequest, BackupSummary } from '../backup-work.ts';
import type { Client } from '../client.ts';
import { createClient } from '../client.ts';
import { CODES } from '../codes.ts';
import type { CliContext, Command, OptionValues } from '../command.ts';
import { pathOf } from '../files.ts';
import { dayText, sizeText, timeText, untilOver } from '../operations.ts';
import { neededOption, textOption, urlOption } from '../option-values.ts';
import { createStepProgress } from '../step-progress.ts';
import { dataFolder, tokenOption } from '../use-node.ts';

const reject = rejecter(CODES);

/** `aceso backup`: vaults, key stores, ledger and the node's own files as one set, also while it runs. */
export const backupCommand: Command = {
  name: 'backup',
  usage: `--out DIR [--keys-out DIR | --without-keys] [--data DIR]
       aceso backup --verify DIR [--keys DIR] [--root-key FILE]

  --out DIR       new folder for the backup, on the node's machine and outside its data folder
  --keys-out DIR  puts the key stores into a folder of their own. Keep that one 30 days at most, elsewhere: what patients
                  have erased can be opened for as long as a copy of its key is somewhere
  --without-keys  copies no key store; such a backup opens nothing without a key backup of the same time or later
  --data DIR      data folder of the node (default ./data); it may run, and goes on serving
  --url URL --token T  a node elsewhere; the folders are on its machine
  --verify DIR    reads all of a backup, and opens it with the root key
  --keys DIR      its key backup, where that is apart
  --root-key FILE the root key that the node had at that time, where it is not in its place

The root key is never in a backup. Without it no backup can be read: keep a copy of it apart from both.`,
  summary: 'Back a node up while it runs: records, keys, ledger, as one consistent set',
  options: {
    out: { type: 'string' },
    'keys-out': { type: 'string' },
    'without-keys': { type: 'boolean' },
    data: { type: 'string' },
    url: { type: 'string' },
    token: { type: 'string' },
    verify: { type: 'string' },
    keys: { type: 'string' },
    'root-key': { type: 'string' },
  },
  maxArguments: 0,
  async run(context, values) {
    if (values.verify !== undefined) return verify(context, values);
    const request = requestOf(context, values);
    const steps = createStepProgress(context);
    try {
      const { summary, isOnline } = await makeBackup(context, values, request, steps.update);
      steps.stop();
      for (const line of linesOf(request, summary, isOnline)) context.print(line);
    } finally {
      steps.stop();
    }
  },
};

function requestOf(context: CliContext, values: OptionValues): BackupRequest {
  const keysOut = textOption(values, 'keys-out');
  const withoutKeys = values['without-keys'] === true;
  if (keysOut !== undefined && withoutKeys)
    throw reject('ARGUMENTS_WRONG', { problem: 'key stores go apart or nowhere: --keys-out or --without-keys' });
  return {
    out: pathOf(context, neededOption(values, 'out')),
    ...(keysOut === undefined ? {} : { keysOut: pathOf(context, keysOut) }),
    ...(withoutKeys ? { withoutKeys } : {}),
  };
}

type Update = (step: string, done: number, total: number) => void;

/** Asked of the node that runs, or made of the folder of one that does not. */
async function makeBackup(
  context: CliContext,
  values: OptionValues,
  request: BackupRequest,
  update: Update,
): Promise<{ summary: BackupSummary; isOnline: boolean }> {
  const client = await runningNode(context, values);
  if (client === undefined) {
    const summary = await context.nodes.backups.backupStopped(dataFolder(context, values), request, update);
    return { summary, isOnline: false };
  }
  await client.post('/api/backup', request);
  const { report } = await untilOver(
    () => client.get('/api/backup') as Promise<BackupProgress>,
    ({ state, step, done, total }) => {
      if (state === 'running') update(step, done, total);
    },
  );
  if (report === undefined) throw reject('NODE_UNREACHABLE', { reason: 'it was started anew meanwhile' });
  return { summary: report, isOnline: true };
}

async function runningNode(context: CliContext, values: OptionValues): Promise<Client | undefined> {
  if (typeof values.url === 'string') return createClient(context, urlOption(values.url, 'url'), tokenOption(values));
  const running = await context.nodes.running(dataFolder(context, values));
  return running === undefined ? undefined : createClient(context, running.url, Object.values(running.adminTokens)[0]);
}

function linesOf({ out, keysOut }: BackupRequest, summary: BackupSummary, isOnline: boolean): string[] {
  const { timeMs, pauseMs, bytes, files, vaults, ledgerHeight, keysUntilMs = 0, part, node, leftOvers } = summary;
  const until = dayText(keysUntilMs);
  const keyLines = {
    apart: [`  keys       ${keysOut}: destroy it by ${until}, and keep it apart from the records`],
    none: ['  keys       not copied: restoring needs a key backup of the same time or later'],
    beside: [`  keys       are in it: destroy it by ${until}, or take the keys out next time with --keys-out DIR`],
  }[keysOut !== undefined ? 'apart' : part === 'records' ? 'none' : 'beside'];
  return [
    `Backed up to ${out}`,
    `  as of      ${timeText(timeMs)}, all at one moment${isOnline ? `; writers waited ${pauseMs} ms` : ''}`,
    `  size       ${sizeText(bytes)} in ${files} files`,
    ...vaults.map(({ slug, entries }) => `  journal    ${slug}: ${entries} entries`),
    ledgerHeight === undefined
      ? '  ledger     kept by the members; a restored node gets it from them'
      : `  ledger     to block ${ledgerHeight}`,
    ...keyLines,
    `  root key   NOT in it. Without ${node}.key, beside the other root keys, nobody can read this backup: keep a copy apart`,
    '',
    `Check it now and then: aceso backup --verify ${out}${keysOut === undefined ? '' : ` --keys ${keysOut}`}`,
    ...leftOvers.map((folder) => `Left by a backup that was killed, of no use: ${folder}`),
  ];
}

async function verify(context: CliContext, values: OptionValues): Promise<void> {
  const steps = createStepProgress(context);
  const summary = await context.nodes.backups
    .verify({ ...placesOf(context, values, neededOption(values, 'verify')), progress: steps.update })
    .finally(steps.stop);
  const { node, timeMs, bytes, vaults, ledgerHeight, keysAway, keysUntilMs = 0 } = summary;
  context.print(`Whole, unaltered, and the root key opens it: ${node} as of ${timeText(timeMs)}, ${sizeText(bytes)}`);
  for (const { slug, entries } of vaults) context.print(`  journal    ${slug}: ${entries} entries`);
  if (ledgerHeight !== undefined) context.print(`  ledger     to block ${ledgerHeight}`);
  if (keysAway) context.print('  keys       apart: restoring needs them too, with --keys DIR');
  else if (keysUntilMs < context.clock())
    context.print(
      `  keys       older than 30 days: what was erased since ${dayText(timeMs)} can be opened with them. Destroy them.`,
    );
  context.print('To be sure that it serves, restore it into a spare folder now and then, and delete that.');
}

/** Folders and root key that the command line names. */
export function placesOf(context: CliContext, values: OptionValues, from: string) {
  const [keys, rootKey] = [textOption(values, 'keys'), textOption(values, 'root-key')];
  return {
    from: pathOf(context, from),
    ...(keys === undefined ? {} : { keys: pathOf(context, keys) }),
    ...(rootKey === undefined ? {} : { rootKey: pathOf(context, rootKey) }),
  };
}
