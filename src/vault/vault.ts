import type { Asked, InteractionHeader, VersionHeader } from '../chain/journal-leaf.ts';
import type { Reject } from '../std/reject.ts';
import type { Frozen } from './database/connection.ts';
import type { IndexEntries } from './index/index-entries.ts';
import type { FoundPage, IndexQuery } from './index/index-query.ts';
import type { VersionRow } from './version-row.ts';

export type { VersionRow };

/** A version to be written. `version` is 1 for a new resource and the current one + 1 otherwise. */
export interface NewVersion extends Omit<VersionHeader, 'previous'> {
  /** Exact bytes, `id`, `meta.versionId` and `meta.lastUpdated` in place. */
  readonly bytes: Uint8Array;
  readonly labels: readonly string[];
  readonly categories: readonly string[];
  /** What it is found by while it is the current version; none for a deletion. */
  readonly entries: IndexEntries;
  /** The id was drawn at random for this version: that there is no resource of it is not looked up. */
  readonly isNew?: true;
  /** Kept beside its journal entry for the audit, not part of its leaf. */
  readonly by?: WriteContext;
}

/** By what a version came to be written: who acted for whom and why is not in its header. */
export type WriteContext = Omit<Asked, 'query'> & { readonly organisation: string; readonly purpose: string };

export interface JournalHead {
  readonly custodian: string;
  readonly generation: number;
  readonly size: number;
  readonly root: Uint8Array;
}

/** One anchor as the ledger took it. */
export interface AnchorRow {
  readonly generation: number;
  readonly size: number;
  readonly root: string;
  readonly transaction: string;
}

/** A journal entry with all that a receipt of it needs: who holds this can open the leaf. */
export interface OpenedEntry {
  readonly generation: number;
  readonly index: number;
  readonly leaf: Uint8Array;
  readonly salt: Uint8Array;
  readonly entry:
    | { readonly kind: 'version'; readonly header: VersionHeader; readonly contentHash: Uint8Array }
    | { readonly kind: 'interaction'; readonly header: InteractionHeader }
    /** A version that was erased: its leaf stays, `salt` is empty, nothing opens it any more. */
    | { readonly kind: 'erased'; readonly header: VersionHeader };
}

/** What a journal entry says: a version that was written (or erased since), or an interaction. No salt, no content. */
export type JournalEntry = { readonly generation: number; readonly index: number } & (
  | { readonly kind: 'version'; readonly row: VersionRow; readonly by?: WriteContext }
  | { readonly kind: 'interaction'; readonly header: InteractionHeader }
);

export interface PageOf<T> {
  readonly rows: readonly T[];
  /** Opaque; pass it as `after` to go on; undefined at the end. */
  readonly next?: string;
}

/**
 * A custodian's vault: versions, blobs, key store, journal, index, as one thing that is never half-written.
 * `write` and `journal` resolve when all is durable; concurrent calls share one commit (group commit).
 */
export interface Vault {
  readonly custodian: string;
  /**
   * Writes versions and interactions together: all or none. Throws Reject VERSION_CONFLICT {type, id, expected, actual}
   * when a version is not the current one + 1 at that moment, VAULT_FULL when the disk is, VAULT_CLOSED (also behind
   * its last anchor). Keys are durable in the key store first; an orphan is swept at the next start.
   */
  write(versions: readonly NewVersion[], interactions: readonly InteractionHeader[]): Promise<WriteResult>;
  /** Journals interactions only (reads, refusals, …); returns their journal indices. */
  journal(interactions: readonly InteractionHeader[]): Promise<readonly number[]>;
  /** Journals a release that uses a permit, once only: Reject PERMIT_USED when `permit` is in the journal already. */
  journalOnce(interaction: InteractionHeader): Promise<number>;
  /** Current version's row (also when deleted); undefined when there never was one. */
  current(type: string, id: string): Promise<VersionRow | undefined>;
  version(type: string, id: string, version: number): Promise<VersionRow | undefined>;
  /** Versions of one resource, newest first. */
  history(type: string, id: string, limit: number, after?: string): Promise<PageOf<VersionRow>>;
  /** Versions of all resources, or of those of a type, newest first (by place in the journal). */
  historyOf(type: string | undefined, limit: number, after?: string): Promise<PageOf<VersionRow>>;
  /**
   * Current, undeleted, unerased versions that meet all criteria. Versions with a sensitive label are indexed under
   * their account's own key, so a query tries the keys of the accounts that have any of the type: at most 1,000, else
   * Reject TOO_COSTLY, never silently incomplete. Rejects CURSOR_INVALID, INDEX_BUILDING {done, total}.
   */
  find(query: IndexQuery): Promise<FoundPage>;
  /** Decrypted exact bytes; checks blob address, GCM tag and leaf. Rejects BLOB_DAMAGED, VERSION_ERASED. */
  open(row: VersionRow): Promise<Uint8Array>;
  /**
   * The same of many, beside the main thread, at most 1,000: what `open` would reject with stands in the place of its
   * version. For who goes through a vault once: they push nothing out of the memory of what is read again.
   */
  openAll(rows: readonly VersionRow[]): Promise<readonly (Uint8Array | Reject)[]>;
  /** Encrypted blob by address, for replicas and release. */
  blob(address: string): Promise<Uint8Array | undefined>;
  /** Salt of a version's leaf. */
  salt(row: VersionRow): Promise<Uint8Array>;

