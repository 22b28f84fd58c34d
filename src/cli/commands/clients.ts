import { utf8ToText } from '../../std/bytes.ts';
import { rejecter } from '../../std/reject.ts';
import { CODES } from '../codes.ts';
import type { Command } from '../command.ts';
import { readNamedFile } from '../files.ts';
import { dayText, timeText } from '../operations.ts';
import { neededOption, textOption } from '../option-values.ts';
import { NODE_OPTIONS, NODE_USAGE, withNode } from '../use-node.ts';

const reject = rejecter(CODES);
const CLIENT_ID = /^[A-Za-z0-9_-]{1,128}$/;

/** An app or a back-end service as the node describes it; names of RFC 7591 where it has one. */
interface ClientAnswer {
  readonly client_id: string;
  /** Said once, when it is registered. */
  readonly client_secret?: string;
  readonly client_name: string;
  readonly grant_types?: readonly string[];
  readonly token_endpoint_auth_method: string;
  readonly scope: string;
  readonly redirect_uris?: readonly string[];
  readonly launch_uri?: string;
  readonly jwks_uri?: string;
  readonly actor?: { readonly purposes: readonly string[] };
  readonly registeredAtMs: number;
}

const clientsListCommand: Command = {
  name: 'clients list',
  usage: `[--long] [OPTIONS]

  --long  what each may ask for, and its addresses, too${NODE_USAGE}`,
  summary: 'List the apps and back-end services that may use the node',
  options: { ...NODE_OPTIONS, long: { type: 'boolean' } },
  maxArguments: 0,
  async run(context, values) {
    const answer = await withNode(context, values, ({ client }) => client.get('/api/clients'));
    const { clients } = answer as { clients: readonly ClientAnswer[] };
    if (clients.length === 0) {
      context.note('none; `aceso clients register FILE.json` registers one');
      return;
    }
    const rows = clients.map((one) => [
      ...[one.client_id, kindOf(one), proofOf(one), dayText(one.registeredAtMs), shown(one.client_name)],
    ]);
    const lines = tableOf([['CLIENT', 'KIND', 'PROVES ITSELF BY', 'SINCE', 'NAME'], ...rows]);
    for (const [at, line] of lines.entries()) {
      context.print(line);
      const one = clients[at - 1];
      if (values.long === true && one !== undefined) for (const detail of detailsOf(one)) context.print(`  ${detail}`);
    }
  },
};

const clientsRegisterCommand: Command = {
  name: 'clients register',
  usage: `FILE.json [OPTIONS]

  FILE.json  what is registered. An app of users without a secret, as in a browser or on a phone:
               {"client_name": "Growth Chart", "redirect_uris": ["https://app.example/callback"],
                "launch_uri": "https://app.example/launch", "token_endpoint_auth_method": "none",
                "scope": "launch openid fhirUser patient/Observation.rs"}
             A back-end service, which proves itself by a key:
               {"client_name": "Registry", "grant_types": ["client_credentials"],
                "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://registry.example/jwks",
                "scope": "system/*.rs", "actor": {"purposes": ["HPAYMT"]}}
             For jwks_uri the node must be allowed to ask there: \`aceso outgoing allow ORIGIN\`${NODE_USAGE}`,
  summary: 'Register an app or a back-end service',
  options: NODE_OPTIONS,
  maxArguments: 1,
  async run(context, values, [file]) {
    if (file === undefined) throw reject('ARGUMENTS_WRONG', { problem: 'name the file with the registration' });
    const body = jsonOf(await readNamedFile(context, file));
    const answer = await withNode(context, values, ({ client }) => client.post('/api/clients', body));
    const registered = answer as ClientAnswer;
    context.note(`registered ${shown(registered.client_name)}; this is its client_id:`);
    context.print(registered.client_id);
    if (registered.client_secret === undefined) return;
    context.note(
      'This is its client_secret. It is shown this once; hand it to whoever runs the app, and to nobody else:',
    );
    context.print(registered.client_secret);
  },
};

const clientsRemoveCommand: Command = {
  name: 'clients remove',
  usage: `CLIENT [OPTIONS]

  CLIENT  its client_id; \`aceso clients list\` shows it. Its tokens are worth nothing from then on.${NODE_USAGE}`,
  summary: 'Remove an app or a back-end service, with all its tokens',
  options: NODE_OPTIONS,
  maxArguments: 1,
  async run(context, values, [id]) {
    const path = `/api/clients/${requireClient(id)}`;
    await withNode(context, values, ({ client }) => client.delete(path));
    context.print('removed');
  },
};

