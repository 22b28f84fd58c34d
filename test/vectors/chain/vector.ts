import type { Block, Misbehaviour } from '../../../src/chain/block.ts';
import type { Contract } from '../../../src/chain/contract.ts';
import { createKernel } from '../../../src/chain/kernel.ts';
import { base64urlToBytes, bytesToBase64url } from '../../../src/std/bytes.ts';
import type { JsonObject } from '../../../src/std/canonical-json.ts';
import { createMemoryStore } from '../../../src/state/memory-store.ts';
import { verifySignature } from '../../support/test-chain.ts';

/** A block as a vector keeps it: what went in, and every root that came out. */
export interface VectorBlock {
  readonly timeMs: number;
  /** Wire bytes, base64url. */
  readonly transactions: readonly string[];
  readonly misbehaviour: readonly Misbehaviour[];
  readonly codes: readonly string[];
  readonly logSize: number;
  readonly logRoot: string;
  readonly appHash: string;
}

/** A committed block list. No commit may change one: the ledgers that ran those rules exist. */
export interface Vector {
  readonly about: string;
  /** Names of contracts.ts. */
  readonly contracts: readonly string[];
  readonly genesis: JsonObject;
  readonly genesisAppHash: string;
  readonly blocks: readonly VectorBlock[];
}

type Input = Pick<Vector, 'genesis'> & { readonly blocks: readonly Pick<VectorBlock, 'timeMs' | 'transactions' | 'misbehaviour'>[] };

/** Runs a block list from its genesis on a new kernel: the roots after each block, as a vector keeps them. */
export function replay(contracts: readonly Contract[], { genesis, blocks }: Input): Pick<Vector, 'genesisAppHash' | 'blocks'> {
  const kernel = createKernel({ genesis, contracts, verifySignature });
  const store = createMemoryStore();
  const initial = kernel.initialise();
  store.apply(initial.writes);
  let height = initial.head.height;
  const results = blocks.map(({ timeMs, transactions, misbehaviour }) => {
    height += 1;
    const wires = transactions.map((text) => base64urlToBytes(text) as Uint8Array);
    const { head, outcomes, writes } = kernel.execute(store, { height, timeMs, transactions: wires, misbehaviour });
    store.apply(writes);
    const { logSize, logRoot, appHash } = head;
    return { timeMs, transactions, misbehaviour, codes: outcomes.map(({ code }) => code), logSize, logRoot, appHash };
  });
  return { genesisAppHash: initial.head.appHash, blocks: results };
}

/** Blocks of a test chain, as `replay` takes them. */
export function blocksToInput(blocks: readonly Block[]): Input['blocks'] {
  return blocks.map(({ timeMs, transactions, misbehaviour }) => ({ timeMs, transactions: transactions.map(bytesToBase64url), misbehaviour }));
}
