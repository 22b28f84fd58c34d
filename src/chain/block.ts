import type { JsonObject } from '../std/canonical-json.ts';

/** Height and time of a block. `timeMs` is milliseconds since the epoch and never goes back. */
export interface BlockHeader {
  readonly height: number;
  readonly timeMs: number;
}

/** A validator caught equivocating, as the consensus engine reports it. The embedded host never has any. */
export interface Misbehaviour {
  readonly kind: 'duplicate-vote' | 'light-client-attack';
  /** First 20 bytes of SHA-256 of the validator's key, hexadecimal (CometBFT's address). */
  readonly validator: string;
  readonly height: number;
  readonly timeMs: number;
}

/** What is ordered, then executed. Transactions are exact wire bytes. */
export interface Block extends BlockHeader {
  readonly transactions: readonly Uint8Array[];
  readonly misbehaviour: readonly Misbehaviour[];
}

/** What a transaction came to: `OK` or a rejection code, and data. */
export interface Outcome {
  readonly id: string;
  readonly code: string;
  readonly data: JsonObject;
}

/**
 * A signed statement of the ledger after a block. `logSize` counts leaves; `schema` is the version of app_hash.
 * app_hash = SHA-256(frame('aceso/app/1', tree root, log root, u64(log size), u32(schema))).
 */
export type Head = {
  readonly genesis: string;
  readonly height: number;
  readonly logSize: number;
  readonly logRoot: string;
  readonly appHash: string;
};
