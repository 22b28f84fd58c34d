import type { JsonObject } from '../std/canonical-json.ts';
import type { FounderPlan } from '../wallet/node/organisation-keys.ts';
import type { BackupWork } from './backup-work.ts';

/** A node that runs in this process. */
export interface RunningNode {
  /** Where it listens: the address for programs of this machine. */
  readonly url: string;
  /** What it calls itself, in everything that it answers: the address for people and apps. */
  readonly baseUrl: string;
  readonly node: string;
  /** Administrator's token of each organisation by slug, valid while this process lives. */
  readonly adminTokens: Readonly<Record<string, string>>;
  /** Demo accounts, present only when this start seeded them. */
  readonly seeded: SeedReport | undefined;
  close(): Promise<void>;
}

/** What the first start put into an empty node. */
export interface SeedReport {
  readonly organisations: readonly {
    readonly slug: string;
    readonly name: string;
    readonly patients: number;
    readonly resources: number;
  }[];
  readonly accounts: readonly { readonly label: string; readonly organisation: string; readonly token: string }[];
}

/** `perSecond` in the long run, `burst` at once after a rest. */
export interface RateLimit {
  readonly perSecond: number;
  readonly burst: number;
}

export interface StartOptions {
  readonly folder: string;
  readonly port: number;
  /** Address to listen on; loopback unless the operator says otherwise. */
  readonly host: string;
  /** Address under which clients reach the node, where that is another than it listens on (a proxy). */
  readonly baseUrl?: string;
  /** The operator’s word that the clock is right, after it went back or jumped. */
  readonly confirmClock?: boolean;
  /** Whether an empty folder gets the demo organisations with synthetic patients. */
  readonly seed: boolean;
  /** Refuse a folder without a node with NODE_FOLDER_EMPTY instead of making one. */
  readonly mustExist?: boolean;
  readonly follow?: string;
  /** Addresses of the consortium to validate with, and `tcp://HOST:PORT` to listen on for it where that is another. */
  readonly network?: string;
  readonly p2pListen?: string;
  /** Folder of the export of the ledger that a moved one goes on from. */
  readonly carry?: string;
  /** A snapshot for those who join every so many blocks. */
  readonly snapshotEveryBlocks?: number;
  readonly genesis?: string;
  readonly keys?: string;
  /** Addresses of nodes that host other members; the one that is followed is known already. */
  readonly peers?: readonly string[];
  /** Witnesses of the ledger by name, with the address of each; genesis holds their keys. */
  readonly witnesses?: Readonly<Record<string, string>>;
  /** Addresses and ranges of proxies whose X-Forwarded-For is taken; none unless they are given. */
  readonly trustedProxies?: readonly string[];
  /** How long the node is not ready before it takes no more requests, and how long those under way may go on then. */
  readonly drain?: { readonly noticeMs: number; readonly boundMs: number };
  /** How much one token, one person and one network without a token may ask for, where that is not what holds by itself. */
  readonly rateLimits?: { readonly [Of in 'token' | 'user' | 'source']?: RateLimit };
  /** How often signing in may fail: of a session, of a network, of a passkey; and how long the wait is then. */
  readonly signInLimits?: {
    readonly sessionTries?: number;
    readonly sourceTries?: number;
    readonly credentialTries?: number;
    readonly waitMs?: number;
  };
  /** Bearer token that opens `/metrics` and nothing else. */
  readonly metricsToken?: string;
  /** Least level that is logged; the entry point's own unless it is given. */
  readonly logLevel?: string;
  progress(step: string, done: number, total: number): void;
  /** Told once, at first start: where the root key lies. */
  rootKeyMade(path: string): void;
}

/** What the settings of a node come to; how it is told of its progress is the caller's. */
export type StartSettings = Omit<StartOptions, 'mustExist' | 'progress' | 'rootKeyMade'>;

