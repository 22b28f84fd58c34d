import { sha256 } from '#crypto/platform';
import { appendLog } from '../state/log.ts';
import { logLeafHash } from '../state/log-proof.ts';
import { createOverlay, type Overlay } from '../state/overlay.ts';
import type { KvReader } from '../state/store.ts';
import { createStateReader, createStateWriter, touches } from '../state/typed-state.ts';
import { bytesToHex, equalBytes } from '../std/bytes.ts';
import type { JsonObject } from '../std/canonical-json.ts';
import type { Block, Head, Outcome } from './block.ts';
import { openBudgets } from './budget.ts';
import { createCheck } from './check.ts';
import { type CODES, reject } from './codes.ts';
import type { Contract } from './contract.ts';
import { type BlockRun, type Ran, runTransaction } from './dispatch.ts';
import { isHalting } from './fault.ts';
import { genesisHash as hashGenesis, parseGenesis } from './genesis.ts';
import { executeGenesis, requireKnownRules } from './genesis-state.ts';
import { guardStore } from './guarded-store.ts';
import { commitTree, LOG_PREFIX, readHead, readTimeMs, sealBlock } from './head-store.ts';
import type { Executed, Kernel, SignatureTask } from './kernel-api.ts';
import { blockLeafToBytes, outcomeLeafToBytes } from './leaf.ts';
import { withDefaults } from './limits.ts';
import { createRegistry, type Registry } from './registry.ts';
import { createReplayWindow } from './replay-window.ts';
import { readActivations } from './rules.ts';
import { parseTransaction, type Transaction } from './transaction.ts';
import { noteValidators, validators } from './validators.ts';

export interface KernelOptions {
  /** Canonical genesis document (genesis.ts). */
  readonly genesis: JsonObject;
  readonly contracts: readonly Contract[];
  /** Checks one signature, with node:crypto and nothing else on the consensus path (signature.ts). */
  readonly verifySignature: (task: SignatureTask) => boolean;
  /** Told of faults in contracts; the outcome says INTERNAL and no more. `what` is a message type or a contract. */
  readonly onInternalError?: (error: unknown, what: string) => void;
}

/**
 * The state machine behind both hosts. Wire bytes handed to `check` and `execute` are not to be changed afterwards.
 * Throws Reject GENESIS_MALFORMED, and TypeError when two contracts claim the same thing.
 */
