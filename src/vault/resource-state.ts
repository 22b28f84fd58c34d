import type { IndexEntries } from './index/index-entries.ts';
import type { Scope } from './index/index-hash.ts';

/** Where a resource is at: its current version, and what the index has of it. */
export interface ResourceState {
  readonly rid: number;
  readonly version: number;
  readonly position: number;
  readonly leaf: string;
  /** As `IndexWriter.plan` wants it of the version before. */
  readonly packed: Uint8Array | undefined;
  /** The version that the commit found is under its account's own key. */
  readonly wasProtected: boolean;
}

/** A resource that a commit writes, with what its last version of the commit is found by. */
export interface IndexedState extends ResourceState {
  readonly type: string;
  readonly id: string;
  readonly account: string;
  /** Undefined for a deletion. */
  readonly found: { readonly scope: Scope; readonly entries: IndexEntries; readonly isProtected: boolean } | undefined;
  /** Numbers of resources that the entries link to, as they were read. */
  readonly linked: ReadonlyMap<string, number>;
}
