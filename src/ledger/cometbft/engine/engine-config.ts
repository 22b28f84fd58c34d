import { MAX_WIRE_BYTES } from '../../../chain/transaction.ts';
import type { ConsensusTimeouts, EngineSettings } from './engine.ts';
import type { EnginePaths } from './engine-paths.ts';
import { COMETBFT_VERSION } from './find-cometbft.ts';
import { MAX_BATCH, MAX_REQUEST_BYTES } from './rpc-limits.ts';

type TomlValue = string | number | boolean | readonly string[];
type TomlTable = Readonly<Record<string, TomlValue>>;

/**
 * For organisations some tens of milliseconds apart. `commitMs` and three rounds of messages make a block every 0.3 to
 * 0.5 s. `proposeMs` is what a proposer that is down costs; it leaves room for a full block to be sent and checked.
 */
export const DEFAULT_TIMEOUTS: ConsensusTimeouts = { proposeMs: 2000, prevoteMs: 500, precommitMs: 500, commitMs: 200 };

/** Transactions that may wait; each is checked again after every block, some tens of microseconds each. */
const MEMPOOL_SIZE = 10_000;

/**
 * config.toml of a private network (CometBFT's config/toml.go and config/config.go; what is left out here is not used).
 * It is written anew at each start.
 */
export function engineConfig(settings: EngineSettings, paths: EnginePaths): string {
  const sections: readonly (readonly [string, TomlTable])[] = [
    ['', base(paths)],
    ['rpc', rpc(paths)],
    ['p2p', peerToPeer(settings)],
    ['mempool', mempool()],
    ['statesync', stateSync(settings, paths)],
    ['blocksync', { version: 'v0' }],
    ['consensus', consensus({ ...DEFAULT_TIMEOUTS, ...settings.timeouts })],
    // Outcomes are in our own log. The last response is kept all the same, for recovery (state/store.go).
    ['storage', { discard_abci_responses: true }],
    ['tx_index', { indexer: 'null' }],
    ['instrumentation', { prometheus: false }],
  ];
  return sections.map(([name, table]) => sectionToToml(name, table)).join('\n');
}

function base(paths: EnginePaths): TomlTable {
  return {
    version: COMETBFT_VERSION,
    proxy_app: `unix://${paths.abciSocket}`,
    abci: 'socket',
    moniker: 'aceso',
    db_backend: 'goleveldb',
    db_dir: 'data',
    log_level: 'info',
    log_format: 'json',
    genesis_file: paths.genesisFile,
    priv_validator_key_file: paths.validatorKey,
    priv_validator_state_file: paths.signStateFile,
    node_key_file: paths.nodeKey,
    // The application lets members' nodes in and nobody else.
    filter_peers: true,
  };
}

function rpc({ rpcSocket }: EnginePaths): TomlTable {
  return {
    laddr: `unix://${rpcSocket}`,
    grpc_laddr: '',
    pprof_laddr: '',
    // Adds dial_peers, dial_seeds and unsafe_flush_mempool. The supervisor needs the first: without the exchange of
    // peers, CometBFT waits up to hours before it dials a peer again that was away for some minutes, and never dials
    // one whose name could not be resolved at the start. The socket is in a folder that only this user opens.
    unsafe: true,
    max_open_connections: 200,
    max_request_batch_size: MAX_BATCH,
    max_body_bytes: MAX_REQUEST_BYTES,
  };
}

/**
 * Every member lists all others as persistent peers, and one that joins later lists those that were there: it dials
 * them, and they let it in. So no exchange of peers, which would tell of members' addresses and dial strangers.
 */
function peerToPeer({ p2pListen, p2pExternal, peers }: EngineSettings): TomlTable {
  return {
    laddr: p2pListen,
    external_address: p2pExternal ?? '',
    persistent_peers: peers.join(','),
    pex: false,
    seeds: '',
    // Strict would refuse addresses of private networks.
    addr_book_strict: false,
    allow_duplicate_ip: true,
    max_num_inbound_peers: 200,
    max_num_outbound_peers: 0,
    // The default holds votes back for up to 100 ms.
    flush_throttle_timeout: '10ms',
    // All nodes have the same: a packet larger than the receiver's own limit breaks the connection.
    max_packet_msg_payload_size: 16_384,
    send_rate: 52_428_800,
    recv_rate: 52_428_800,
    handshake_timeout: '10s',
    dial_timeout: '3s',
  };
}

function mempool(): TomlTable {
  return {
    type: 'flood',
    broadcast: true,
    // Budgets are used up and keys revoked by the block before: what waits is asked about again.
    recheck: true,
    recheck_timeout: '2s',
    size: MEMPOOL_SIZE,
    max_txs_bytes: 256 * 1024 * 1024,
    max_tx_bytes: MAX_WIRE_BYTES,
    cache_size: 10 * MEMPOOL_SIZE,
    // What the application refuses now, over a budget, it may take in a minute.
    'keep-invalid-txs-in-cache': false,
  };
}

function stateSync({ stateSync }: EngineSettings, { temporaryFolder }: EnginePaths): TomlTable {
  return {
    enable: stateSync !== undefined,
    rpc_servers: stateSync?.rpcServers.join(',') ?? '',
    trust_height: stateSync?.trustHeight ?? 0,
    trust_hash: stateSync?.trustHash ?? '',
    // Half the time that evidence counts (engine-genesis.ts).
    trust_period: '168h0m0s',
    discovery_time: '5s',
    chunk_request_timeout: '10s',
    chunk_fetchers: 4,
    temp_dir: temporaryFolder,
  };
}

function consensus({ proposeMs, prevoteMs, precommitMs, commitMs }: ConsensusTimeouts): TomlTable {
  return {
    wal_file: 'data/cs.wal/wal',
    timeout_propose: `${proposeMs}ms`,
    timeout_propose_delta: '500ms',
    timeout_prevote: `${prevoteMs}ms`,
    timeout_prevote_delta: '250ms',
    timeout_precommit: `${precommitMs}ms`,
    timeout_precommit_delta: '250ms',
    timeout_commit: `${commitMs}ms`,
    // Waiting for the last votes lets every validator's vote into the commit, which receipts carry.
    skip_timeout_commit: false,
    // An idle network makes no history; after a change of app hash there is one block more, which proves it.
    create_empty_blocks: false,
    create_empty_blocks_interval: '0s',
    // Above 0 the engine ends itself when one of that many last blocks carries its own vote, as after every quick
    // restart. Against double signing stand priv_validator_state.json and the lock on the databases of its folder.
    double_sign_check_height: 0,
    // The default of 100 ms is waited for at each hop of a proposal or vote.
    peer_gossip_sleep_duration: '20ms',
    peer_query_maj23_sleep_duration: '2s',
    block_time_tolerance: '60s',
  };
}

function sectionToToml(name: string, table: TomlTable): string {
  const lines = Object.entries(table).map(([key, value]) => `${key} = ${valueToToml(value)}`);
  return `${name === '' ? '' : `[${name}]\n`}${lines.join('\n')}\n`;
}

/** A JSON string is a TOML basic string but for DEL, which paths and addresses here do not have (engine-paths.ts). */
function valueToToml(value: TomlValue): string {
  return JSON.stringify(value);
}
