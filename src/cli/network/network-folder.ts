import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { cometBftOperator, genesisHash, parseGenesis } from '../../chain/genesis.ts';
import { type Json, parseCanonical } from '../../std/canonical-json.ts';
import { rejecter } from '../../std/reject.ts';
import { CODES } from '../codes.ts';

const reject = rejecter(CODES);

/** What of network.json the command line goes by; nodes check all of it. */
const NetworkForm = Type.Object({
  chain: Type.String(),
  members: Type.Array(
    Type.Object({
      account: Type.String(),
      slug: Type.String({ pattern: '^[a-z][a-z0-9-]{0,31}$' }),
      name: Type.String(),
      p2p: Type.String(),
      url: Type.Optional(Type.String()),
    }),
    { minItems: 1, maxItems: 128 },
  ),
});

/** A network of one machine: every organisation's node in a folder of its own beside genesis.json and network.json. */
export interface NetworkFolder {
  readonly folder: string;
  readonly chain: string;
  readonly genesis: string;
  readonly network: string;
  readonly members: readonly NetworkNode[];
}

export interface NetworkNode {
  readonly slug: string;
  readonly name: string;
  readonly power: number;
  /** HTTP port, and that of its engine, both on loopback. */
  readonly port: number;
  readonly p2pPort: number;
  readonly keys: string;
  readonly data: string;
}

/** The network of a folder; undefined where there is none. Throws Reject NETWORK_FOLDER_DAMAGED. */
export async function readNetworkFolder(folder: string): Promise<NetworkFolder | undefined> {
  const [genesisFile, networkFile] = [join(folder, 'genesis.json'), join(folder, 'network.json')];
  const network = await readJson(networkFile);
  const document = await readJson(genesisFile);
  if (network === undefined && document === undefined) return undefined;
  const genesis = document === undefined ? undefined : parseGenesis(document);
  const operator = genesis === undefined ? undefined : cometBftOperator(genesis.operator);
  if (genesis === undefined || operator === undefined || !Value.Check(NetworkForm, network))
    throw reject('NETWORK_FOLDER_DAMAGED');
  const chain = genesisHash(genesis);
  if (network.chain !== chain) throw reject('NETWORK_FOLDER_DAMAGED');
  const nodeOf = ({ slug, name, account, url, p2p }: Static<typeof NetworkForm>['members'][number]): NetworkNode => ({
    slug,
    name,
    power: operator.validators.find((one) => one.account === account)?.power ?? 0,
    port: portOf(url ?? ''),
    p2pPort: portOf(`tcp://${p2p}`),
    keys: join(folder, slug, 'keys.json'),
    data: join(folder, slug, 'data'),
  });
  return { folder, chain, genesis: genesisFile, network: networkFile, members: network.members.map(nodeOf) };
}

function portOf(address: string): number {
  const port = URL.canParse(address) ? Number(new URL(address).port) : 0;
  if (port === 0) throw reject('NETWORK_FOLDER_DAMAGED');
  return port;
}

/** Undefined where there is no file; Throws Reject NETWORK_FOLDER_DAMAGED where it is not canonical. */
async function readJson(path: string): Promise<Json | undefined> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw reject('NETWORK_FOLDER_DAMAGED');
  });
  if (bytes === undefined) return undefined;
  const value = parseCanonical(bytes);
  if (value === undefined) throw reject('NETWORK_FOLDER_DAMAGED');
  return value;
}
