import type { RestoreSummary } from '../backup-work.ts';
import type { Command } from '../command.ts';
import { pathOf } from '../files.ts';
import { timeText } from '../operations.ts';
import { neededOption, textOption } from '../option-values.ts';
import { createStepProgress } from '../step-progress.ts';
import { placesOf } from './backup.ts';

/** `aceso restore`: a data folder from a backup. */
export const restoreCommand: Command = {
  name: 'restore',
  usage: `--from DIR --data DIR [--keys DIR] [--ledger DIR] [--root-key FILE] [--scrub]

  --from DIR       what \`aceso backup\` wrote
  --data DIR       data folder to make; it must not be there, or be empty
  --keys DIR       the key backup, where the keys were copied apart
  --ledger DIR     data folder of the stopped node, where its ledger outlived its records: it goes on from there, and what
                   was erased since the backup is erased again. Without it the backup's ledger goes on
  --root-key FILE  the root key that the node had at that time, where it is not in its place
  --scrub          opens every version once, as a rehearsal

All of the backup is verified before anything is written. Nothing but the new folder is made, and a schema in PostgreSQL
where the vaults are kept there: to undo a restore, delete those.`,
  summary: 'Make a node’s data folder from a backup',
  options: {
    from: { type: 'string' },
    data: { type: 'string' },
    keys: { type: 'string' },
    ledger: { type: 'string' },
    'root-key': { type: 'string' },
    scrub: { type: 'boolean' },
  },
  maxArguments: 0,
  async run(context, values) {
    const data = neededOption(values, 'data');
    const ledger = textOption(values, 'ledger');
    const steps = createStepProgress(context);
    const summary = await context.nodes.backups
      .restore({
        ...placesOf(context, values, neededOption(values, 'from')),
        folder: pathOf(context, data),
        ...(ledger === undefined ? {} : { ledger: pathOf(context, ledger) }),
        scrub: values.scrub === true,
        progress: steps.update,
      })
      .finally(steps.stop);
    for (const line of linesOf(data, summary, ledger !== undefined)) context.print(line);
  },
};

function linesOf(data: string, summary: RestoreSummary, keptLedger: boolean): string[] {
  const { node, timeMs, ledgerHeight, vaults, isOwnLedger } = summary;
  const behind = vaults.filter(({ status }) => status === 'behind');
  return [
    `Restored to ${data}: ${node} as of ${timeText(timeMs)}`,
    `  ledger     at block ${ledgerHeight}${isOwnLedger ? '' : ', from the other nodes'}; what it marks as erased is erased`,
    ...vaults.map(({ slug, status, journal }) => `  ${slug.padEnd(10)} ${status}, journal of ${journal.size} entries`),
    ...vaults.flatMap(({ slug, scrub }) =>
      scrub === undefined
        ? []
        : [
            `  ${slug.padEnd(10)} every version opened: ${scrub.versions}, ${scrub.erased} erased, ${scrub.faults.length} faults`,
          ],
    ),
    ...behind.flatMap(({ slug, account, journal, anchor }) => [
      '',
      `${slug} is BEHIND its last anchor: the ledger knows ${anchor.size} entries, this backup holds ${journal.size}. It serves`,
      'nothing until a newer backup is restored, or the members vote that its journal begins anew and the rest is lost. For',
      `that start it (aceso start --data ${data}), and at any member's node:`,
      `  aceso vote restart-journal --account ${account} --generation ${journal.generation} --kept-size ${journal.size}`,
      'The other members approve with aceso vote approve. What was erased since is erased again before it serves.',
    ]),
    '',
    ...(isOwnLedger && !keptLedger
      ? [
          'This node keeps the ledger by itself. What it committed after the backup is gone: receipts of that time verify, but',
          'witnesses and nodes that follow it hold newer blocks and refuse this one. If the old disk can be read, restore again',
          'with --ledger OLD-DATA.',
        ]
      : []),
    'Never run this folder and the old one at the same time: both would sign as the same node.',
    `Start it: aceso start --data ${data}    To undo: delete ${data}; the backup was not touched.`,
  ];
}
