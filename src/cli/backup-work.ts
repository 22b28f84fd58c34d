/** Where an online or offline backup goes. Paths are absolute. */
export interface BackupRequest {
  readonly out: string;
  /** Folder of the key stores, where they are to be apart. */
  readonly keysOut?: string;
  /** Copies no key store at all. */
  readonly withoutKeys?: boolean;
}

/** What a backup came to. Also the answer of `GET /api/backup`. */
export interface BackupSummary {
  readonly node: string;
  readonly part: string;
  readonly timeMs: number;
  /** For how long writers waited. */
  readonly pauseMs: number;
  readonly bytes: number;
  readonly files: number;
  readonly ledgerHeight?: number;
  readonly vaults: readonly { readonly slug: string; readonly entries: number; readonly generation: number }[];
  /** When the copy of the key stores is to be destroyed. */
  readonly keysUntilMs?: number;
  /** Folders that backups to this place left when they were killed. */
  readonly leftOvers: readonly string[];
}

/** How far a backup is that a running node makes. */
export interface BackupProgress {
  readonly state: 'none' | 'running' | 'done' | 'failed';
  readonly step: string;
  readonly done: number;
  readonly total: number;
  readonly report?: BackupSummary;
  readonly refusal?: {
    readonly code: string;
    readonly kind: string;
    readonly sentence: string;
    readonly data: Readonly<Record<string, unknown>>;
  };
}

/** A backup to be read: folder of the records, of keys that are apart, and a root key that is not in its place. */
export interface BackupPlaces {
  readonly from: string;
  readonly keys?: string;
  readonly rootKey?: string;
  progress(step: string, done: number, total: number): void;
}

export interface RestoreRequest extends BackupPlaces {
  readonly folder: string;
  /** Data folder of a stopped node whose ledger goes on in place of the backup's. */
  readonly ledger?: string;
  readonly scrub?: boolean;
}

export interface RestoreSummary {
  readonly node: string;
  readonly timeMs: number;
  readonly keysTimeMs: number;
  readonly ledgerHeight: number;
  readonly isOwnLedger: boolean;
  readonly vaults: readonly {
    readonly slug: string;
    readonly account: string;
    readonly status: string;
    readonly journal: { readonly generation: number; readonly size: number };
    readonly anchor: { readonly generation: number; readonly size: number };
    readonly scrub?: { readonly versions: number; readonly erased: number; readonly faults: readonly object[] };
  }[];
}

export interface RootKeyChange {
  readonly file: string;
  readonly old: string;
  readonly resumed: boolean;
  /** True when the data derives from the old root key itself. */
  readonly wasMaster: boolean;
}

/** What commands do with a node's folder and its backups; `app` does it. */
export interface BackupWork {
  /** Copies the folder of a node that does not run. */
  backupStopped(
    folder: string,
    request: BackupRequest,
    progress: (step: string, done: number, total: number) => void,
  ): Promise<BackupSummary>;
  /** Reads all of a backup. `keysAway`: it needs a key backup to be restored. */
  verify(places: BackupPlaces): Promise<BackupSummary & { readonly keysAway: boolean }>;
  restore(request: RestoreRequest): Promise<RestoreSummary>;
  rotateRootKey(folder: string): Promise<RootKeyChange>;
}
