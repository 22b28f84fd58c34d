import { reject } from '../../chain/codes.ts';
import { sealBlock } from '../../chain/head-store.ts';
import type { Kernel } from '../../chain/kernel-api.ts';
import { EMPTY_LOG_ROOT } from '../../state/log-proof.ts';
import type { KvReader } from '../../state/store.ts';
import { EMPTY_TREE_ROOT } from '../../state/tree-proof.ts';
import { isReject } from '../../std/reject.ts';
import type { StateSource, WriteRows } from './state-store.ts';

/** Rows that are taken away at once. */
const DROP_ROWS = 10_000;

/**
 * Block 0 as a source: over the last state of the ledger that genesis carries on, or over its log alone where the state
 * begins anew, or over nothing. Rejects with GENESIS_STATE_MISSING or GENESIS_STATE_DIFFERS, and what `carried` throws.
 */
export function genesisSource(kernel: Kernel, carried: StateSource | undefined): StateSource {
  if (carried === undefined) {
    return {
      rows: none(),
      prove: async () => {},
      entries: none,
      finish() {
        const { head, writes } = kernel.initialise();
        return { height: head.height, writes };
      },
    };
  }
  const { rows, entries } = carried;
  return {
    rows,
    entries,
    async prove(loaded, write) {
      await carried.prove(loaded, write);
      requireSameLog(kernel, loaded);
      if (!carriesState(kernel)) await dropState(loaded, write);
    },
    finish(loaded) {
      const before = carried.finish(loaded);
      // The block time of the old head is among them.
      const { head, writes } = kernel.initialise({
        ...loaded,
        get: (key) => before.writes.get(key) ?? loaded.get(key),
      });
      return { height: head.height, writes: new Map([...before.writes, ...writes]) };
    },
  };
}

/**
 * For a node that joins a ledger whose genesis carries a state on, and lacks that one: nothing, at the height of block 0,
 * until the state of a later height is restored. It is never kept: the next start finds an empty store again.
 */
export function awaitedSource({ genesisHash, genesisHeight }: Kernel): StateSource {
  const { writes } = sealBlock({
    genesis: genesisHash,
    block: { height: genesisHeight, timeMs: 0 },
    treeRoot: EMPTY_TREE_ROOT,
    log: { size: 0, root: EMPTY_LOG_ROOT },
    writes: [],
  });
  return { rows: none(), prove: async () => {}, entries: none, finish: () => ({ height: undefined, writes }) };
}

async function* none(): AsyncGenerator<never> {}

/** Whether genesis carries a state on that is not written in it. */
export function carriesState(kernel: Kernel): boolean {
  try {
    kernel.initialise();
    return false;
  } catch (error) {
    if (isReject(error) && error.code === 'GENESIS_STATE_MISSING') return true;
    throw error;
  }
}

/** Said before the entries are read, which may take long. The kernel compares the rest of a state that goes on. */
function requireSameLog(kernel: Kernel, loaded: KvReader): void {
  const [begun, before] = [kernel.initialise(loaded).head, kernel.head(loaded)];
  const isSame =
    before?.height === begun.height && before.logSize === begun.logSize && before.logRoot === begun.logRoot;
  if (!isSame) throw reject('GENESIS_STATE_DIFFERS');
}

/** Takes away the rows of the state and of its tree, so that it begins anew; the log stays. */
async function dropState(loaded: KvReader, write: WriteRows): Promise<void> {
  for (const [from, to] of [
    ['s/', 's0'],
    ['t/', 't0'],
  ] as const) {
    for (;;) {
      const writes = new Map<string, null>();
      for (const [key] of loaded.range(from, to)) {
        writes.set(key, null);
        if (writes.size === DROP_ROWS) break;
      }
      if (writes.size === 0) break;
      await write(writes);
    }
  }
}
