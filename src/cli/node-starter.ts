/** A node that runs in this process. */
export interface RunningNode {
  readonly url: string;
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
  readonly genesis?: string;
  readonly keys?: string;
  /** Addresses of nodes that host other members; the one that is followed is known already. */
  readonly peers?: readonly string[];
  /** Witnesses of the ledger by name, with the address of each; genesis holds their keys. */
  readonly witnesses?: Readonly<Record<string, string>>;
  progress(step: string, done: number, total: number): void;
  /** Told once, at first start: where the root key lies. */
  rootKeyMade(path: string): void;
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

/** Starts nodes; `app` does it, and entry points hand it in, since commands stand below it. */
export interface NodeStarter {
  start(options: StartOptions): Promise<RunningNode>;
  witness(options: WitnessStartOptions): Promise<RunningWitness>;
  /** The verify page as one file, for auditors who have no node. */
  verifyPage(): Promise<string>;
  /** URL and administrator tokens of a node that already runs on this folder; undefined when none does. */
  running(folder: string): Promise<Pick<RunningNode, 'url' | 'node' | 'adminTokens'> | undefined>;
}
