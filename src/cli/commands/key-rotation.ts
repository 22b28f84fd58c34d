import { rejecter } from '../../std/reject.ts';
import { CODES } from '../codes.ts';
import type { Command } from '../command.ts';
import type { IndexRotationProgress } from '../index-rotation.ts';
import { untilOver } from '../operations.ts';
import { dataFolder, NODE_OPTIONS, NODE_USAGE, withNode } from '../use-node.ts';

const reject = rejecter(CODES);

/** `aceso keys rotate-index`: another key for the search index, while it is searched. */
const keysRotateIndexCommand: Command = {
  name: 'keys rotate-index',
  usage: `[OPTIONS]

The index says what a thief of the disk can learn by counting (docs/adr/0003). Under a new key, an old copy of the disk and
a new one have nothing in common to compare. Searches are right all the while; after a restart it goes on by itself.${NODE_USAGE}`,
  summary: 'Bring an organisation’s search index under a new key, without a stop',
  options: NODE_OPTIONS,
  maxArguments: 0,
  run: (context, values) =>
    withNode(context, values, async ({ client, organisation }) => {
      const bar = context.progress('resources under the new key');
      const last = await (async () => {
        await client.post('/api/index-key', {});
        return untilOver(
          () => client.get('/api/index-key') as Promise<IndexRotationProgress>,
          ({ done, total }) => bar.update(done, total),
        );
      })().finally(() => bar.stop());
      if (last.state !== 'done')
        throw reject('NODE_UNREACHABLE', { reason: 'it is being stopped; it goes on at its next start' });
      context.print(
        `${organisation === '' ? 'The index' : `${organisation}: the index`} is under key ${last.generation} now, ${last.total} resources; the old key is destroyed.`,
      );
      if ((last.failed ?? 0) > 0)
        context.note(
          `${last.failed} resources could not be opened and are found by nothing but their id: look at the node’s log.`,
        );
    }),
};

/** `aceso keys rotate-root`: another root key. */
const keysRotateRootCommand: Command = {
  name: 'keys rotate-root',
  usage: `[--data DIR]

  --data DIR  data folder of the node (default ./data); it may run, and needs no restart

Everything of a node is encrypted under its master key, which lies in the data folder wrapped under the root key. This makes
a new root key and wraps the master key under it. After a crash run it again: the node opens at every step.`,
  summary: 'Give a node a new root key, without a stop',
  options: { data: NODE_OPTIONS.data },
  maxArguments: 0,
  async run(context, values) {
    const { file, old, resumed, wasMaster } = await context.nodes.backups.rotateRootKey(dataFolder(context, values));
    if (resumed) context.note('An earlier change was cut short; it was brought to its end.');
    context.print(`New root key: ${file}`);
    context.print(`Old root key: ${old}`);
    for (const line of ['', ...(wasMaster ? OF_OLD_FOLDER : OF_MASTER)]) context.print(line);
  },
};

export const keyRotationCommands: readonly Command[] = [keysRotateIndexCommand, keysRotateRootCommand];

const OF_MASTER = [
  'Do now:    copy the new root key to where you keep such copies, and make a backup (aceso backup).',
  'Keep the old root key until every backup from before today is destroyed: they open with it alone. Then destroy it, and',
  'its copies.',
  'It helps against a thief who has the old root key and gets hold of the data folder from now on. It does not help against',
  'one who has the old root key AND a copy of the data folder from before today, backups included: who can open that has',
  'the master key, and opens what is written later too. If you fear that, restore into new vaults at a new node.',
];

const OF_OLD_FOLDER = [
  'Do now:    copy the new root key to where you keep such copies, and make a backup (aceso backup).',
  'ATTENTION: this data folder was made before nodes had a master key of their own, so its data is encrypted under the OLD',
  'root key itself. Whoever has that one opens every copy of this folder, also later ones: this change does not lock them',
  'out. It lets you hand out a new key file from now on. Never publish the old one. Keep it until every backup from before',
  'today is destroyed (they open with it alone), then destroy it and its copies.',
];
