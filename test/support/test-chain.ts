import assert from 'node:assert/strict';
import type { Block, Head, Misbehaviour, Outcome } from '../../src/chain/block.ts';
import type { Contract, RuleSet } from '../../src/chain/contract.ts';
import { createKernel } from '../../src/chain/kernel.ts';
import type { Executed, Kernel, SignatureTask } from '../../src/chain/kernel-api.ts';
import { checkSignature } from '../../src/chain/signature.ts';
import { buildBody, encodeTransaction, type Message, signBytes } from '../../src/chain/transaction.ts';
import { verifyEd25519Sync } from '../../src/crypto/node/ed25519.ts';
import { verifyEs256Sync } from '../../src/crypto/node/es256.ts';
import { createMemoryStore } from '../../src/state/memory-store.ts';
import type { KvReader } from '../../src/state/store.ts';
import type { StateReader } from '../../src/state/typed-map.ts';
import type { JsonObject } from '../../src/std/canonical-json.ts';
import { withoutAmbient } from './ambient.ts';
import { type TestSigner, testSigner } from './test-signer.ts';

export interface TestChainOptions {
  readonly contracts: readonly Contract[];
  /** Sections of genesis by capability, and what of the rest a test wants otherwise. */
  readonly genesis?: {
    readonly sections?: Readonly<Record<string, JsonObject>>;
    readonly limits?: Readonly<Record<string, number>>;
    /** Rule versions from the start; the newest of each contract unless given. */
    readonly rules?: readonly { readonly capability: string; readonly version: number }[];
    readonly createdMs?: number;
  };
  /** Called with what a contract threw that is no Reject; unless given, such a fault fails the test. */
  readonly onInternalError?: (error: unknown, what: string) => void;
}

export interface SubmitOptions {
  readonly by: TestSigner;
  readonly approvers?: readonly TestSigner[];
  readonly validityMs?: number;
}

/** A ledger of one process over the memory store, through the real kernel and real signatures. */
export interface TestChain {
  readonly kernel: Kernel;
  readonly genesis: JsonObject;
  readonly genesisHash: string;
  readonly store: KvReader;
  /** State at the latest block. */
  readonly state: StateReader;
  readonly head: Head;
  readonly timeMs: number;
  readonly blocks: readonly Block[];
  /** Exact bytes of all log leaves. */
  readonly leaves: readonly Uint8Array[];
  /** Signs a message and runs it in a block of its own. */
  submit(message: Message, options: SubmitOptions): Outcome;
  /** Signed wire bytes, not run. */
  wire(message: Message, options: SubmitOptions): Uint8Array;
  /** Runs a block of wires at the present time. */
  block(wires: readonly Uint8Array[], misbehaviour?: readonly Misbehaviour[]): Executed;
  /** Moves block time forward. */
  advance(ms: number): void;
}

/**
 * Every block is executed twice and must come out the same, and while a contract runs the clock, randomness, locale
 * and I/O of the process are traps that fail the test.
 */
export function createTestChain(options: TestChainOptions): TestChain {
  const { genesis: given = {} } = options;
  const contracts = options.contracts.map(fence);
  const rules = given.rules ?? contracts.map(({ name, ruleSets }) => ({ capability: name, version: newest(ruleSets) }));
  const genesis: JsonObject = {
    format: 'aceso.genesis/1',
    name: 'test',
    createdMs: given.createdMs ?? 1_700_000_000_000,
    operator: { kind: 'embedded', publicKey: testSigner('operator').record.publicKey },
    sections: { chain: { limits: given.limits ?? {}, rules }, ...given.sections },
  };
  const onInternalError =
    options.onInternalError ??
    ((error) => {
      throw new RangeError('a contract threw what is no Reject', { cause: error });
    });
  const kernel = createKernel({ genesis, contracts, verifySignature, onInternalError });
  const store = createMemoryStore();
  store.apply(kernel.initialise().writes);
  const blocks: Block[] = [];
  const leaves: Uint8Array[] = [];
  let timeMs = kernel.timeMs(store) as number;
  let nonce = 0;

  function wire(message: Message, { by, approvers = [], validityMs = 60_000 }: SubmitOptions): Uint8Array {
    nonce += 1;
    return signWire({
      chain: kernel.genesisHash,
      message,
      nonce,
      notAfterMs: timeMs + validityMs,
      signers: [by, ...approvers],
    });
  }

  function block(transactions: readonly Uint8Array[], misbehaviour: readonly Misbehaviour[] = []): Executed {
    const height = (kernel.head(store) as Head).height + 1;
    const next: Block = { height, timeMs, transactions, misbehaviour };
    const executed = kernel.execute(store, next);
    assert.deepEqual(kernel.execute(store, next), executed, 'a block executed again came out otherwise');
    store.apply(executed.writes);
    blocks.push(next);
    leaves.push(...executed.leaves);
    return executed;
  }

  return {
    kernel,
    genesis,
    genesisHash: kernel.genesisHash,
    store,
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
    submit: (message, submitOptions) => block([wire(message, submitOptions)]).outcomes[0] as Outcome,
    wire,
    block,
    advance(ms) {
      timeMs += ms;
    },
  };
}

/** Wire bytes of a message signed by `signers`, the sender first. */
export function signWire(parts: {
  readonly chain: string;
  readonly message: Message;
  readonly nonce: number;
  readonly notAfterMs: number;
  readonly signers: readonly TestSigner[];
}): Uint8Array {
  const body = buildBody({
    chain: parts.chain,
    nonce: parts.nonce.toString(16).padStart(32, '0'),
    notAfterMs: parts.notAfterMs,
    signers: parts.signers.map(({ account, keyId }, at) => ({
      account,
      key: keyId,
      role: at === 0 ? 'sender' : 'approver',
    })),
    message: parts.message,
  });
  const bytes = signBytes(body);
  return encodeTransaction(
    body,
    parts.signers.map((signer) => signer.sign(bytes)),
  );
}

/** Checks a signature with node:crypto. */
export function verifySignature(task: SignatureTask): boolean {
  return checkSignature(task, { verifyEd25519: verifyEd25519Sync, verifyEs256: verifyEs256Sync });
}

function newest(ruleSets: readonly RuleSet[]): number {
  return Math.max(...ruleSets.map(({ version }) => version));
}

/** The contract with every function of it behind traps. */
function fence(contract: Contract): Contract {
  const ruleSets = contract.ruleSets.map(
    ({ version, messages, misbehaviour }): RuleSet => ({
      version,
      messages: Object.fromEntries(
        Object.entries(messages).map(([type, rule]) => {
          const { handle, introduces } = rule;
          return [
            type,
            {
              ...rule,
              handle: (context: Parameters<typeof handle>[0]) => withoutAmbient(() => handle.call(rule, context)),
              ...(introduces === undefined
                ? {}
                : {
                    introduces: (message: Parameters<typeof introduces>[0]) =>
                      withoutAmbient(() => introduces.call(rule, message)),
                  }),
            },
          ];
        }),
      ),
      ...(misbehaviour === undefined
        ? {}
        : { misbehaviour: (...given) => withoutAmbient(() => misbehaviour.apply(contract, given)) }),
    }),
  );
  const { genesis } = contract;
  return {
    ...contract,
    ruleSets,
    ...(genesis === undefined ? {} : { genesis: (...given) => withoutAmbient(() => genesis.apply(contract, given)) }),
  };
}