  journalHead(): JournalHead;
  entry(generation: number, index: number): Promise<OpenedEntry | undefined>;
  /** Entries about one account, newest first: the patient's accounting. */
  entriesOf(account: string, limit: number, after?: string): Promise<PageOf<OpenedEntry>>;
  /** The same without salts and contents, of one account or of the whole journal: what audit shows and counts. */
  journalEntries(account: string | undefined, limit: number, after?: string): Promise<PageOf<JournalEntry>>;
  /** One of them; undefined when there is none. */
  journalEntry(generation: number, index: number): Promise<JournalEntry | undefined>;
  /**
   * Durable entries of a generation from an index on, in their order, at most `limit` (1,000): for who follows the
   * journal. None at its end.
   */
  entriesFrom(generation: number, index: number, limit: number): Promise<readonly JournalEntry[]>;
  /**
   * Where to begin (`after` of the two lists above) to see all entries of before a time, in milliseconds: found in some
   * thirty steps, so that old entries cost no more than new ones. Entries come by their place in the journal, from which
   * that of their times differs by as much as clocks and concurrent requests did.
   */
  journalBefore(timeMs: number): Promise<string>;
  /** RFC 6962 proofs over the journal of a generation. */
  inclusion(generation: number, index: number, size: number): Promise<readonly Uint8Array[]>;
  consistency(generation: number, from: number, to: number): Promise<readonly Uint8Array[]>;
  /** Records that the ledger took an anchor; the first anchor with size > index anchors an entry. */
  anchored(anchor: AnchorRow): Promise<void>;
  lastAnchor(): AnchorRow | undefined;
  anchorOf(generation: number, index: number): Promise<AnchorRow | undefined>;

  /** Makes a patient's account known here: epoch key, tag key. Idempotent. */
  openAccount(account: string): Promise<void>;
  accountOf(type: string, id: string): Promise<string | undefined>;
  /** Symmetric key of the account's current epoch (kept in the key store) and its tag key, for blinded policy. */
  tagKey(account: string): Promise<Uint8Array>;
  /** Destroys key and salt of versions, blobs, index rows; see DESIGN §4 Erasure. Resolves when overwritten. */
  erase(rows: readonly VersionRow[]): Promise<void>;
  /**
   * Who keeps copies of what versions say is told of an erasure before it is carried out and once more after it, and
   * destroys them; what it rejects with, the erasure is refused with, and has to be asked for again.
   */
  whenErasing(destroyCopies: (rows: readonly VersionRow[]) => Promise<void>): void;
  /** Small named documents that belong to the custodian and are encrypted like the rest (tokens, claim codes). */
  getDocument(kind: string, id: string): Promise<Uint8Array | undefined>;
  putDocument(kind: string, id: string, bytes: Uint8Array | null): Promise<void>;
  /** In order of id; of many a page: at most `most` after the id `after`. */
  listDocuments(
    kind: string,
    page?: { readonly after: string; readonly most: number },
  ): Promise<readonly { readonly id: string; readonly bytes: Uint8Array }[]>;
  close(): Promise<void>;
}

export interface WriteResult {
  readonly versions: readonly VersionRow[];
  readonly journalIndices: readonly number[];
}

