import { rejecter } from '../../std/reject.ts';
import type { Client } from '../client.ts';
import { CODES } from '../codes.ts';
import type { Command } from '../command.ts';
import { NODE_OPTIONS, NODE_USAGE, withNode } from '../use-node.ts';

const reject = rejecter(CODES);

/** What can be looked at: a word, how many more it takes, and where the node answers. */
const SUBJECTS: Readonly<Record<string, { readonly arguments: number; path(words: readonly string[]): string }>> = {
  node: { arguments: 0, path: () => '/' },
  health: { arguments: 0, path: () => '/health' },
  head: { arguments: 0, path: () => '/ledger/head' },
  journal: { arguments: 0, path: () => '/api/journal' },
  transaction: { arguments: 1, path: ([id = '']) => `/api/receipts/transactions/${encodeURIComponent(id)}` },
  account: { arguments: 1, path: ([id = '']) => `/api/receipts/state/chain.accounts/${encodeURIComponent(id)}` },
  members: { arguments: 0, path: () => '/api/query/membership.members' },
  state: {
    arguments: 2,
    path: ([map = '', key = '']) =>
      `/api/receipts/state/${encodeURIComponent(map)}/${key.split('/').map(encodeURIComponent).join('/')}`,
  },
};

/** `aceso inspect`: looks at a node and its ledger. */
export const inspectCommand: Command = {
  name: 'inspect',
  usage: `SUBJECT [ID] [OPTIONS]

  node | health | head | journal | members
  transaction ID   the transaction’s receipt
  account ID       what the ledger’s state holds of an account, with proof
  state MAP KEY    what a map of the state holds under a key (parts joined by /), with proof${NODE_USAGE}`,
  summary: 'Look at a node, its ledger and its journal',
  options: NODE_OPTIONS,
  maxArguments: 3,
  async run(context, values, [name = 'node', ...words]) {
    const subject = Object.hasOwn(SUBJECTS, name) ? SUBJECTS[name] : undefined;
    if (subject === undefined || words.length !== subject.arguments) {
      throw reject('ARGUMENTS_WRONG', { command: 'inspect', subjects: Object.keys(SUBJECTS) });
    }
    const show = async ({ client }: { client: Client }) => client.get(subject.path(words));
    context.print(JSON.stringify(await withNode(context, values, show), undefined, 2));
  },
};
