import { join } from 'node:path';
import type { FastifyBaseLogger } from 'fastify';
import { createMemberFetch, type MemberFetch } from '../auth/member-fetch.ts';
import type { Genesis } from '../chain/genesis.ts';
import { createKernel } from '../chain/kernel.ts';
import type { Kernel } from '../chain/kernel-api.ts';
import { createEmbeddedLedger } from '../ledger/embedded/embedded-ledger.ts';
import { createFollowerLedger } from '../ledger/follower/follower-ledger.ts';
import { createLedgerClient } from '../ledger/http/ledger-client.ts';
import type { ServedLedger } from '../ledger/http/member-routes.ts';
import { verifyTask } from '../ledger/intake/verify-task.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { SignedBlockSource } from '../ledger/signed-blocks.ts';
import { createWitnessClient, type WitnessClient } from '../ledger/witness/witness-client.ts';
import { hexToBytes } from '../std/bytes.ts';
import type { JsonObject } from '../std/canonical-json.ts';
import { rejecter } from '../std/reject.ts';
import { carriedState, forgetCarried } from './carried-state.ts';
import { CODES } from './codes.ts';
import { CONTRACTS } from './contracts.ts';
import type { NodeData } from './node-data.ts';
import type { Consortium, EngineEnvironment } from './open-consortium.ts';
import { memberSigner } from './open-organisations.ts';

const reject = rejecter(CODES);

interface Options {
  folder: string;
  data: NodeData;
  /** Addresses of witnesses by name. */
  witnesses: Readonly<Record<string, string>>;
  /** The operator's word that the clock is right. */
  confirmClock?: boolean;
  clock: () => number;
  log: FastifyBaseLogger;
  fetch?: typeof fetch;
  /** What an engine is started with, where the ledger is a consortium's. */
  engine: EngineEnvironment;
  keyFolder: string;
  snapshotEveryBlocks?: number;
}

/** The ledger of a node, as the node itself uses it and as it is served to others. */
export interface OpenedLedger {
  readonly ledger: ServedLedger;
  /** Of a consortium's validator. */
  readonly consortium?: Consortium;
  close(): Promise<void>;
}

/** Opens the ledger that the node keeps or follows, under the contracts of all capabilities. */
export async function openLedger(options: Options): Promise<OpenedLedger> {
  const { genesis } = options.data;
  if (genesis.operator.kind !== 'cometbft') {
    const ledger = await openOwnOrFollowed(options, createOwnKernel(options));
    return { ledger, close: () => ledger.close() };
  }
  const kernel = createOwnKernel(options);
  // Its engine and what talks to it are no part of a ledger that one node keeps.
  const { openConsortium } = await import('./open-consortium.ts');
  const carried = await carriedState(options.folder, genesis);
  const consortium = await openConsortium({
    ...options,
    ...(carried === undefined ? {} : { carried }),
    kernel,
    environment: options.engine,
    fetch: memberFetchOf(options, kernel.genesisHash),
  });
  await forgetCarried(options.folder);
  return { ledger: consortium.ledger, consortium, close: consortium.close };
}

function createOwnKernel({ data, log }: Options): Kernel {
  const genesis = data.genesis as Genesis & JsonObject;
  const onInternalError = (error: unknown): void => log.error({ err: error }, 'a contract failed: report this');
  return createKernel({ genesis, contracts: CONTRACTS, verifySignature: verifyTask, onInternalError });
}

async function openOwnOrFollowed(options: Options, kernel: Kernel): Promise<Ledger & SignedBlockSource> {
  const { data, clock, log } = options;
  const genesis = data.genesis as Genesis & JsonObject;
  const folder = join(options.folder, 'ledger');
  const { follows } = data.node;
  if (follows !== undefined) {
    return createFollowerLedger({
      folder,
      kernel,
      genesis,
      upstream: createLedgerClient({ url: follows, fetch: memberFetchOf(options, kernel.genesisHash) }),
      clock,
      log,
    });
  }
  const seed = hexToBytes(data.secrets.operatorSeed ?? '');
  if (seed?.length !== 32) throw reject('OPERATOR_KEY_MISSING');
  const witnesses = witnessClients(data.genesis, options.witnesses);
  const ledger = await createEmbeddedLedger({ folder, kernel, genesis, operatorKey: { seed }, clock, log, witnesses });
  if (options.confirmClock === true) ledger.confirmClock();
  return ledger;
}

/** Calls other nodes in the name of this node's first organisation. */
function memberFetchOf({ data, clock, fetch: request = fetch }: Options, chain: string): MemberFetch {
  const [organisation] = data.node.organisations;
  const keys = data.secrets.organisations.find(({ slug }) => slug === organisation?.slug);
  if (organisation === undefined || keys === undefined) throw reject('NODE_FOLDER_DAMAGED', { file: 'secrets.sealed' });
  const signer = memberSigner(organisation.account, keys.signingSeed);
  return createMemberFetch({ signer, chain, clock, fetch: request });
}

/** Only those that genesis names: a receipt with any other's cosignature would be refused. */
function witnessClients({ witnesses = [] }: Genesis, urls: Readonly<Record<string, string>>): WitnessClient[] {
  return Object.entries(urls).map(([name, url]) => {
    const known = witnesses.find((one) => one.name === name);
    if (known === undefined) throw reject('WITNESS_UNKNOWN', { witness: name });
    return createWitnessClient({ name, publicKey: known.publicKey, url });
  });
}
