import { rejecter } from '../../std/reject.ts';
import { createClient } from '../client.ts';
import { CODES } from '../codes.ts';
import type { CliContext, Command, OptionValues } from '../command.ts';
import { pathOf } from '../files.ts';
import type { RunningNode, SeedReport } from '../node-starter.ts';
import { countOption, portOption, urlOption } from '../option-values.ts';
import { createStepProgress } from '../step-progress.ts';
import { dataFolder } from '../use-node.ts';

const reject = rejecter(CODES);

const DEFAULT_PORT = 8103;

/** `aceso start`: runs a node until it is told to stop. */
export const startCommand: Command = {
  name: 'start',
  usage: `[--data DIR] [--port N] [--host ADDRESS] [--empty] [--genesis FILE --keys FILE] [--network FILE] [--follow URL] [--witness NAME=URL…] [--peer URL…]

  --data DIR      where the node keeps everything but its root key (default ./data)
  --port N        port to listen on (default ${DEFAULT_PORT}; 0 takes a free one)
  --host ADDRESS  address to listen on (default 127.0.0.1)
  --base-url URL  address that clients use, where a proxy stands before the node
  --confirm-clock the machine’s clock is right, though it went back or jumped
  --empty         a new node gets no synthetic patients
  --genesis FILE --keys FILE   join a ledger with the keys that \`aceso keys organisation\` made
  --network FILE  addresses of the consortium whose ledger it validates (\`aceso network init\` writes it)
  --p2p ADDRESS   tcp://HOST:PORT to listen on for the other validators, where it is not the one in that file
  --snapshot-every N  keep a snapshot for those who join every N blocks (default 1000)
  --carry DIR     export of the ledger that the genesis goes on from (ledger/ of what \`aceso ledger export\` wrote)
  --follow URL    follow the ledger of the node at URL
  --witness NAME=URL  address of a witness that genesis names; repeat for each
  --peer URL      node of another member, to ask it for records; repeat for each`,
  summary: 'Run a node; a new one is seeded with two hospitals, an institute and synthetic patients',
  options: {
    data: { type: 'string' },
    port: { type: 'string' },
    host: { type: 'string' },
    'base-url': { type: 'string' },
    'confirm-clock': { type: 'boolean' },
    empty: { type: 'boolean' },
    genesis: { type: 'string' },
    keys: { type: 'string' },
    follow: { type: 'string' },
    network: { type: 'string' },
    p2p: { type: 'string' },
    carry: { type: 'string' },
    'snapshot-every': { type: 'string' },
    witness: { type: 'string', multiple: true },
    peer: { type: 'string', multiple: true },
  },
  maxArguments: 0,
  async run(context, values) {
    const steps = createStepProgress(context);
    const node = await context.nodes.start({
      folder: dataFolder(context, values),
      port: portOption(values, DEFAULT_PORT),
      host: typeof values.host === 'string' ? values.host : '127.0.0.1',
      ...(typeof values['base-url'] === 'string' ? { baseUrl: urlOption(values['base-url'], 'base-url') } : {}),
      confirmClock: values['confirm-clock'] === true,
      // Whoever brings keys of their own brings patients of their own.
      seed: values.empty !== true && typeof values.keys !== 'string',
      ...(typeof values.genesis === 'string' ? { genesis: pathOf(context, values.genesis) } : {}),
      ...(typeof values.keys === 'string' ? { keys: pathOf(context, values.keys) } : {}),
      ...(typeof values.follow === 'string' ? { follow: urlOption(values.follow, 'follow') } : {}),
      ...(typeof values.network === 'string' ? { network: pathOf(context, values.network) } : {}),
      ...(typeof values.p2p === 'string' ? { p2pListen: p2pOption(values.p2p) } : {}),
      ...(values['snapshot-every'] === undefined ? {} : { snapshotEveryBlocks: countOption(values, 'snapshot-every') }),
      ...(typeof values.carry === 'string' ? { carry: pathOf(context, values.carry) } : {}),
      witnesses: witnessesOf(values),
      peers: Array.isArray(values.peer) ? (values.peer as string[]) : [],
      progress: steps.update,
      rootKeyMade: (path) =>
        context.print(
          `Root key made: ${path}\nWithout it nothing in the data folder can be read. Back it up apart from the data.\n`,
        ),
    });
    steps.stop();
    context.print(greeting(node));
    for (const line of await ledgerLines(context, node)) context.note(line);
    if (typeof values.keys === 'string')
      context.note(`${values.keys} is sealed into the data folder now: delete it, or lock it away as a backup.`);
    await context.untilStopped();
    context.note('stopping: finishing what was begun');
    await node.close();
  },
};

/** Why the ledger stands still, if it does: a node starts without the others too, since care does not wait for them. */
async function ledgerLines(context: CliContext, { url }: RunningNode): Promise<string[]> {
  const { ledger } = (await createClient(context, url).get('/health')) as { ledger: LedgerState };
  const { status, reason = status } = ledger;
  if (status === 'ok' || status === 'following') return [];
  return [
    `The ledger does not move yet: ${reason}. Care at this node goes on; \`aceso network status\` shows who is missing.`,
  ];
}

interface LedgerState {
  readonly status: string;
  readonly reason?: string;
}

function p2pOption(text: string): string {
  if (!/^tcp:\/\/[^\s/]{1,240}:[0-9]{1,5}$/.test(text))
    throw reject('ARGUMENTS_WRONG', { problem: '--p2p takes tcp://HOST:PORT' });
  return text;
}

function witnessesOf({ witness }: OptionValues): Record<string, string> {
  const urls: Record<string, string> = {};
  for (const text of Array.isArray(witness) ? (witness as string[]) : []) {
    const at = text.indexOf('=');
    if (at < 1) throw reject('ARGUMENTS_WRONG', { problem: '--witness takes NAME=URL' });
    urls[text.slice(0, at)] = urlOption(text.slice(at + 1), 'witness');
  }
  return urls;
}

/** Address, demo accounts and three things to try: all that a newcomer needs, on one screen. */
function greeting({ url, seeded }: RunningNode): string {
  const lines = [`Aceso is ready at ${url}   FHIR R4: ${url}/fhir   verify a receipt: ${url}/verify`];
  if (seeded !== undefined) lines.push('', ...seedLines(seeded, url));
  return [...lines, '', 'Stop with Ctrl-C.'].join('\n');
}

function seedLines({ organisations, accounts }: SeedReport, url: string): string[] {
  const width = Math.max(...accounts.map(({ label }) => label.length));
  const clinician = accounts[0];
  return [
    ...organisations.map(
      ({ name, patients, resources }) => `  ${name}: ${patients} synthetic patients, ${resources} resources`,
    ),
    '',
    'Demo accounts (bearer tokens, shown this once):',
    ...accounts.map(({ label, token }) => `  ${label.padEnd(width)}  ${token}`),
    '',
    'Three things to try, in another terminal:',
    `  1. read the charts   curl -H "Authorization: Bearer ${clinician?.token}" "${url}/fhir/Patient?_count=3&_pretty=true"`,
    '  2. the whole story   npx aceso demo',
    '  3. check offline     npx aceso receipts export --sample 5 --out receipts && npx aceso verify receipts --trust receipts/genesis.json',
  ];
}
