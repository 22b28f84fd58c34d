import type { Block } from '../../src/chain/block.ts';
import { createKernel as createSoundKernel, type KernelOptions } from '../../src/chain/kernel.ts';
import type { Executed, Kernel } from '../../src/chain/kernel-api.ts';
import { outcomeLeafToBytes, parseLeaf } from '../../src/chain/leaf.ts';

/**
 * What a node tells of what it executed, and how it lies. `outcome`: the leaves that it keeps and shows to clients say
 * something else than what it executed, while its votes are honest. `app-hash`: it executes each block as of a
 * millisecond later, a history that is false and agrees with itself, down to the app hash that it tells its engine.
 */
export const observation: {
  lie: 'none' | 'outcome' | 'app-hash';
  onExecuted(height: number, appHash: string): void;
} = { lie: 'none', onExecuted() {} };

/** In place of the kernel's own in a node that is watched: the same, told. */
export function createKernel(options: KernelOptions): Kernel {
  const kernel = createSoundKernel(options);
  return {
    ...kernel,
    execute(store, block, isVerified) {
      const executed = executeAs(kernel, store, block, isVerified);
      observation.onExecuted(executed.head.height, executed.head.appHash);
      return executed;
    },
  };
}

function executeAs(kernel: Kernel, ...[store, block, isVerified]: Parameters<Kernel['execute']>): Executed {
  if (observation.lie === 'app-hash') return kernel.execute(store, later(block), isVerified);
  const executed = kernel.execute(store, block, isVerified);
  return observation.lie === 'outcome' ? { ...executed, leaves: executed.leaves.map(bent) } : executed;
}

function later(block: Block): Block {
  return { ...block, timeMs: block.timeMs + 1 };
}

function bent(bytes: Uint8Array): Uint8Array {
  const leaf = parseLeaf(bytes);
  return leaf?.kind === 'outcome' ? outcomeLeafToBytes({ ...leaf, data: { ...leaf.data, bent: 'yes' } }) : bytes;
}
