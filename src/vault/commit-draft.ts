import type { Change } from './database/connection.ts';
import type { KeyDraft } from './key-store.ts';
import type { IndexedState } from './resource-state.ts';

/** The journal as a commit extends it. */
export interface JournalTail {
  readonly generation: number;
  /** Adds a leaf; returns its index. */
  push(leaf: Uint8Array): number;
}

/**
 * What a commit gathers before anything of it is written. What calls of the same commit have to know of each other is
 * here, in memory: rows that are not committed are nowhere to be read.
 */
export interface Draft {
  readonly journal: JournalTail;
  readonly keys: KeyDraft;
  /** Resources as the commit leaves them, by `Type/id`. */
  readonly resources: Map<string, IndexedState>;
  /** Permits that a release of this commit uses. */
  readonly permits: Set<string>;
  /** Rows of different tables and keys are sent in any order; each row once. */
  add(...changes: readonly Change[]): void;
  /** A row that several calls of one commit may change: the last one of a name is written. */
  set(name: string, change: Change): void;
  /** Runs once reads see it. */
  afterwards(run: () => void): void;
}

/** A draft with what its commit takes from it. */
export interface OpenDraft extends Draft {
  readonly leaves: readonly Uint8Array[];
  /** All changes of the vault, those of one statement together, so that PostgreSQL takes them as one. */
  changes(): readonly Change[];
  /** To be called once reads see it; `keys` are adopted as soon as they are on their way. */
  adopt(): void;
}

export function createDraft(stands: { generation: number; size: number; keys: KeyDraft }): OpenDraft {
  const leaves: Uint8Array[] = [];
  const added: Change[] = [];
  const named = new Map<string, Change>();
  const runs: (() => void)[] = [];
  return {
    journal: { generation: stands.generation, push: (leaf) => stands.size + leaves.push(leaf) - 1 },
    keys: stands.keys,
    resources: new Map(),
    permits: new Set(),
    leaves,
    add: (...changes) => void added.push(...changes),
    set: (name, change) => void named.set(name, change),
    afterwards: (run) => void runs.push(run),
    changes: () => grouped([...added, ...named.values()]),
    adopt() {
      for (const run of runs) run();
    },
  };
}

/** Statements in the order in which they first come, each with its rows in their order. */
function grouped(changes: readonly Change[]): Change[] {
  const groups = new Map<Change['statement'], Change[]>();
  for (const change of changes) {
    const group = groups.get(change.statement);
    if (group === undefined) groups.set(change.statement, [change]);
    else group.push(change);
  }
  return [...groups.values()].flat();
}