/** Where the ledger has a custodian's journal. */
export interface LedgerAnchor {
  readonly generation: number;
  readonly size: number;
  /** Hexadecimal; of no meaning for size 0. */
  readonly root: string;
}

/**
 * `behind`: the journal does not extend its last anchor; nothing is served until a generation is started.
 * `failed`: the disk refused a write or a sync, and only a restart tells what is durable.
 */
export type VaultStatus = 'serving' | 'behind' | 'failed' | 'closed';

/** What a look at every row came to. A fault names a journal place, or a table where there is none. */
export interface ScrubReport {
  readonly entries: number;
  readonly versions: number;
  readonly erased: number;
  readonly keys: number;
  /** The first 100. */
  readonly faults: readonly {
    readonly code: string;
    readonly generation?: number;
    readonly index?: number;
    readonly what?: string;
  }[];
}

/** The vault as the node that keeps it sees it: what the records capability, start and inspection need beyond `Vault`. */
export interface CustodianVault extends Vault {
  status(): VaultStatus;
  /**
   * Compares the journal with its last anchor on the ledger. Once it is at or beyond that, orphaned keys are swept;
   * otherwise every call but this one, `status`, `journalHead`, `lastAnchor` and `startGeneration` throws Reject
   * VAULT_BEHIND_ANCHOR from now on.
   */
  checkAgainst(anchor: LedgerAnchor): Promise<'serving' | 'behind'>;
  /**
   * Closes the generation and goes on with an empty one, after the members' vote `journal.restart`. Keys that no
   * version names are kept for good: they may belong to versions that a newer backup brings back.
   * Throws Reject GENERATION_INVALID unless `generation` is later than the open one.
   */
  startGeneration(generation: number): Promise<{ readonly closed: number; readonly keptSize: number }>;
  /** The version written at a journal place: what the ledger's erasures name. */
  versionAt(generation: number, index: number): Promise<VersionRow | undefined>;
  /** The account's symmetric key of the current epoch, to be sealed to the patient. Throws Reject ACCOUNT_UNKNOWN. */
  epochKey(account: string): Promise<{ readonly epoch: number; readonly key: Uint8Array }>;
  /** Reads and checks everything that is stored, a page at a time between other work. */
  scrub(): Promise<ScrubReport>;
  /**
   * Makes the index anew for resources whose entries are of an older format or under an older index key, a few in a
   * commit, between other work; resolves when there are none, or when `signal` says so. After a crash it goes on with
   * those that are still old. From its call on, entries that are written count as of its format.
   */
  reindex(extract: ExtractEntries, options: ReindexOptions): Promise<ReindexReport>;
  /** What an index is of, and how far `reindex` is. */
  indexState(): IndexState;
  /**
   * Runs a task while nothing is committed; what is written meanwhile waits. `freeze` gives both databases as they are at
   * that moment, for a backup: they may be copied after the pause, and are to be released.
   */
  whilePaused<R>(task: (freeze: () => Promise<FrozenVault>) => Promise<R>): Promise<R>;
  /** From now on entries go under a new key of the custodian's; `reindex` moves the others, and the old key goes. */
  rotateIndexKey(): Promise<{ readonly generation: number }>;
}

/** Both databases of a vault at one moment between commits: each version has its key. */
export interface FrozenVault {
  readonly vault: Frozen;
  readonly keys: Frozen;
}

/** What the current version of a resource is found by. `timeMs` is when it was written. */
export type ExtractEntries = (type: string, bytes: Uint8Array, timeMs: number) => IndexEntries;

export interface ReindexOptions {
  /** Of what `extract` makes: higher whenever it makes other entries of the same resource. A lower one is taken as the highest so far. */
  readonly format: number;
  readonly onProgress?: (progress: IndexProgress) => void;
  readonly signal?: AbortSignal;
}

export interface IndexProgress {
  readonly done: number;
  readonly total: number;
}

export interface ReindexReport extends IndexProgress {
  /** Resources that could not be opened or read, and are found by nothing but their id and account. */
  readonly failed: number;
}

export interface IndexState {
  readonly format: number;
  /** Generation of the custodian's index key that is written under, and the oldest that is still tried. */
  readonly generation: number;
  readonly oldestGeneration: number;
  /** Present while some resources have never been indexed: `find` refuses until they are. */
  readonly building?: IndexProgress;
}
