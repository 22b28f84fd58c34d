import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { rejecter } from '../../std/reject.ts';
import { type Client, createClient } from '../client.ts';
import { CODES } from '../codes.ts';
import type { CliContext, Command, OptionValues } from '../command.ts';
import { toleranceText } from '../network/tolerance.ts';
import { urlOption } from '../option-values.ts';
import { dataFolder, tokenOption } from '../use-node.ts';

const reject = rejecter(CODES);

/** What of `GET /api/network` is shown. */
const NetworkView = Type.Object({
  ledger: Type.Object({
    status: Type.String(),
    reason: Type.Optional(Type.String()),
    height: Type.Number(),
    logSize: Type.Number(),
  }),
  validators: Type.Array(
    Type.Object({
      account: Type.String(),
      name: Type.Optional(Type.String()),
      url: Type.Optional(Type.String()),
      power: Type.Number(),
      presence: Type.Union([Type.Literal('own'), Type.Literal('connected'), Type.Literal('missing')]),
    }),
  ),
  peers: Type.Number(),
  snapshots: Type.Array(Type.Number()),
  /** Entries of the log from before this node joined that it has still to fetch. */
  missingEntries: Type.Number(),
});
type NetworkView = Static<typeof NetworkView>;

const PRESENCE = { own: 'this node', connected: 'connected', missing: 'MISSING' } as const;

/** `aceso network status`: the consortium as one node sees it. */
export const networkStatusCommand: Command = {
  name: 'network status',
  usage: `[--data DIR | --url URL --token T]

  --data DIR   data folder of a node that runs on this machine (default ./data)
  --url URL    a node elsewhere
  --token T    any bearer token of that node

Exit code 6 when the ledger does not move, so that a script can watch it.`,
  summary: 'Show validators, who is missing and whether the ledger moves, as a node sees it',
  options: {
    data: { type: 'string' },
    url: { type: 'string' },
    token: { type: 'string' },
  },
  maxArguments: 0,
  async run(context, values) {
    const view: unknown = await (await clientOf(context, values)).get('/api/network');
    if (!Value.Check(NetworkView, view)) throw reject('NODE_UNREACHABLE', { reason: 'no node of this version' });
    for (const line of viewLines(view)) context.print(line);
    if (view.ledger.status !== 'ok' && view.ledger.status !== 'following')
      throw reject('NETWORK_STANDS_STILL', { reason: view.ledger.reason ?? view.ledger.status });
  },
};

/** A node that is down is not started to ask it who is there. */
async function clientOf(context: CliContext, values: OptionValues): Promise<Client> {
  if (typeof values.url === 'string') return createClient(context, urlOption(values.url, 'url'), tokenOption(values));
  const running = await context.nodes.running(dataFolder(context, values));
  if (running === undefined) throw reject('NODE_NOT_RUNNING');
  return createClient(context, running.url, tokenOption(values) ?? Object.values(running.adminTokens)[0]);
}

function viewLines({ ledger, validators, peers, snapshots, missingEntries }: NetworkView): string[] {
  const state = `${ledger.status}, block ${ledger.height}, log of ${ledger.logSize} entries`;
  if (validators.length === 0) return [`ledger   ${state}`, 'One operator keeps this ledger; it has no validators.'];
  const rows = validators.map((one) => [
    one.name ?? '(not in network.json)',
    one.account.slice(0, 8),
    String(one.power),
    PRESENCE[one.presence],
    one.url ?? '',
  ]);
  const missing = validators.filter(({ presence, power }) => presence === 'missing' && power > 0);
  return [
    `ledger   ${state}`,
    ...(ledger.reason === undefined ? [] : [`         ${ledger.reason}`]),
    '',
    ...table([['organisation', 'account', 'power', 'node', 'address'], ...rows]),
    '',
    `peers ${peers}, snapshots ${snapshots.length === 0 ? 'none yet' : `at block ${snapshots.join(', ')}`}`,
    ...(missingEntries === 0 ? [] : [`Still fetching ${missingEntries} older entries of the log from other members.`]),
    toleranceText(validators.map(({ power }) => power)),
    ...(missing.length === 0 ? [] : [`Missing: ${missing.map(({ name, account }) => name ?? account).join(', ')}.`]),
  ];
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
