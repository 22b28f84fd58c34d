import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { rejecter } from '../../std/reject.ts';
import { createClient } from '../client.ts';
import { CODES } from '../codes.ts';
import type { CliContext, Command, OptionValues } from '../command.ts';
import { pathOf } from '../files.ts';
import { makeTrialNetwork } from '../network/make-network.ts';
import { type NetworkFolder, readNetworkFolder } from '../network/network-folder.ts';
import { type RunningNetwork, startNetwork } from '../network/start-network.ts';
import { toleranceText } from '../network/tolerance.ts';
import { countOption, listOption, portOption, textOption } from '../option-values.ts';

const reject = rejecter(CODES);

const DEFAULT_FOLDER = 'aceso-network';
const DEFAULT_PORT = 8103;
const DEFAULT_VALIDATORS = 4;
/** Each is a node with its engine, on one machine. */
const MOST_VALIDATORS = 16;

/** `aceso network up`: a whole consortium on this machine, for trying out. */
export const networkUpCommand: Command = {
  name: 'network up',
  usage: `[--out DIR] [--validators N] [--port P] [--empty] [--without SLUG…]

  --out DIR       where it is kept, a folder for each organisation (default ./${DEFAULT_FOLDER}); started again when it is there
  --validators N  how many organisations, 1 to ${MOST_VALIDATORS} (default ${DEFAULT_VALIDATORS}); four go on when one fails
  --port P        HTTP port of the first node, the others' after it (default ${DEFAULT_PORT}; 0 takes free ones)
  --empty         no synthetic patients
  --without SLUG  leave this organisation's node down; repeat for each

All nodes run in this process and end with it, and all keys lie on this machine: for trying out, not for patients.
A network of several machines begins with \`aceso network init\`. Needs CometBFT (\`npm run cometbft:install\`).`,
  summary: 'Run a whole consortium of four organisations on this machine, for trying out',
  options: {
    out: { type: 'string' },
    validators: { type: 'string' },
    port: { type: 'string' },
    empty: { type: 'boolean' },
    without: { type: 'string', multiple: true },
  },
  maxArguments: 0,
  async run(context, values) {
    const port = portOption(values, DEFAULT_PORT);
    const validators = values.validators === undefined ? DEFAULT_VALIDATORS : countOption(values, 'validators');
    if (validators > MOST_VALIDATORS)
      throw reject('ARGUMENTS_WRONG', { problem: `--validators takes a number from 1 to ${MOST_VALIDATORS}` });
    await context.nodes.requireEngine();
    const shown = textOption(values, 'out') ?? DEFAULT_FOLDER;
    const network = await openOrMake(context, values, { folder: pathOf(context, shown), validators, port });
    const without = listOption(values, 'without');
    const unknown = without.find((slug) => !network.members.some((member) => member.slug === slug));
    if (unknown !== undefined || without.length >= network.members.length) {
      const organisations = network.members.map(({ slug }) => slug);
      throw reject('ARGUMENTS_WRONG', { problem: '--without takes some of the organisations, not all', organisations });
    }
    const running = await startNetwork(context, network, { seed: values.empty !== true, without });
    try {
      for (const line of await greeting(context, { network, running, shown, without })) context.print(line);
      await context.untilStopped();
      context.note('stopping all nodes: finishing what was begun');
    } finally {
      await running.close();
    }
  },
};

async function openOrMake(
  context: CliContext,
  values: OptionValues,
  { folder, validators, port }: { folder: string; validators: number; port: number },
): Promise<NetworkFolder> {
  const found = await readNetworkFolder(folder);
  if (found === undefined) {
    if ((await readdir(folder).catch(() => [])).length > 0) throw reject('NETWORK_FOLDER_TAKEN');
    await makeTrialNetwork(context, { folder, name: 'aceso-trial-network', validators, port });
    const made = await readNetworkFolder(folder);
    if (made === undefined) throw reject('NETWORK_FOLDER_DAMAGED');
    return made;
  }
  const hasOther =
    (values.validators !== undefined && validators !== found.members.length) ||
    (values.port !== undefined && port !== found.members[0]?.port);
  if (hasOther)
    throw reject('NETWORK_MADE_ALREADY', { validators: found.members.length, port: found.members[0]?.port ?? 0 });
  return found;
}

