import assert from 'node:assert/strict';
import type { Block, Head } from '../../src/chain/block.ts';
import { chainIdOf } from '../../src/chain/chain-id.ts';
import type { Kernel } from '../../src/chain/kernel-api.ts';
import type { SetChange } from '../../src/chain/receipt/validator-walk.ts';
import type { Committed, Ledger } from '../../src/ledger/ledger.ts';
import { createMemoryStore } from '../../src/state/memory-store.ts';
import type { JsonObject } from '../../src/std/canonical-json.ts';
import { setOf, type TestValidator, testLightBlock } from './cometbft-signer.ts';

export interface CometBftLedgerOptions {
  readonly kernel: Kernel;
  readonly genesis: JsonObject;
  /** Validators by the height of the block that made them the set; those of genesis at 0. */
  readonly sets: Readonly<Record<number, readonly TestValidator[]>>;
  /** Who of a set votes; the first three unless given. */
  readonly voters?: (set: readonly TestValidator[]) => readonly TestValidator[];
  readonly cosign: (head: Head) => readonly JsonObject[];
}

/** A ledger over the memory store whose heads a made-up set of validators proves: a block for each transaction. */
export function createCometBftLedger(options: CometBftLedgerOptions): Ledger {
  const {
    kernel,
    genesis,
    sets,
    cosign,
    voters = (set) => set.slice(0, Math.floor((set.length * 2) / 3) + 1),
  } = options;
  const chainId = chainIdOf(kernel.genesisHash);
  const store = createMemoryStore();
  const initial = kernel.initialise();
  store.apply(initial.writes);
  const heads = [initial.head];
  const leaves: Uint8Array[] = [];
  const blocks: Block[] = [];
  const committed = new Map<string, Committed>();

  /** The set that votes at a height: the newest that a block at least two below it made. */
  function setAt(height: number): readonly TestValidator[] {
    const made = Object.keys(sets)
      .map(Number)
      .filter((at) => at <= Math.max(0, height - 2));
    return sets[Math.max(...made)] as readonly TestValidator[];
  }

  function lightBlock(height: number) {
    const [set, nextSet] = [setAt(height), setAt(height + 1)];
    const appHash = heads[height - 1]?.appHash ?? '';
    return testLightBlock({ chainId, height, set, nextSet, appHash }, voters(set));
  }

  function changesBefore(height: number): SetChange[] {
    const made = Object.keys(sets)
      .map(Number)
      .filter((at) => at > 0 && at + 1 < height);
    return made.map((at) => ({ ...lightBlock(at + 1), validators: setOf(sets[at] as readonly TestValidator[]) }));
  }

  const head = (): Head => heads.at(-1) as Head;
  const timeMs = (): number => kernel.timeMs(store) as number;

  return {
    genesisHash: kernel.genesisHash,
    genesis,
    head: () => ({ ...head(), timeMs: timeMs() }),
    async signedHead() {
      const height = head().height + 1;
      const commit = { kind: 'cometbft', ...lightBlock(height), changes: changesBefore(height) };
      return { head: head(), commit, cosignatures: cosign(head()) };
    },
    async submit(wire) {
      const block: Block = { height: head().height + 1, timeMs: Date.now(), transactions: [wire], misbehaviour: [] };
      const leafIndex = head().logSize;
      const executed = kernel.execute(store, block);
      store.apply(executed.writes);
      heads.push(executed.head);
      blocks.push(block);
      leaves.push(...executed.leaves);
      const [outcome] = executed.outcomes;
      assert.ok(outcome);
      const place = { outcome, height: block.height, index: 0, timeMs: block.timeMs, leafIndex };
      committed.set(outcome.id, place);
      return place;
    },
    find: async (id) => committed.get(id),
    read: () => ({ state: kernel.state(store), store, head: head(), timeMs: timeMs(), release() {} }),
    query: (name, argument) => kernel.query(store, name, argument),
    async *blocks(fromHeight) {
      yield* blocks.slice(fromHeight - 1);
    },
    leaf: async (index) => leaves[index],
    wire: async ({ height, index }) => blocks[height - 1]?.transactions[index],
    subscribe: () => () => undefined,
    health: () => ({ status: 'ok' }),
    async close() {},
  };
}
