import type { KvReader, KvWrites } from '../state/store.ts';
import type { StateReader } from '../state/typed-map.ts';
import type { Json, JsonObject } from '../std/canonical-json.ts';
import type { Block, Head, Outcome } from './block.ts';
import type { Validator } from './validators.ts';

/**
 * The kernel that both hosts drive (`createKernel` in kernel.ts). It is synchronous and pure but for the window of
 * recent transaction ids, which it rebuilds from the log entries it is given at start.
 */
export interface Kernel {
  /** SHA-256(frame('aceso/genesis/1', canonical genesis document)), hexadecimal. */
  readonly genesisHash: string;
  /** Height of block 0: 0, or that of the last head of the ledger that goes on. */
  readonly genesisHeight: number;
  /**
   * Writes of block 0 (state from genesis) and its head, for an empty store. Where genesis carries the state of another
   * ledger on, `carried` is the store that holds that one at its last head, and the writes are for a copy of it. Throws
   * Reject GENESIS_STATE_MISSING, GENESIS_STATE_DIFFERS.
   */
  initialise(carried?: KvReader): Executed;
  /** The head that a store holds; undefined for an empty store. */
  head(store: KvReader): Head | undefined;
  /** Block time of the head that a store holds, in milliseconds; undefined for an empty store. */
  timeMs(store: KvReader): number | undefined;
  /**
   * Tells the kernel the ids already in the log within the replay window: `rememberedIds` of leaf.ts over the leaves of
   * the last ten minutes of block time, up to the head of the store from which execution goes on and no further.
   * Called once at start.
   */
  remember(ids: Iterable<{ readonly id: string; readonly timeMs: number }>): void;
  /**
   * Executes one block on top of `store`: serial, deterministic. `isVerified(id, task)` may answer true for
   * signatures that a worker has already checked: those very bytes, against exactly that key record; the others are
   * checked here. A storage fault, RangeError or exhausted memory is thrown, never an outcome: the host halts before commit.
   */
  execute(store: KvReader, block: Block, isVerified?: (id: string, task: SignatureTask) => boolean): Executed;
  /** Cheap checks before a transaction enters a mempool: form, chain, expiry, signers, budget. Throws Reject. */
  check(store: KvReader, wire: Uint8Array, nowMs: number): CheckedTransaction;
  /** Typed state over a store. */
  state(store: KvReader): StateReader;
  /** A capability's query by its full name (`records.journal`), at a committed state. Throws Reject QUERY_UNKNOWN. */
  query(store: KvReader, name: string, argument: JsonObject): Json;
}

/** What a block came to. `writes` hold state, tree, log and head: one atomic batch. */
export interface Executed {
  readonly head: Head;
  readonly outcomes: readonly Outcome[];
  /** Exact bytes of the log leaves this block appended, in order (transactions, then the block leaf). */
  readonly leaves: readonly Uint8Array[];
  readonly writes: KvWrites;
  /** How the set of validators changed, power 0 for one that left; in block 0 all of them. Empty on an embedded ledger. */
  readonly validatorUpdates: readonly Validator[];
}

/** A transaction that `check` let through, with the signatures still to verify (in a worker). */
export interface CheckedTransaction {
  readonly id: string;
  readonly notAfterMs: number;
  readonly sponsor: string;
  readonly lane: 'ordinary' | 'urgent';
  readonly signatures: readonly SignatureTask[];
}

/** One signature check, free of state, so that any thread can do it. */
export interface SignatureTask {
  readonly account: string;
  readonly keyRecordHash: string;
  readonly algorithm: 'ed25519' | 'webauthn-es256';
  readonly publicKey: Uint8Array;
  /** Bytes that were signed; for WebAuthn the transaction id is the challenge. */
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
  readonly rpIdHash?: string;
  readonly origin?: string;
}
