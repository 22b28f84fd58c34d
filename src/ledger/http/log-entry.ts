import type { JsonObject } from '../../std/canonical-json.ts';

/** A leaf of the log, and the wire bytes of the transaction that it is the outcome of. */
export interface LogEntry {
  readonly leaf: Uint8Array;
  readonly wire?: Uint8Array;
}

/** A ledger that gives out its log with the transactions, for nodes that joined by a snapshot. */
export interface EntrySource {
  /** At most `limit` entries from leaf `from` on; fewer where the log ends or the answer would be too large. */
  entries(from: number, limit: number): Promise<readonly LogEntry[]>;
}

/** A ledger that keeps headers with their commits. */
export interface HeaderSource {
  /** Header and commit of a height at which the set of validators changed, as the engine's JSON; undefined at others. */
  signedHeader(height: number): Promise<JsonObject | undefined>;
}

/** A ledger that offers snapshots to nodes that join. */
export interface SnapshotSource {
  /** Heights of the snapshots that a node may take here now. */
  snapshotHeights(): Promise<readonly number[]>;
}
