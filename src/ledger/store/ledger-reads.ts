import type { Head } from '../../chain/block.ts';
import type { Kernel } from '../../chain/kernel-api.ts';
import type { JsonObject } from '../../std/canonical-json.ts';
import type { Ledger } from '../ledger.ts';
import type { CommittedChain } from './committed-chain.ts';
import type { Snapshot } from './state-store.ts';

type Reads = Pick<
  Ledger,
  'genesisHash' | 'genesis' | 'head' | 'find' | 'read' | 'query' | 'blocks' | 'leaf' | 'wire' | 'subscribe'
>;

/** The part of a ledger that only reads what is committed: the same for the node that orders and those that follow. */
export function ledgerReads(chain: CommittedChain, kernel: Kernel, genesis: JsonObject, now: () => Snapshot): Reads {
  return {
    genesisHash: kernel.genesisHash,
    genesis,
    head: () => chain.head(),
    find: async (id) => chain.find(id),
    read() {
      const store = chain.snapshot();
      const head = kernel.head(store) as Head;
      return {
        state: kernel.state(store),
        store,
        head,
        timeMs: kernel.timeMs(store) ?? 0,
        release: () => store.release(),
      };
    },
    query: (name, argument) => kernel.query(now(), name, argument),
    async *blocks(fromHeight) {
      for await (const { block } of chain.stored(fromHeight)) yield block;
    },
    leaf: async (index) => chain.leaf(index),
    wire: (committed) => chain.wire(committed),
    subscribe: (listener) => chain.subscribe(listener),
  };
}
