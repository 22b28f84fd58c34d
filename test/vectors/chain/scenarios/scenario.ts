import type { TestChain } from '../../../support/test-chain.ts';

/** What a vector is made from: a chain that has run. */
export interface Scenario {
  readonly about: string;
  /** Names of contracts.ts. */
  readonly contracts: readonly string[];
  run(): TestChain;
}