export function createKernel(options: KernelOptions): Kernel {
  const registry = createRegistry(options.contracts);
  const genesis = parseGenesis(options.genesis);
  if (genesis === undefined) throw reject('GENESIS_MALFORMED');
  requireKnownRules(genesis, registry);
  const genesisHash = hashGenesis(genesis);
  const limits = withDefaults(genesis.sections.chain.limits);
  const window = createReplayWindow();
  const check = createCheck({ genesisHash, registry, limits, window });
  const parse = createParser();
  const onInternalError = options.onInternalError ?? (() => undefined);
  const { verifySignature } = options;

  function execute(
    store: KvReader,
    block: Block,
    isVerified: Parameters<Kernel['execute']>[2] = () => false,
  ): Executed {
    const base = guardStore(store);
    const head = requireNext(base, block);
    const header = { height: block.height, timeMs: block.timeMs };
    const overlay = createOverlay(base);
    window.beginBlock(block.height, block.timeMs);
    const state = createStateReader(overlay);
    const activations = readActivations(state);
    const run: BlockRun = {
      genesisHash,
      block: header,
      overlay,
      // The rules of a block are those of the state before it.
      rules: registry.inForce(activations, block.height),
      limits,
      budgets: openBudgets(() => state, block.timeMs, limits),
      window,
      holds: (id, task) => isVerified(id, task) || verifySignature(task),
      onInternalError,
    };
    reportMisbehaviour(registry.active(activations, block.height), overlay, block, onInternalError);
    const outcomes: Outcome[] = [];
    const leaves: Uint8Array[] = [];
    for (const [index, wire] of block.transactions.entries()) {
      const transaction = parse(wire);
      const id = transaction?.id ?? bytesToHex(sha256(wire));
      const { code, data, dataText, signers } =
        transaction === undefined ? MALFORMED : runTransaction(run, transaction);
      outcomes.push({ id, code, data });
      leaves.push(outcomeLeafToBytes({ ...header, id, index, signers, code, data }, dataText));
    }
    run.budgets.write(createStateWriter(overlay));
    return seal(base, head, block, overlay, outcomes, leaves);
  }

  /** Tree once for the block, then the log: the block's leaf names the tree's root. */
  function seal(
    base: KvReader,
    head: Head,
    block: Block,
    overlay: Overlay,
    outcomes: Outcome[],
    leaves: Uint8Array[],
  ): Executed {
    const { height, timeMs } = block;
    const validatorUpdates = touches(overlay, validators) ? noteValidators(createStateWriter(overlay), height) : [];
    const tree = commitTree(base, overlay);
    // A block that holds nothing changes nothing: no leaf, so the same app hash.
    if (block.transactions.length > 0 || block.misbehaviour.length > 0) {
      leaves.push(blockLeafToBytes({ height, timeMs, treeRoot: bytesToHex(tree.root) }));
    }
    const log = appendLog(base, LOG_PREFIX, head.logSize, leaves.map(logLeafHash));
    const writes = [overlay.writes(), tree.writes, log.writes];
    const sealed = sealBlock({ genesis: genesisHash, block, treeRoot: tree.root, log, writes });
    return { ...sealed, outcomes, leaves, validatorUpdates };
  }

  return {
    genesisHash,
    genesisHeight: genesis.previous?.head.height ?? 0,
    initialise: (carried) => executeGenesis(genesis, registry, carried),
    head: readHead,
    timeMs: readTimeMs,
    remember(ids) {
      for (const { id, timeMs } of ids) window.remember(id, timeMs);
    },
    execute,
    check(store, wire, nowMs) {
      const transaction = parse(wire);
      if (transaction === undefined) throw reject('TRANSACTION_MALFORMED');
      return check(store, transaction, nowMs);
    },
    state: createStateReader,
    query(store, name, argument) {
      const query = registry.query(name);
      if (query === undefined) throw reject('QUERY_UNKNOWN');
      return query(createStateReader(store), argument);
    },
  };
}

const MALFORMED: Ran = {
  code: 'TRANSACTION_MALFORMED' satisfies keyof typeof CODES,
  data: {},
  dataText: '{}',
  signers: [],
};

/** The head below the block. A block that does not follow it is the host's fault, not an outcome. */
function requireNext(store: KvReader, { height, timeMs }: Block): Head {
  const head = readHead(store);
  if (head === undefined) throw new Error('the store is empty: initialise it first');
  if (height !== head.height + 1) throw new Error(`block ${height} does not follow ${head.height}`);
  if (!Number.isSafeInteger(timeMs) || timeMs < (readTimeMs(store) ?? 0))
    throw new Error(`block ${height}: its time goes back`);
  return head;
}

/** Each contract's answer to misbehaviour by the rules in force, over a layer of its own: a fault in one leaves no writes. */
function reportMisbehaviour(
  active: ReturnType<Registry['active']>,
  overlay: Overlay,
  { height, timeMs, misbehaviour }: Block,
  onInternalError: (error: unknown, what: string) => void,
): void {
  if (misbehaviour.length === 0) return;
  for (const { name, rules } of active) {
    const layer = createOverlay(overlay);
    try {
      rules.misbehaviour?.(createStateWriter(layer), { height, timeMs }, misbehaviour);
      for (const [key, value] of layer.writes()) overlay.set(key, value);
    } catch (error) {
      if (isHalting(error)) throw error;
      onInternalError(error, name);
    }
  }
}

/**
 * Parses a wire once for `check` and `execute`, as long as the host hands over the same array. Comparing it with the
 * transaction's own copy guards against one that was written to in between: what runs is always what the block holds.
 */
function createParser(): (wire: Uint8Array) => Transaction | undefined {
  const parsed = new WeakMap<Uint8Array, Transaction>();
  return (wire) => {
    const known = parsed.get(wire);
    if (known !== undefined && equalBytes(known.wire, wire)) return known;
    const transaction = parseTransaction(wire);
    if (transaction !== undefined) parsed.set(wire, transaction);
    return transaction;
  };
}
