import { pathBelow } from '../../std/loopback-address.ts';
import { rejecter } from '../../std/reject.ts';
import { createClient } from '../client.ts';
import { CODES } from '../codes.ts';
import type { CliContext, Command, OptionValues } from '../command.ts';
import type { ConfigurationFault, RunningNode, SeedReport, StartSettings } from '../node-starter.ts';
import { createStepProgress } from '../step-progress.ts';

const reject = rejecter(CODES);

/** Options of a node's settings, for every command that reads them. */
export const SETTING_OPTIONS = {
  config: { type: 'string' },
  data: { type: 'string' },
  port: { type: 'string' },
  host: { type: 'string' },
  'base-url': { type: 'string' },
} as const;

/** `aceso start`: runs a node until it is told to stop. */
export const startCommand: Command = {
  name: 'start',
  usage: `[--config FILE] [--check] [--data DIR] [--port N] [--host ADDRESS] [--empty] [--genesis FILE --keys FILE] [--network FILE] [--follow URL] [--witness NAME=URL…] [--peer URL…]

  --config FILE   settings as JSON, by the names below in camel case (deploy/README.md); options go before it
  --check         only say whether the settings hold, and what they come to
  --data DIR      where the node keeps everything but its root key (default ./data)
  --port N        port to listen on (default 8103; 0 takes a free one)
  --host ADDRESS  address to listen on (default 127.0.0.1)
  --base-url URL  address that clients use (default http://localhost:PORT where it listens on the machine itself)
  --trusted-proxy A  address or range of a proxy before the node, whose X-Forwarded-For counts; may be repeated
  --drain N       seconds that requests under way may take when the node ends (default 30)
  --drain-notice N  seconds that it goes on serving before that, no longer ready (default 0)
  --confirm-clock the machine’s clock is right, though it went back or jumped
  --empty         a new node gets no synthetic patients
  --genesis FILE --keys FILE   join a ledger with the keys that \`aceso keys organisation\` made
  --network FILE  addresses of the consortium whose ledger it validates (\`aceso network init\` writes it)
  --p2p ADDRESS   tcp://HOST:PORT to listen on for the other validators, where it is not the one in that file
  --snapshot-every N  keep a snapshot for those who join every N blocks (default 1000)
  --carry DIR     export of the ledger that the genesis goes on from (ledger/ of what \`aceso ledger export\` wrote)
  --follow URL    follow the ledger of the node at URL
  --witness NAME=URL  address of a witness that genesis names; repeat for each
  --peer URL      node of another member, to ask it for records; repeat for each

  Environment: ACESO_CONFIG (--config), ACESO_BASE_URL (--base-url), ACESO_LOG (level of the log), ACESO_METRICS_TOKEN
  (opens /metrics), ACESO_COMETBFT, ACESO_VAULT_DATABASE, ACESO_VAULT_KEYS_DATABASE, XDG_CONFIG_HOME (root keys)`,
  summary: 'Run a node; a new one is seeded with two hospitals, an institute and synthetic patients',
  options: {
    ...SETTING_OPTIONS,
    check: { type: 'boolean' },
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
    'trusted-proxy': { type: 'string', multiple: true },
    drain: { type: 'string' },
    'drain-notice': { type: 'string' },
  },
  judgesOptions: true,
  maxArguments: 0,
  async run(context, values) {
    const settings = await configure(context, values);
    if (values.check === true) return;
    const steps = createStepProgress(context);
    const node = await context.nodes.start({
      ...settings,
      progress: steps.update,
      rootKeyMade: (path) =>
        context.print(
          `Root key made: ${path}\nWithout it nothing in the data folder can be read. Back it up apart from the data.\n`,
        ),
    });
    steps.stop();
    // Heard from now on: whoever waits for the greeting may end the node at once.
    const stopped = context.untilStopped();
    context.print(greeting(node));
    for (const line of await ledgerLines(context, node)) context.note(line);
    if (settings.keys !== undefined)
      context.note(`${settings.keys} is sealed into the data folder now: delete it, or lock it away as a backup.`);
    await stopped;
    context.note('stopping: finishing what was begun');
    await node.close();
  },
};

/** Settings that hold; with `--check` they are printed. Throws Reject ARGUMENTS_WRONG or CONFIGURATION_WRONG with every fault. */
async function configure(context: CliContext, values: OptionValues): Promise<StartSettings> {
  const { env, cwd } = context;
  const { faults, settings, effective } = await context.nodes.configure({ options: values, variables: env, cwd });
  if (settings === undefined) {
    const isOptions = faults.every(({ from }) => from === 'option');
    const problems = faults.map((fault, at) => [at === 0 ? 'problem' : `problem ${at + 1}`, faultToText(fault)]);
    throw reject(isOptions ? 'ARGUMENTS_WRONG' : 'CONFIGURATION_WRONG', Object.fromEntries(problems));
  }
  if (values.check === true) {
    const width = Math.max(...effective.map(({ name }) => name.length));
    for (const { name, value, from } of effective) context.print(`${name.padEnd(width)}  ${value}  (${from})`);
    context.print('The settings hold.');
  }
  return settings;
}

/** One line: what is wrong with which setting, and what to do. */
export function faultToText({ code, name, message, given, allowed, nearest }: ConfigurationFault): string {
  const parts = [
    ...(given === undefined ? [] : [`given ${given}`]),
    ...(allowed === undefined ? [] : [`takes ${allowed}`]),
    ...(nearest === undefined ? [] : [`did you mean ${nearest}?`]),
  ];
  return `${name} ${code}: ${message}${parts.length === 0 ? '' : ` (${parts.join('; ')})`}`;
}

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

/** Address, demo accounts and three things to try: all that a newcomer needs, on one screen. */
function greeting({ url, baseUrl, seeded }: RunningNode): string {
  const lines = [`Aceso is ready at ${baseUrl}   FHIR R4: ${baseUrl}/fhir   verify a receipt: ${baseUrl}/verify`];
  const isHere = pathBelow(`${url}/`, baseUrl) !== undefined;
  if (!isHere) lines.push(`It listens on ${url}; that address is for what stands before it.`);
  if (seeded !== undefined) lines.push('', ...seedLines(seeded, isHere ? baseUrl : url));
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