const clientsTokenCommand: Command = {
  name: 'clients registration-token',
  usage: `[OPTIONS]\n${NODE_USAGE}`,
  summary: 'Let the maker of an app register it once, without an administrator',
  options: NODE_OPTIONS,
  maxArguments: 0,
  async run(context, values) {
    const answer = await withNode(context, values, ({ client }) => client.post('/api/clients/registration-tokens', {}));
    const { token, expiresAtMs } = answer as { token: string; expiresAtMs: number };
    context.note(
      `Good for one registration, until ${timeText(expiresAtMs)}: POST to /auth/register with it as bearer.`,
    );
    context.note('Only apps of users that write nothing. It is shown this once; hand it to whoever registers the app:');
    context.print(token);
  },
};

const clientsRotateCommand: Command = {
  name: 'clients rotate-keys',
  usage: `[OPTIONS]\n${NODE_USAGE}`,
  summary: 'Sign identity tokens with a new key from now on',
  options: NODE_OPTIONS,
  maxArguments: 0,
  async run(context, values) {
    await withNode(context, values, ({ client }) => client.post('/api/clients/keys/rotate', {}));
    context.print('rotated');
    context.note('What was signed before stays good until it expires: the last key is still published.');
  },
};

/** `aceso clients …`: who may ask for tokens in an organisation's name. */
export const clientCommands: readonly Command[] = [
  clientsListCommand,
  clientsRegisterCommand,
  clientsRemoveCommand,
  clientsTokenCommand,
  clientsRotateCommand,
];

/** `aceso launch`: what an EHR does when somebody clicks on an app, by hand. */
export const launchCommand: Command = {
  name: 'launch',
  usage: `CLIENT --patient ID [--encounter ID] [--intent TEXT] [OPTIONS]

  CLIENT          client_id of the app; \`aceso clients list\` shows it
  --patient ID    id of the Patient resource that the app is opened with
  --encounter ID  id of the Encounter resource
  --intent TEXT   what the app is opened for, in the app's own words${NODE_USAGE}`,
  summary: 'Open an app with a patient, as an EHR does',
  options: {
    ...NODE_OPTIONS,
    patient: { type: 'string' },
    encounter: { type: 'string' },
    intent: { type: 'string' },
  },
  maxArguments: 1,
  async run(context, values, [id]) {
    const [encounter, intent] = [textOption(values, 'encounter'), textOption(values, 'intent')];
    const body = {
      client_id: requireClient(id),
      patient: neededOption(values, 'patient'),
      ...(encounter === undefined ? {} : { encounter }),
      ...(intent === undefined ? {} : { intent }),
    };
    const answer = await withNode(context, values, ({ client }) => client.post('/api/launches', body));
    const { launch, url } = answer as { launch: string; url?: string };
    if (url === undefined) context.note('The app has no launch_uri, so give it this as `launch`, within five minutes:');
    else context.note('Open this in the browser of whoever uses the app, within five minutes; it works once:');
    context.print(url ?? launch);
  },
};

function requireClient(id: string | undefined): string {
  if (id === undefined || !CLIENT_ID.test(id))
    throw reject('ARGUMENTS_WRONG', { problem: 'name the client by its client_id; `aceso clients list` shows it' });
  return id;
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(utf8ToText(bytes));
  } catch {
    throw reject('ARGUMENTS_WRONG', { problem: 'the file is not JSON' });
  }
}

function kindOf({ grant_types: grants = [] }: ClientAnswer): string {
  return grants.includes('client_credentials') ? 'service' : 'app';
}

function proofOf({ token_endpoint_auth_method: method }: ClientAnswer): string {
  if (method === 'none') return 'nothing';
  return method === 'private_key_jwt' ? 'key' : 'secret';
}

function detailsOf(one: ClientAnswer): string[] {
  const { scope, actor, launch_uri: launch, redirect_uris: redirects = [], jwks_uri: keys } = one;
  return [
    `may ask for: ${scope}`,
    ...(actor === undefined ? [] : [`for: ${actor.purposes.join(', ')}`]),
    ...(launch === undefined ? [] : [`launched at: ${launch}`]),
    ...redirects.map((uri) => `comes back to: ${uri}`),
    ...(keys === undefined ? [] : [`keys: ${keys}`]),
  ].map(shown);
}

/** What an app says of itself, without what a terminal would obey. */
function shown(text: string): string {
  return text.replace(/\p{C}/gu, '?');
}

/** Columns two spaces apart, the last as long as it is. */
function tableOf(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) =>
    row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join('  '),
  );
}
