import { readFile } from 'node:fs/promises';
import { randomBytes } from '#crypto/platform';
import { type Genesis, genesisHash, parseGenesis } from '../chain/genesis.ts';
import { createKernel } from '../chain/kernel.ts';
import { ed25519PublicKey } from '../crypto/node/ed25519.ts';
import { createLedgerClient } from '../ledger/http/ledger-client.ts';
import { verifyTask } from '../ledger/intake/verify-task.ts';
import { bytesToHex, hexToBytes } from '../std/bytes.ts';
import { type Json, type JsonObject, parseCanonical } from '../std/canonical-json.ts';
import { rejecter } from '../std/reject.ts';
import { loadRootKey } from '../vault/root-key.ts';
import { newOrganisationKeys, type OrganisationKeys } from '../wallet/node/organisation-keys.ts';
import { keepCarried } from './carried-state.ts';
import { CODES } from './codes.ts';
import { CONTRACTS } from './contracts.ts';
import { DEMO_FOUNDERS } from './demo-network.ts';
import { validatorOf } from './found-network.ts';
import { parseNetwork } from './network-file.ts';
import { newGenesis } from './new-network.ts';
import {
  hasNodeState,
  type NodeFile,
  readGenesisFile,
  readNodeFile,
  readSecrets,
  type Secrets,
  writeNodeFolder,
} from './node-folder.ts';
import { parseOrganisationKeys } from './organisation-keys-file.ts';
import { makeMasterKey, openMasterKey, rootKeyFiles } from './rotation/master-key-file.ts';

const reject = rejecter(CODES);

/** What a node is opened from. */
export interface NodeData {
  readonly node: NodeFile;
  readonly genesis: Genesis;
  readonly secrets: Secrets;
  /** The master key, which the root key in its file opens (rotation/master-key-file.ts). */
  readonly rootKey: Uint8Array;
  /** True when this call made it. */
  readonly isNew: boolean;
}

export interface NodeDataOptions {
  readonly folder: string;
  /** Where root keys lie; never inside `folder`. */
  readonly keyFolder: string;
  readonly clock: () => number;
  /** Genesis document to join, and the file of `aceso keys organisation`; without them a new ledger is founded. */
  readonly genesis?: string;
  readonly keys?: string;
  /** Node whose ledger is followed; its genesis is fetched when none is given. */
  readonly follow?: string;
  /** File of addresses of the consortium to validate with, and where this node's engine is to listen. */
  readonly network?: string;
  readonly p2pListen?: string;
  /** Export of the ledger that genesis carries on. */
  readonly carry?: string;
  /** Refuses a folder without a node. */
  readonly mustExist?: boolean;
  rootKeyMade(path: string): void;
}

/** Opens a data folder, or makes one: founding a ledger of the demo organisations, or joining with keys that exist. */
export async function openNodeData(options: NodeDataOptions): Promise<NodeData> {
  const node = await readNodeFile(options.folder);
  if (node === undefined && options.mustExist === true) throw reject('NODE_FOLDER_EMPTY');
  if (node === undefined) return makeNodeData(options);
  const rootKey = await openMasterKey({ ...options, node: node.node });
  const genesis = parseGenesis(await readGenesisFile(options.folder));
  if (genesis === undefined) throw reject('NODE_FOLDER_DAMAGED', { file: 'genesis.json' });
  if (options.genesis !== undefined) {
    const given = genesisOf(await readCanonicalFile(options.genesis));
    if (genesisHash(given) !== genesisHash(genesis)) throw reject('GENESIS_DIFFERS');
  }
  return { node, genesis, secrets: await readSecrets(options.folder, rootKey), rootKey, isNew: false };
}

/** Nothing is written before all that was given is known to fit, so that a mistake leaves no folder that never starts. */
async function makeNodeData(options: NodeDataOptions): Promise<NodeData> {
  // With records there it is no new folder: new secrets over the old would lose them.
  if (await hasNodeState(options.folder)) throw reject('NODE_FOLDER_DAMAGED', { file: 'node.json' });
  const name = `node-${bytesToHex(randomBytes(8))}`;
  const parts = options.keys === undefined ? await foundLedger(options) : await joinLedger(options, options.keys);
  requireRunnable(parts.genesis);
  const rootKey = await newMasterKey(options, name);
  const follows = options.follow === undefined ? {} : { follows: options.follow };
  const consortium = parts.consortium === undefined ? {} : { consortium: parts.consortium };
  const node: NodeFile = {
    format: 'aceso.node/1',
    node: name,
    organisations: parts.keys.map((one) => one.organisation),
    ...consortium,
    ...follows,
  };
  const operator = parts.operatorSeed === undefined ? {} : { operatorSeed: parts.operatorSeed };
  const secrets: Secrets = {
    format: 'aceso.secrets/1',
    ...operator,
    ...(parts.validator === undefined ? {} : { validator: parts.validator }),
    organisations: parts.keys.map((one) => one.secrets),
  };
  if (options.carry !== undefined) await keepCarried(options.folder, options.carry);
  await writeNodeFolder(options.folder, { node, genesis: parts.genesis as unknown as Json, secrets, rootKey });
  return { node, genesis: parts.genesis, secrets, rootKey, isNew: true };
}

