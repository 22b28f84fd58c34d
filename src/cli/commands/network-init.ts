import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { utf8ToText } from '../../std/bytes.ts';
import { rejecter } from '../../std/reject.ts';
import { CODES } from '../codes.ts';
import type { CliContext, Command } from '../command.ts';
import { pathOf, readNamedFile } from '../files.ts';
import { toleranceText } from '../network/tolerance.ts';
import { writeNetwork } from '../network/write-network.ts';
import type { FoundedNetwork } from '../node-starter.ts';
import { neededOption } from '../option-values.ts';

const reject = rejecter(CODES);
const MAX_PLAN_BYTES = 1024 * 1024;

/** `aceso network init`: what a consortium begins with. */
export const networkInitCommand: Command = {
  name: 'network init',
  usage: `PLAN --out DIR

  PLAN       JSON file that says who founds the network and where their nodes are, as below
  --out DIR  new folder for genesis.json, network.json and each organisation's keys.json

A plan:

  {
    "name": "care-of-the-north",
    "organisations": [
      { "slug": "st-brigid", "name": "St. Brigid Hospital", "roles": ["provider"],
        "p2p": "node.st-brigid.example:26656", "url": "https://aceso.st-brigid.example" },
      { "slug": "northgate", "name": "Northgate Health Authority",
        "p2p": "aceso.northgate.example:26656", "url": "https://aceso.northgate.example",
        "entry": { … }, "validator": { … } }
    ]
  }

  p2p        HOST:PORT at which the other validators reach its consensus engine; open it to them alone
  url        address of its node's HTTP for the others; may be left out where nobody asks it for records
  roles      provider, payer, manufacturer, distributor, pharmacy, research, regulator, operator
  entry, validator   what \`aceso keys organisation --validator\` printed there: its keys never leave it.
             Without them keys are made here, and you hold them until you hand them over
  power      voting power, 1 unless given; 0 for a node that does not vote
  blockBytes beside "name": most bytes in a block, if 4 MiB do not fit`,
  summary: 'Found a consortium: genesis, addresses and keys from a plan',
  options: { out: { type: 'string' } },
  maxArguments: 1,
  async run(context, values, [file]) {
    if (file === undefined) throw reject('ARGUMENTS_WRONG', { problem: 'PLAN is missing' });
    const out = neededOption(values, 'out');
    const plan = await readPlan(context, file);
    if ((await readdir(pathOf(context, out)).catch(() => [])).length > 0) throw reject('NETWORK_FOLDER_TAKEN');
    const founded = await context.nodes.foundNetwork(plan);
    await writeNetwork(context, out, founded);
    for (const line of nextSteps(out, founded)) context.print(line);
  },
};

/** The parsed JSON of a plan. Throws FILE_UNREADABLE, PLAN_UNREADABLE. */
export async function readPlan(context: CliContext, file: string): Promise<unknown> {
  const bytes = await readNamedFile(context, file);
  if (bytes.length > MAX_PLAN_BYTES) throw reject('PLAN_UNREADABLE', { reason: 'larger than 1 MiB' });
  try {
    return JSON.parse(utf8ToText(bytes));
  } catch (error) {
    throw reject('PLAN_UNREADABLE', { reason: (error as Error).message.replace(/[^\x20-\x7e]/g, '?').slice(0, 200) });
  }
}

function nextSteps(out: string, { chain, organisations }: FoundedNetwork): string[] {
  const made = organisations.filter(({ keys }) => keys !== undefined);
  return [
    `ledger ${chain}`,
    toleranceText(organisations.map(({ power }) => power)),
    '',
    `  ${join(out, 'genesis.json')}   what the ledger begins with: the same bytes at every organisation`,
    `  ${join(out, 'network.json')}   where the nodes are: every organisation needs it`,
    ...made.map(({ slug, name }) => `  ${join(out, slug, 'keys.json')}   secret: whoever has it is ${name}`),
    '',
    'Next, at each organisation, on its own machine, with those two files and its own keys:',
    '',
    ...organisations.flatMap(({ slug, name, url, keys }) => [
      `  ${name}`,
      `    aceso start --data data --genesis genesis.json --network network.json --keys ${keys === undefined ? '(its own file)' : `${slug}/keys.json`}${listenText(url)}`,
    ]),
    '',
    ...(made.length === 0
      ? []
      : [
          'Hand each keys.json to its organisation alone. The first start seals the keys into the data folder: delete the',
          'file after it, or lock it away as the backup that it is. A second node with the same keys would vote against it.',
        ]),
  ];
}

/** Options by which a node is found at its address: itself, or behind a proxy that speaks TLS for it. */
function listenText(url: string | undefined): string {
  if (url === undefined) return '';
  const { protocol, hostname, port } = new URL(url);
  if (protocol === 'https:') return ` --base-url ${url}`;
  const host = hostname === '127.0.0.1' || hostname === 'localhost' ? '' : ` --host ${hostname}`;
  return `${host} --port ${port === '' ? '80' : port}`;
}
