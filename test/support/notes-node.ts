import type { Block } from '../../src/chain/block.ts';
import type { Executed, Kernel } from '../../src/chain/kernel-api.ts';
import { type CommittedChain, openCommittedChain } from '../../src/ledger/store/committed-chain.ts';
import type { StateSource } from '../../src/ledger/store/state-store.ts';
import type { JsonObject } from '../../src/std/canonical-json.ts';
import { notesKernel, silentLog } from './test-ledger.ts';

/** A chain of notes on a folder, whose blocks a test makes itself. */
export interface NotesNode {
  readonly chain: CommittedChain;
  readonly kernel: Kernel;
  /** Executes and commits the next block. */
  block(wires: readonly Uint8Array[], timeMs: number): Promise<Executed>;
  close(): Promise<void>;
}

export async function openNotesNode(
  folder: string,
  genesis: JsonObject,
  carried?: () => StateSource,
  awaitsState = false,
): Promise<NotesNode> {
  const kernel = notesKernel(genesis);
  const chain = await openCommittedChain({
    folder,
    kernel,
    log: silentLog,
    awaitsState,
    ...(carried === undefined ? {} : { carried }),
  });
  return {
    chain,
    kernel,
    async block(transactions, timeMs) {
      const block: Block = { height: chain.head().height + 1, timeMs, transactions, misbehaviour: [] };
      const snapshot = chain.snapshot();
      const executed = kernel.execute(snapshot, block);
      snapshot.release();
      await chain.commit(block, executed, '');
      return executed;
    },
    close: () => chain.close(),
  };
}

/** The operator of a consortium of one, as genesis names it. */
export const SOLE_VALIDATOR = {
  account: 'a'.repeat(32),
  publicKey: 'b'.repeat(64),
  power: 10,
  node: 'c'.repeat(40),
} as const;

export function consortiumOperator(): JsonObject {
  return { kind: 'cometbft', validators: [SOLE_VALIDATOR], blockBytes: 1024 * 1024 };
}