/** Throws what the kernel would at the start: a genesis with rules that this software lacks, or sections it refuses. */
function requireRunnable(genesis: Genesis): void {
  const kernel = createKernel({
    genesis: genesis as Genesis & JsonObject,
    contracts: CONTRACTS,
    verifySignature: verifyTask,
  });
  // A state that goes on is held against genesis when it is taken in.
  if (genesis.previous?.treeRoot === undefined) kernel.initialise();
}

interface LedgerParts {
  readonly keys: readonly OrganisationKeys[];
  readonly genesis: Genesis;
  readonly operatorSeed?: string;
  readonly validator?: NonNullable<Secrets['validator']>;
  readonly consortium?: NonNullable<NodeFile['consortium']>;
}

async function foundLedger({ clock, genesis, follow }: NodeDataOptions): Promise<LedgerParts> {
  if (genesis !== undefined || follow !== undefined) throw reject('KEYS_MISSING');
  const operatorSeed = bytesToHex(randomBytes(32));
  const keys: OrganisationKeys[] = [];
  for (const plan of DEMO_FOUNDERS) keys.push(await newOrganisationKeys(plan));
  const founders = keys.map(({ entry }) => entry);
  return {
    keys,
    operatorSeed,
    genesis: newGenesis({ name: 'aceso-demo', createdMs: clock(), operatorSeed, founders }),
  };
}

/** The keys file names its organisation; when it holds the operator's seed too, this node keeps the ledger itself. */
async function joinLedger(options: NodeDataOptions, keysPath: string): Promise<LedgerParts> {
  const { keys, operatorSeed, validator } = parseOrganisationKeys(await readCanonicalFile(keysPath));
  const document =
    options.genesis !== undefined ? await readCanonicalFile(options.genesis) : await fetchGenesis(options);
  const genesis = genesisOf(document);
  if (options.follow !== undefined) return { keys, genesis };
  if (genesis.operator.kind === 'cometbft') {
    if (validator === undefined) throw reject('VALIDATOR_KEYS_MISSING');
    return { keys, genesis, validator, consortium: await joinConsortium(options, genesis, validator) };
  }
  if (operatorSeed === undefined) throw reject('OPERATOR_KEY_MISSING');
  if (operatorPublicKey(operatorSeed) !== genesis.operator.publicKey) throw reject('OPERATOR_KEY_DIFFERS');
  return { keys, genesis, operatorSeed };
}

/** Where the others are, and where this node listens for them: at the address that the file gives it, or as it is told. */
export async function joinConsortium(
  { network: path, p2pListen }: Pick<NodeDataOptions, 'network' | 'p2pListen'>,
  genesis: Genesis,
  seeds: NonNullable<Secrets['validator']>,
): Promise<NonNullable<NodeFile['consortium']>> {
  if (path === undefined) throw reject('NETWORK_MISSING');
  const { members } = parseNetwork(await readCanonicalFile(path), genesisHash(genesis));
  const { node } = validatorOf(seeds);
  const own = members.find((one) => one.node === node);
  if (own === undefined) throw reject('NETWORK_WITHOUT_NODE', { node });
  return { listen: p2pListen ?? `tcp://${own.p2p}`, external: own.p2p, peers: members };
}

function operatorPublicKey(seed: string): string {
  return bytesToHex(ed25519PublicKey(hexToBytes(seed) as Uint8Array));
}

async function fetchGenesis({ follow }: NodeDataOptions): Promise<Json> {
  if (follow === undefined) throw reject('GENESIS_MISSING');
  const client = createLedgerClient({ url: follow });
  try {
    return (await client.genesis()) as JsonObject;
  } finally {
    client.close();
  }
}

/** The genesis document of a parsed file. Throws GENESIS_MALFORMED_FILE. */
export function genesisOf(value: Json): Genesis {
  const genesis = parseGenesis(value);
  if (genesis === undefined) throw reject('GENESIS_MALFORMED_FILE');
  return genesis;
}

/** A file in exact canonical JSON. Throws INPUT_FILE_UNREADABLE {file}. */
export async function readCanonicalFile(path: string): Promise<Json> {
  const bytes = await readFile(path).catch(() => undefined);
  const value = bytes === undefined ? undefined : parseCanonical(bytes);
  if (value === undefined) throw reject('INPUT_FILE_UNREADABLE', { file: path.split('/').at(-1) ?? '' });
  return value;
}

/** The root key's file is made before anything is encrypted, and the master key is durable before what derives from it. */
async function newMasterKey({ folder, keyFolder, rootKeyMade }: NodeDataOptions, node: string): Promise<Uint8Array> {
  const file = rootKeyFiles(keyFolder, node).current;
  const { key, created } = await loadRootKey({ file, dataFolder: folder, create: true });
  if (created) rootKeyMade(file);
  return makeMasterKey(folder, key);
}