interface Greeted {
  readonly network: NetworkFolder;
  readonly running: RunningNetwork;
  /** The folder as it was named. */
  readonly shown: string;
  readonly without: readonly string[];
}

/** Where the nodes are, how they are, who may sign in, and three things to try: one screen. */
async function greeting(context: CliContext, { network, running, shown, without }: Greeted): Promise<string[]> {
  const { members, chain } = network;
  const { nodes, seeded, rootKeys } = running;
  const width = Math.max(...members.map(({ name }) => name.length));
  const states = await Promise.all(nodes.map(({ node }) => stateOf(context, node.url)));
  const downs = members.filter(({ slug }) => without.includes(slug));
  return [
    `Aceso network: ${nodes.length} of ${members.length} nodes up, ledger ${chain.slice(0, 16)}…`,
    '',
    ...nodes.map(({ member, node }, at) => `  ${member.name.padEnd(width)}  ${node.url}  ${states[at]}`),
    ...downs.map(({ name }) => `  ${name.padEnd(width)}  left down`),
    '',
    toleranceText(members.map(({ power }) => power)),
    '',
    ...(rootKeys[0] === undefined
      ? []
      : [`Root keys made in ${dirname(rootKeys[0])}: without them nothing in the data folders can be read.`, '']),
    ...(seeded === undefined ? [] : accountLines(seeded.accounts)),
    ...toTry({ network, running, shown, without }),
    '',
    'Stop them all with Ctrl-C.',
  ];
}

async function stateOf(context: CliContext, url: string): Promise<string> {
  const { ledger } = (await createClient(context, url).get('/health')) as {
    ledger: { status: string; reason?: string; height: number };
  };
  return `${ledger.status}, block ${ledger.height}${ledger.reason === undefined ? '' : ` (${ledger.reason})`}`;
}

function accountLines(accounts: readonly { readonly label: string; readonly token: string }[]): string[] {
  if (accounts.length === 0) return [];
  const width = Math.max(...accounts.map(({ label }) => label.length));
  return [
    'Demo accounts (bearer tokens, shown this once):',
    ...accounts.map(({ label, token }) => `  ${label.padEnd(width)}  ${token}`),
    '',
  ];
}

function toTry({ network: { members }, running: { nodes, seeded }, shown, without }: Greeted): string[] {
  const first = nodes[0]?.member.slug;
  const down = members.find(({ slug }) => without.includes(slug));
  const last = down ?? members.at(-1);
  const clinician = seeded?.accounts[0];
  const url = nodes.find(({ member }) => member.slug === clinician?.organisation)?.node.url;
  const suffix = shown === DEFAULT_FOLDER ? '' : ` --out ${shown}`;
  const back = `npx aceso start --data ${shown}/${last?.slug}/data --port ${last?.port}`;
  return [
    'Three things to try, in another terminal:',
    clinician === undefined || url === undefined
      ? `  1. a token for staff   npx aceso keys token --label physician --data ${shown}/${first}/data`
      : `  1. read the charts     curl -H "Authorization: Bearer ${clinician.token}" "${url}/fhir/Patient?_count=3&_pretty=true"`,
    `  2. who is there        npx aceso network status --data ${shown}/${first}/data`,
    ...(down === undefined
      ? [
          `  3. one fails, the others go on: Ctrl-C here, then  npx aceso network up --without ${last?.slug}${suffix}`,
          `     it comes back and catches up                    ${back}`,
        ]
      : [`  3. ${down.name} comes back and catches up   ${back}`]),
  ];
}
