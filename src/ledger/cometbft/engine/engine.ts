import type { JsonObject } from '../../../std/canonical-json.ts';
import type { EngineRpc } from './engine-rpc.ts';

/** Timeouts of consensus, in milliseconds (config.toml, [consensus]). */
export interface ConsensusTimeouts {
  readonly proposeMs: number;
  readonly prevoteMs: number;
  readonly precommitMs: number;
  /** How long the engine waits after a block for late votes: the least time between two blocks. */
  readonly commitMs: number;
}

/** Joining from a snapshot: two addresses that serve light blocks, and a header that the operator trusts. */
export interface StateSyncSettings {
  /** `http://127.0.0.1:PORT`, at least two. */
  readonly rpcServers: readonly string[];
  readonly trustHeight: number;
  /** Hexadecimal. */
  readonly trustHash: string;
}

/** What an engine is started with. Everything in `home` can be made again but `data/`. */
export interface EngineSettings {
  /** The program, or undefined when it is looked for (find-cometbft.ts). */
  readonly program?: string;
  /** Folder of its configuration, block store and write-ahead log. */
  readonly home: string;
  /** Folder outside the data folder, made mode 0700, in which its keys lie until it has read them at its start. */
  readonly keyFolder: string;
  /** Short folder for the two unix sockets: their paths have at most 100 bytes. */
  readonly socketFolder: string;
  /** CometBFT's genesis document (engine-genesis.ts). */
  readonly genesis: JsonObject;
  /** Ed25519 seeds of 32 bytes: of the key that signs votes, and of the node's own. */
  readonly validatorSeed: Uint8Array;
  readonly nodeSeed: Uint8Array;
  /** `tcp://HOST:PORT` to listen on for other validators. */
  readonly p2pListen: string;
  /** `HOST:PORT` under which others reach it, where that is another. */
  readonly p2pExternal?: string;
  /** `<node id>@HOST:PORT` of the others. */
  readonly peers: readonly string[];
  readonly timeouts?: Partial<ConsensusTimeouts>;
  readonly stateSync?: StateSyncSettings;
}

export type EngineHealth =
  /** Stopped: not started yet, or ended because it was asked to. Running: it answers. */
  | { readonly status: 'stopped' | 'starting' | 'running' }
  /** It ended; it is started again at `restartAtMs` (epoch). `reason` is the last error that it logged. */
  | { readonly status: 'down'; readonly reason: string; readonly restarts: number; readonly restartAtMs: number };

/** A CometBFT process under supervision. */
export interface Engine {
  readonly rpc: EngineRpc;
  /** Path of the unix socket at which the application must listen before `start`. */
  readonly abciSocket: string;
  /** Starts the process; resolves once it has been spawned, not when it is ready. */
  start(): Promise<void>;
  health(): EngineHealth;
  /** Process id while it runs, for those who want to stop it (tests). */
  pid(): number | undefined;
  /** Ends the process (SIGTERM, after 10 s SIGKILL) and takes the keys away again; resolves when it has ended. */
  stop(): Promise<void>;
}