/** Where settings are taken from; a file too, where `--config` or `ACESO_CONFIG` names one. */
export interface ConfigurationSources {
  /** Options of the command line, known or not, as they were read. */
  readonly options: Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/** One thing that is wrong with the settings. Secrets are never shown. */
export interface ConfigurationFault {
  readonly code: string;
  readonly from: 'option' | 'environment' | 'file';
  /** As it was written: `--port`, `ACESO_LOG`, `baseUrl`. */
  readonly name: string;
  /** What the code means, for people. */
  readonly message: string;
  readonly given?: string;
  /** What it takes. */
  readonly allowed?: string;
  /** What was probably meant. */
  readonly nearest?: string;
}

export interface ReadConfiguration {
  readonly faults: readonly ConfigurationFault[];
  /** Each setting that has a value, with where that came from. */
  readonly effective: readonly { readonly name: string; readonly value: string; readonly from: string }[];
  /** Only without faults. */
  readonly settings?: StartSettings;
}

/** What `aceso doctor` is to look at. */
export interface ExamineOptions {
  readonly sources: ConfigurationSources;
  /** Folder of the newest backup. */
  readonly backup?: string;
}

/** One line of what it found. */
export interface Finding {
  /** Name of what was looked at, for scripts. */
  readonly check: string;
  readonly level: 'ok' | 'warn' | 'fail';
  readonly what: string;
  /** What to do; absent where all is well. */
  readonly advice?: string;
}

export interface WitnessStartOptions {
  readonly name: string;
  readonly folder: string;
  readonly host: string;
  readonly port: number;
  /** Exact bytes of the genesis documents of the ledgers to witness; none while only the key is to be made. */
  readonly genesis: readonly Uint8Array[];
}

export interface RunningWitness {
  readonly url: string;
  /** Ed25519, hexadecimal: what a genesis names. */
  readonly publicKey: string;
  readonly keyFile: string;
  close(): Promise<void>;
}

/** What a consortium begins with, or goes on with, in exact bytes; `keys` are secret, one file for each made here. */
export interface NetworkFiles {
  /** Genesis hash of the ledger. */
  readonly chain: string;
  readonly genesis: Uint8Array;
  readonly network: Uint8Array;
  readonly organisations: readonly { readonly slug: string; readonly keys: Uint8Array | undefined }[];
}

/** Of a consortium that is founded anew. */
export interface FoundedNetwork extends NetworkFiles {
  readonly organisations: readonly {
    readonly slug: string;
    readonly name: string;
    readonly power: number;
    readonly url?: string;
    readonly keys: Uint8Array | undefined;
  }[];
}

/** What others know of a validator: the key that signs its votes, and its node's id. */
export interface ValidatorIdentity {
  readonly publicKey: string;
  readonly node: string;
}

/** Starts nodes; `app` does it, and entry points hand it in, since commands stand below it. */
export interface NodeStarter {
  /** Backups, restoring, and root keys of stopped nodes. */
  readonly backups: BackupWork;
  /** Founds a consortium from the parsed JSON of a plan. Throws NETWORK_PLAN_WRONG {problem}. */
  foundNetwork(plan: unknown): Promise<FoundedNetwork>;
  /** Organisations of a network for trying out, the first ones with staff and synthetic patients. */
  trialFounders(count: number): readonly FounderPlan[];
  /** Exact bytes of the genesis of a ledger that one operator keeps. */
  newGenesis(plan: {
    readonly name: string;
    /** Public key that signs its heads, hexadecimal. */
    readonly operatorKey: string;
    readonly founders: readonly JsonObject[];
    readonly witnesses: readonly { readonly name: string; readonly publicKey: string }[];
  }): Promise<Uint8Array>;
  /** Exports the ledger of a stopped node into the folder `out`. Exact bytes of its genesis and of the receipt that ties. */
  exportLedger(options: {
    readonly folder: string;
    readonly out: string;
    progress(step: string, done: number, total: number): void;
  }): Promise<{ readonly genesis: Uint8Array; readonly tie: Uint8Array }>;
  /** The consortium that goes on from an export, by the parsed JSON of a plan. Throws NETWORK_PLAN_WRONG {problem}. */
  foundMovedNetwork(
    plan: unknown,
    from: { readonly exported: string; readonly oldGenesis: string },
  ): Promise<NetworkFiles>;
  /** Turns a stopped node into a validator of the consortium that goes on from its ledger; resolves to that one's hash. */
  moveNode(options: {
    readonly folder: string;
    readonly genesis: string;
    readonly network: string;
    readonly keys: string;
    readonly exported: string;
    readonly p2pListen?: string;
  }): Promise<{ readonly chain: string }>;
  /** Seeds of a new validator, hexadecimal, and what others are to know of it. */
  newValidator(): Promise<{
    readonly seeds: { readonly voteSeed: string; readonly nodeSeed: string };
    readonly validator: ValidatorIdentity;
  }>;
  /** Throws ENGINE_MISSING or ENGINE_VERSION_WRONG where a consortium's node would not run. */
  requireEngine(): Promise<void>;
  /** The settings of `aceso start`, judged together; changes nothing. */
  configure(sources: ConfigurationSources): Promise<ReadConfiguration>;
  /** Looks a node over without starting or changing anything. */
  examine(options: ExamineOptions): Promise<readonly Finding[]>;
  start(options: StartOptions): Promise<RunningNode>;
  witness(options: WitnessStartOptions): Promise<RunningWitness>;
  /** The verify page as one file, for auditors who have no node. */
  verifyPage(): Promise<string>;
  /** URL and administrator tokens of a node that already runs on this folder; undefined when none does. */
  running(folder: string): Promise<Pick<RunningNode, 'url' | 'node' | 'adminTokens'> | undefined>;
}
