import type { Block, Head, Outcome } from '../chain/block.ts';
import type { KvReader } from '../state/store.ts';
import type { StateReader } from '../state/typed-map.ts';
import type { Json, JsonObject } from '../std/canonical-json.ts';

/** Why the ledger stands still, for health, API and CLI; `ok` while it moves. */
export type LedgerHealth = {
  readonly status: 'ok' | 'stopped' | 'following' | 'catching-up';
  readonly reason?: string;
};

/** A transaction's place in the ledger, once committed. */
export interface Committed {
  readonly outcome: Outcome;
  readonly height: number;
  readonly index: number;
  readonly timeMs: number;
  /** Index of the outcome's leaf in the log. */
  readonly leafIndex: number;
}

/** What a commit of a block proves its head with; `kind` names the host. Canonical JSON. */
export type Commit = JsonObject & { readonly kind: string };

/** The ledger as the rest of the node sees it, whichever host runs it. */
export interface Ledger {
  readonly genesisHash: string;
  readonly genesis: JsonObject;
  /** Latest committed head and block time. */
  head(): Head & { readonly timeMs: number };
  /**
   * The newest head that something proves, with that proof, for receipts. A head of at least `minHeight` is waited for
   * where the proof of a block comes after it; throws Reject LEDGER_HEAD_UNPROVEN when it does not come.
   */
  signedHead(minHeight?: number): Promise<{ head: Head; commit: Commit; cosignatures: readonly JsonObject[] }>;
  /** Resolves when the transaction is committed and durable; rejects with a Reject when it is refused before that. */
  submit(wire: Uint8Array): Promise<Committed>;
  /** Where a transaction is in the log; undefined when it is not. */
  find(id: string): Promise<Committed | undefined>;
  /** State at the latest committed block, or at the one of `head` where that is kept; a snapshot, to be released. */
  read(head?: Head): {
    readonly state: StateReader;
    readonly store: KvReader;
    readonly head: Head;
    readonly timeMs: number;
    release(): void;
  };
  query(name: string, argument: JsonObject): Json;
  /** Committed blocks from `height` on, for followers; ends at the head. */
  blocks(fromHeight: number): AsyncIterable<Block>;
  /** Exact bytes of log leaf `index`; undefined beyond the log. */
  leaf(index: number): Promise<Uint8Array | undefined>;
  /** Exact wire bytes of a committed transaction; undefined where this node does not hold them (yet). */
  wire(committed: Pick<Committed, 'height' | 'index' | 'leafIndex'>): Promise<Uint8Array | undefined>;
  /** Calls back after each commit, in order; returns what ends it. */
  subscribe(listener: (block: Block, outcomes: readonly Outcome[], head: Head) => void): () => void;
  health(): LedgerHealth;
  /** Finishes what was taken in, flushes and closes. */
  close(): Promise<void>;
}
