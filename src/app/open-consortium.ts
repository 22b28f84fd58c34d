import { createHash } from 'node:crypto';
import { rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyBaseLogger } from 'fastify';
import type { MemberFetch } from '../auth/member-fetch.ts';
import type { Genesis } from '../chain/genesis.ts';
import type { Kernel } from '../chain/kernel-api.ts';
import { verifyHead } from '../chain/receipt/verify-head.ts';
import { type CometBftLedger, createCometBftLedger, type MemberSource } from '../ledger/cometbft/cometbft-ledger.ts';
import { createEngine } from '../ledger/cometbft/engine/create-engine.ts';
import type { Engine, StateSyncSettings } from '../ledger/cometbft/engine/engine.ts';
import { engineGenesis } from '../ledger/cometbft/engine/engine-genesis.ts';
import { findCometBft } from '../ledger/cometbft/engine/find-cometbft.ts';
import { forgetBlocks } from '../ledger/cometbft/engine/forget-blocks.ts';
import { nodeIdOf } from '../ledger/cometbft/engine/key-files.ts';
import { createPeerRpc } from '../ledger/cometbft/relay/peer-rpc.ts';
import { createLedgerClient, type LedgerClient } from '../ledger/http/ledger-client.ts';
import type { StateSource } from '../ledger/store/state-store.ts';
import { hexToBytes } from '../std/bytes.ts';
import type { JsonObject } from '../std/canonical-json.ts';
import { rejecter } from '../std/reject.ts';
import { CODES } from './codes.ts';
import type { NodeData } from './node-data.ts';

const reject = rejecter(CODES);

/** Lies in the data folder from the start of a state sync to the first block after it. */
const JOINING_MARK = 'joining';

/** What the machine gives a node's engine. */
export interface EngineEnvironment {
  /** Program that the operator names, and the folders of PATH. */
  readonly program: string | undefined;
  readonly searchPath: string | undefined;
  /** Folder for sockets: short, and gone when the machine restarts. */
  readonly runtimeFolder: string;
}

export interface Consortium {
  readonly ledger: CometBftLedger;
  readonly engine: Engine;
  close(): Promise<void>;
}

/**
 * Opens the ledger that this node validates with others. A new node takes a snapshot of a member's where there is one,
 * at a head that it has proved from genesis, and else executes all blocks.
 */
