import type { JsonObject } from '../../../std/canonical-json.ts';

/** A block's header and the votes of more than two thirds for it, in the JSON of CometBFT's RPC `/commit`. */
export interface SignedHeaderJson {
  readonly header: JsonObject;
  readonly commit: JsonObject;
}

/**
 * What the engine itself says of a transaction, without having asked the application: negative, as the application's
 * codes are not. `inCache`: it has had these bytes already, in its mempool, in one of the last blocks, or from another
 * node this instant; their outcome will tell. `full`: try again after a block. `tooLarge`: never. `failed`: as `log` says.
 */
export const ENGINE_VERDICTS = { inCache: -1, full: -2, tooLarge: -3, failed: -4 } as const;

/**
 * What a broadcast came to: taken into the engine's mempool, or why not. `code` is the application's, 0 for taken, or
 * one of ENGINE_VERDICTS.
 */
export interface BroadcastResult {
  readonly code: number;
  readonly log: string;
}

/** The RPC of this node's engine, over its unix socket. */
export interface EngineRpc {
  /**
   * One JSON-RPC call. Throws Reject ENGINE_UNREACHABLE when nothing answers within the time, ENGINE_REFUSED {message}
   * when the engine answers with an error.
   */
  call(method: string, params?: JsonObject, timeoutMs?: number): Promise<JsonObject>;
  /**
   * Hands transactions to the engine; an answer for each, in their order. Throws as `call` when no engine answers, and
   * then any of them may have been taken.
   *
   * `sync` waits for the application's CheckTx (broadcast_tx_sync): 20 ms and more, since CometBFT holds messages back
   * that long, over up to 64 connections. `async` (broadcast_tx_async) sends one batch, for a sixth of the processor
   * time; code 0 then says that the application will be asked, and its verdict is the application's to know. Neither
   * tells when the mempool became full between question and verdict (clist_mempool.go, resCbFirstTime).
   */
  broadcast(wires: readonly Uint8Array[], mode?: 'sync' | 'async'): Promise<readonly BroadcastResult[]>;
  /** `/commit` at a height. Throws as `call`. */
  signedHeader(height: number): Promise<SignedHeaderJson>;
  /** Peers that the engine is connected to: ids of their nodes, hexadecimal in lower case. */
  peers(): Promise<readonly string[]>;
  status(): Promise<{ readonly height: number; readonly catchingUp: boolean; readonly earliestHeight: number }>;
  close(): void;
}
