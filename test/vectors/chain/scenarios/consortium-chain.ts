import assert from 'node:assert/strict';
import { membershipContract } from '../../../../src/capabilities/membership/contract/contract.ts';
import { isActiveMember } from '../../../../src/capabilities/membership/contract/queries.ts';
import type { Block, Head, Misbehaviour, Outcome } from '../../../../src/chain/block.ts';
import { createKernel } from '../../../../src/chain/kernel.ts';
import type { Executed } from '../../../../src/chain/kernel-api.ts';
import type { Message } from '../../../../src/chain/transaction.ts';
import { createMemoryStore } from '../../../../src/state/memory-store.ts';
import type { JsonObject } from '../../../../src/std/canonical-json.ts';
import { withoutAmbient } from '../../../support/ambient.ts';
import { type SubmitOptions, signWire, type TestChain, verifySignature } from '../../../support/test-chain.ts';
import { memberOf } from '../../../support/test-members.ts';
import { type TestSigner, testAccount, testSigner } from '../../../support/test-signer.ts';

const BLOCK_BYTES = 1024 * 1024;

/** The validator of a member by label, as genesis and a vote name it; another `key` gives another public key. */
export function validatorOf(label: string, power = 10, key = 'validator') {
  const { publicKey } = testSigner(label, key).record;
  return { account: testAccount(label), publicKey, node: testSigner(label, 'node').record.publicKey.slice(0, 40), power };
}

/** A consortium's test chain: every founder is a member and a validator. */
export interface ConsortiumChain extends TestChain {
  /** What block 0 came to. */
  readonly initial: Executed;
  /** Proposes as the first of `voters`, the founders unless given; so many members of them as it takes approve it in one block. */
  decide(message: Message, voters?: readonly string[]): Executed;
}

/**
 * The ledger of a consortium with the power of each founder. As on every test chain each block runs twice and comes out
 * the same; here all of the kernel runs behind the traps.
 */
export function createConsortiumChain(founders: Readonly<Record<string, number>>, version = 2): ConsortiumChain {
  const labels = Object.keys(founders);
  const genesis: JsonObject = {
    format: 'aceso.genesis/1',
    name: 'test consortium',
    createdMs: 1_700_000_000_000,
    operator: {
      kind: 'cometbft',
      validators: labels.map((label) => validatorOf(label, founders[label])),
      blockBytes: BLOCK_BYTES,
    },
    sections: {
      chain: { limits: {}, rules: [{ capability: 'membership', version }] },
      membership: { members: labels.map((label) => memberOf(label)) },
    },
  };
  const onInternalError = (error: unknown): never => {
    throw new RangeError('a contract threw what is no Reject', { cause: error });
  };
  const kernel = createKernel({ genesis, contracts: [membershipContract], verifySignature, onInternalError });
  const store = createMemoryStore();
  const initial = withoutAmbient(() => kernel.initialise());
  store.apply(initial.writes);
  const blocks: Block[] = [];
  const leaves: Uint8Array[] = [];
  let timeMs = kernel.timeMs(store) as number;
  let nonce = 0;

  function wire(message: Message, { by, approvers = [], validityMs = 60_000 }: SubmitOptions): Uint8Array {
    nonce += 1;
    const signers = [by, ...approvers];
    return signWire({ chain: kernel.genesisHash, message, nonce, notAfterMs: timeMs + validityMs, signers });
  }

  function block(transactions: readonly Uint8Array[], misbehaviour: readonly Misbehaviour[] = []): Executed {
    const height = (kernel.head(store) as Head).height + 1;
    const next: Block = { height, timeMs, transactions, misbehaviour };
    const executed = withoutAmbient(() => kernel.execute(store, next));
    assert.deepEqual(kernel.execute(store, next), executed, 'a block executed again came out otherwise');
    store.apply(executed.writes);
    blocks.push(next);
    leaves.push(...executed.leaves);
    return executed;
  }

  function decide(message: Message, voters: readonly string[] = labels): Executed {
    const [first, ...others] = voters.map((label) => testSigner(label));
    const proposed = block([wire(message, { by: first as TestSigner })]);
    const { id, code, data } = proposed.outcomes[0] as Outcome;
    if (code !== 'OK' || data.executed === true) return proposed;
    const present = others.filter(({ account }) => isActiveMember(kernel.state(store), account));
    const missing = present.slice(0, (data.needed as number) - (data.votes as number));
    return block(missing.map((by) => wire({ type: 'membership.approve', proposal: id }, { by })));
  }

  return {
    kernel,
    genesis,
    genesisHash: kernel.genesisHash,
    store,
    initial,
    get state() {
      return kernel.state(store);
    },
    get head() {
      return kernel.head(store) as Head;
    },
    get timeMs() {
      return timeMs;
    },
    blocks,
    leaves,
    submit: (message, options) => block([wire(message, options)]).outcomes[0] as Outcome,
    wire,
    block,
    decide,
    advance(ms) {
      timeMs += ms;
    },
  };
}