export async function openConsortium(options: {
  folder: string;
  data: NodeData;
  kernel: Kernel;
  environment: EngineEnvironment;
  /** Where root keys lie: the engine's keys lie beside them while it starts. */
  keyFolder: string;
  fetch: MemberFetch;
  carried?: () => StateSource;
  snapshotEveryBlocks?: number;
  clock: () => number;
  log: FastifyBaseLogger;
}): Promise<Consortium> {
  const { folder, data, kernel, environment, clock, log } = options;
  const { consortium, node } = data.node;
  const seeds = data.secrets.validator;
  if (consortium === undefined || seeds === undefined) throw reject('VALIDATOR_KEYS_MISSING');
  const nodeSeed = hexToBytes(seeds.nodeSeed) as Uint8Array;
  const ownNode = nodeIdOf(nodeSeed);
  const others = consortium.peers.filter((peer) => peer.node !== ownNode);
  const clients = others.flatMap(({ url }) =>
    url === undefined ? [] : [{ url, client: createLedgerClient({ url, fetch: options.fetch }) }],
  );
  const program = await findCometBft({ override: environment.program, searchPath: environment.searchPath });
  const home = join(folder, 'engine');
  // Until its first own block a node begins anew after a crash: the engine may know nothing of a state that is here already.
  const mark = join(folder, JOINING_MARK);
  const wasJoining = await isThere(mark);
  const isNew = !(await isThere(join(home, 'data', 'blockstore.db')));
  const joining = isNew || wasJoining ? await findSnapshot(options, clients) : undefined;
  if (wasJoining && joining === undefined) throw reject('JOINING_ALONE');
  if (joining !== undefined) await writeFile(mark, '', { mode: 0o600 });
  const relay = joining === undefined ? undefined : await createPeerRpc({ peers: joining.peers, log });
  const stateSync: StateSyncSettings | undefined =
    joining === undefined || relay === undefined ? undefined : { ...joining.trust, rpcServers: relay.urls };
  const engine = await createEngine(
    {
      program,
      home,
      keyFolder: join(options.keyFolder, `${node}.engine`),
      socketFolder: join(environment.runtimeFolder, `aceso-${shortName(home)}`),
      genesis: engineGenesis(data.genesis),
      validatorSeed: hexToBytes(seeds.voteSeed) as Uint8Array,
      nodeSeed,
      p2pListen: consortium.listen,
      p2pExternal: consortium.external,
      peers: others.map(({ node: id, p2p }) => `${id}@${p2p}`),
      ...(stateSync === undefined ? {} : { stateSync }),
    },
    log.child({ part: 'engine' }),
  );
  const ledger = await createCometBftLedger({
    folder: join(folder, 'consortium'),
    kernel,
    genesis: data.genesis as Genesis & JsonObject,
    engine,
    ownNode,
    members: inTurn(clients.map(({ client }) => client)),
    ...(options.carried === undefined ? {} : { carried: options.carried }),
    ...(options.snapshotEveryBlocks === undefined ? {} : { snapshotEveryBlocks: options.snapshotEveryBlocks }),
    awaitsState: joining !== undefined,
    // With a block of its own here, the mark is what a crash has left, and the engine goes on from where it was.
    beforeEngine: async (hasBlocks) => {
      if (wasJoining && !hasBlocks) await forgetBlocks(home);
    },
    clock,
    log,
  });
  const unsubscribe = ledger.subscribe(() => {
    unsubscribe();
    void rm(mark, { force: true });
  });
  return {
    ledger,
    engine,
    async close() {
      await ledger.close();
      for (const { client } of clients) client.close();
      await relay?.close();
    },
  };
}

/** Two nodes of one user never share a socket, nor do two folders. */
function shortName(home: string): string {
  return createHash('sha256').update(home).digest('hex').slice(0, 12);
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

interface Joining {
  readonly peers: readonly { readonly url: string; readonly fetch: MemberFetch }[];
  readonly trust: Pick<StateSyncSettings, 'trustHeight' | 'trustHash'>;
}

/** Members that have a snapshot, and a header of theirs that is proved from genesis; undefined where there is none. */
async function findSnapshot(
  options: Parameters<typeof openConsortium>[0],
  clients: readonly { readonly url: string; readonly client: LedgerClient }[],
): Promise<Joining | undefined> {
  const { data, log } = options;
  const asked = await Promise.all(
    clients.map(async ({ url, client }) => {
      try {
        if ((await client.snapshots()).length === 0) return undefined;
        return { url, header: await verifyHead(await client.head(), data.genesis) };
      } catch (error) {
        log.info({ peer: url, error: String(error) }, 'a member’s node has nothing to begin from');
        return undefined;
      }
    }),
  );
  const found = asked.filter((one) => one !== undefined);
  const [first] = found;
  if (first === undefined) return undefined;
  // The engine's light client wants two; where only one member answers it is asked as both.
  const peers = (found.length > 1 ? found : [first, first]).map(({ url }) => ({ url, fetch: options.fetch }));
  return { peers, trust: { trustHeight: first.header.height, trustHash: first.header.hash } };
}

/** Members' nodes, asked one after the other until one has it. */
function inTurn(clients: readonly LedgerClient[]): MemberSource {
  async function first<T>(ask: (client: LedgerClient) => Promise<T | undefined>, begin = 0): Promise<T | undefined> {
    for (const at of clients.keys()) {
      const client = clients[(at + begin) % clients.length] as LedgerClient;
      const answer = await ask(client).catch(() => undefined);
      if (answer !== undefined) return answer;
    }
    return undefined;
  }
  return {
    async entries(from, limit, attempt) {
      const found = await first(async (client) => {
        const entries = await client.entries(from, limit);
        return entries.length === 0 ? undefined : entries;
      }, attempt);
      return found ?? [];
    },
    signedHeader: (height) => first((client) => client.signedHeader(height)),
  };
}
