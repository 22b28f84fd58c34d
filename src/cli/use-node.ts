import { rejecter } from '../std/reject.ts';
import { type Client, createClient } from './client.ts';
import { CODES } from './codes.ts';
import type { CliContext, OptionValues } from './command.ts';
import { pathOf } from './files.ts';
import { urlOption } from './option-values.ts';

const reject = rejecter(CODES);

/** Options of every command that works on a node. */
export const NODE_OPTIONS = {
  data: { type: 'string' },
  organisation: { type: 'string' },
  url: { type: 'string' },
  token: { type: 'string' },
} as const;

export const NODE_USAGE = `
  --data DIR           data folder of the node (default ./data); it is started for the command if it is not running
  --organisation NAME  which organisation of the node acts (default: the first)
  --token T            act as the caller that the token stands for instead
  --url URL            a node elsewhere`;

/** A node to talk to, and as whom. */
export interface NodeHandle {
  readonly client: Client;
  /** Slug of the organisation that acts; '' at a node elsewhere. */
  readonly organisation: string;
  readonly organisations: readonly string[];
  /** The same node as another of its organisations. */
  as(organisation: string): Client;
}

/** Folder that `--data` names. */
export function dataFolder(context: CliContext, values: OptionValues): string {
  return pathOf(context, typeof values.data === 'string' ? values.data : 'data');
}

/**
 * Does something with a node: the one at `--url`, or the one of the data folder, which runs already or is started for
 * the while on a free port. A data folder without a node is refused unless the command may make one: a mistyped folder
 * must not found a ledger.
 */
export async function withNode<T>(
  context: CliContext,
  values: OptionValues,
  use: (node: NodeHandle) => Promise<T>,
  { mayMake = false }: { mayMake?: boolean } = {},
): Promise<T> {
  if (typeof values.url === 'string') {
    const client = createClient(context, urlOption(values.url, 'url'), tokenOption(values));
    return use({ client, organisation: '', organisations: [], as: () => client });
  }
  const folder = dataFolder(context, values);
  const running = await context.nodes.running(folder);
  if (running !== undefined) return use(handleOf(context, values, running));
  const own = await context.nodes.start({
    folder,
    port: 0,
    host: '127.0.0.1',
    seed: false,
    mustExist: !mayMake,
    progress: () => {},
    rootKeyMade: (path) => context.note(`root key: ${path}`),
  });
  try {
    return await use(handleOf(context, values, own));
  } finally {
    await own.close();
  }
}

function handleOf(
  context: CliContext,
  values: OptionValues,
  { url, adminTokens }: { url: string; adminTokens: Readonly<Record<string, string>> },
): NodeHandle {
  const organisations = Object.keys(adminTokens);
  const organisation = typeof values.organisation === 'string' ? values.organisation : (organisations[0] ?? '');
  const as = (slug: string): Client => {
    const token = Object.hasOwn(adminTokens, slug) ? adminTokens[slug] : undefined;
    if (token === undefined) throw reject('ARGUMENTS_WRONG', { problem: 'no such organisation', organisations });
    return createClient(context, url, token);
  };
  const client = typeof values.token === 'string' ? createClient(context, url, values.token) : as(organisation);
  return { client, organisation, organisations, as };
}

/** Bearer token that `--token` gives; undefined when it was not given. Throws Reject ARGUMENTS_WRONG. */
export function tokenOption({ token }: OptionValues): string | undefined {
  if (typeof token !== 'string') return undefined;
  if (!/^[\x21-\x7e]{1,128}$/.test(token)) throw reject('ARGUMENTS_WRONG', { problem: '--token takes a bearer token' });
  return token;
}
