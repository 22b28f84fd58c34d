import type { VersionHeader } from '../chain/journal-leaf.ts';

/** One version of one resource, without its bytes. `deleted` versions have a small tombstone as bytes. */
export interface VersionRow extends VersionHeader {
  readonly deleted: boolean;
  /** Leaf of this version, hexadecimal, and where it stands in the journal. */
  readonly leaf: string;
  readonly generation: number;
  readonly journalIndex: number;
  /** SHA-256 of the encrypted blob, hexadecimal: its address. */
  readonly blob: string;
  /** Security labels and data categories as plain codes `system|code`, kept encrypted by page, for the decision. */
  readonly labels: readonly string[];
  readonly categories: readonly string[];
  readonly erased: boolean;
}
