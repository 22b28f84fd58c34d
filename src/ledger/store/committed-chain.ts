import { join } from 'node:path';
import type { Block, Head, Outcome } from '../../chain/block.ts';
import type { Executed, Kernel } from '../../chain/kernel-api.ts';
import { parseLeaf, rememberedIds } from '../../chain/leaf.ts';
import { REPLAY_WINDOW_MS } from '../../chain/transaction.ts';
import { canonicalText, type Json } from '../../std/canonical-json.ts';
import { rejecter } from '../../std/reject.ts';
import { CODES } from '../codes.ts';
import type { Committed } from '../ledger.ts';
import type { AppendFolder } from './append-folder.ts';
import { type BlockLog, type CutTail, openBlockLog } from './block-log.ts';
import type { StoredBlock } from './block-record.ts';
import { lockFolder } from './folder-lock.ts';
import { type HeadLog, openHeadLog } from './head-log.ts';
import { openAppendFolder } from './node-append-folder.ts';
import { openStateStore, type Snapshot, type StateStore } from './state-store.ts';

const reject = rejecter(CODES);

/** State is flushed after this long, and while blocks are executed again, when this much is unflushed. */
const FLUSH_AFTER_MS = 200;
const FLUSH_BYTES = 16 * 1024 * 1024;
/** Pause after a flush that the disk did not take. */
const FLUSH_RETRY_MS = 2_000;
/** Above this, nothing more is committed until the state's disk takes what waits. */
const MAX_UNFLUSHED_BYTES = 256 * 1024 * 1024;

export interface ChainLog {
  info(data: object, message: string): void;
  warn(data: object, message: string): void;
  error(data: object, message: string): void;
}

export interface CommittedChainOptions {
  /** Holds `blocks/`, `state/` and the lock; made when it is not there. */
  readonly folder: string;
  readonly kernel: Kernel;
  readonly log: ChainLog;
  /** Highest height that a journal of this node names: its block was durable. */
  readonly namedHeight?: number;
  readonly segmentBytes?: number;
  /** The folder of blocks, for simulations; by default `blocks/` of the folder. */
  readonly blocksFolder?: AppendFolder;
}

type Listener = (block: Block, outcomes: readonly Outcome[], head: Head) => void;

/** A chain of committed blocks with its state, whoever ordered them: what both kinds of node stand on. */
export interface CommittedChain {
  head(): Head & { readonly timeMs: number };
  /** What the last start found unfinished and cut off. */
  readonly cut: CutTail | undefined;
  snapshot(): Snapshot;
  find(id: string): Committed | undefined;
  leaf(index: number): Uint8Array | undefined;
  /** Blocks from a height on, each with its head and the signature of the head before. */
  stored(fromHeight: number): AsyncGenerator<StoredBlock>;
  /** Makes an executed block durable, then visible, then tells listeners. Throws as `BlockLog.append`; then nothing happened. */
  commit(block: Block, executed: Executed, previousSignature: string): Promise<readonly Committed[]>;
  /** True while more may be committed. */
  hasRoom(): boolean;
  subscribe(listener: Listener): () => void;
  readonly heads: HeadLog;
  /** Reads every block there is and checks it. Throws LEDGER_BLOCK_DAMAGED {height}. */
  verifyBlocks(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a chain: takes the folder's lock, checks blocks against what names them, and executes again what was committed
 * after the last flush of the state. Throws Reject DATA_FOLDER_IN_USE, LEDGER_BLOCK_DAMAGED, LEDGER_BLOCK_MISSING,
 * LEDGER_STATE_DAMAGED, LEDGER_REPLAY_DIFFERS or LEDGER_OTHER_GENESIS; the folder is then as it was.
 */
export async function openCommittedChain(options: CommittedChainOptions): Promise<CommittedChain> {
  const lock = await lockFolder(options.folder);
  let state: StateStore | undefined;
  let blocks: BlockLog | undefined;
  try {
    state = openStateStore({
      path: join(options.folder, 'state'),
      onFlushFailed: (error) => options.log.error({ error: String(error) }, 'the state could not be flushed'),
    });
    const parts = await openParts(options, state);
    blocks = parts.blocks;
    await requireAgreement(parts, options.kernel);
    const chain = await recover(options, parts);
    return {
      ...chain,
      async close() {
        await chain.close();
        lock.release();
      },
    };
  } catch (error) {
    await blocks?.close();
    await state?.close();
    lock.release();
    throw error;
  }
}

interface Parts {
  readonly state: StateStore;
  readonly blocks: BlockLog;
  readonly heads: HeadLog;
}

async function openParts(options: CommittedChainOptions, state: StateStore): Promise<Parts> {
  const { kernel, namedHeight = 0 } = options;
  if (state.flushedHeight() === undefined) {
    const { head, writes, leaves } = kernel.initialise();
    state.apply(head.height, writes, { firstLeafIndex: head.logSize - leaves.length, leaves, transactions: new Map() });
    await state.flush();
  }
  const folder = options.blocksFolder ?? (await openAppendFolder(join(options.folder, 'blocks')));
  const snapshot = state.snapshot();
  const flushed = kernel.head(snapshot);
  snapshot.release();
  if (flushed === undefined || flushed.height !== state.flushedHeight()) throw reject('LEDGER_STATE_DAMAGED');
  if (flushed.genesis !== kernel.genesisHash) throw reject('LEDGER_OTHER_GENESIS', { genesis: flushed.genesis });
  const heads = await openHeadLog(folder);
  const blocks = await openBlockLog({
    folder,
    genesisHash: kernel.genesisHash,
    genesisHeight: kernel.initialise().head.height,
    // A block is flushed to the state, signed, or named by a journal only once it is durable.
    namedHeight: Math.max(flushed.height, heads.latest()?.head.height ?? 0, namedHeight),
    verifyFromHeight: flushed.height,
    ...(options.segmentBytes === undefined ? {} : { segmentBytes: options.segmentBytes }),
  });
  return { state, blocks, heads };
}

/** The block whose state LMDB holds must have led to that very head. */
async function requireAgreement({ state, blocks }: Parts, kernel: Kernel): Promise<void> {
  const snapshot = state.snapshot();
  const flushed = kernel.head(snapshot) as Head;
  snapshot.release();
  const beside = await blocks.read(flushed.height);
  if (beside !== undefined && !sameHead(beside.head, flushed))
    throw reject('LEDGER_STATE_DAMAGED', { height: flushed.height });
}

async function recover(
  { kernel, log }: CommittedChainOptions,
  { state, blocks, heads }: Parts,
): Promise<CommittedChain> {
  const listeners = new Set<Listener>();
  let current: Head & { timeMs: number };
  let flushTimer: NodeJS.Timeout | undefined;

  function headOf(snapshot: Snapshot): Head & { timeMs: number } {
    return { ...(kernel.head(snapshot) as Head), timeMs: kernel.timeMs(snapshot) ?? 0 };
  }

  /** Takes an executed block into the state and its indexes. */
  function take(block: Block, executed: Executed): Committed[] {
    const { head, leaves, outcomes } = executed;
    const firstLeafIndex = head.logSize - leaves.length;
    const transactions = new Map<string, number>();
    const committed: Committed[] = [];
    for (const [index, outcome] of outcomes.entries()) {
      const leafIndex = firstLeafIndex + index;
      committed.push({ outcome, height: block.height, index, timeMs: block.timeMs, leafIndex });
      // Forged copies and repetitions share the id; whichever comes first, the leaf that names signers is the one found.
      const known = transactions.has(outcome.id) || state.leafIndexOf(outcome.id) !== undefined;
      if (!known || hasSigners(leaves[index] as Uint8Array)) transactions.set(outcome.id, leafIndex);
    }
    state.apply(block.height, executed.writes, { firstLeafIndex, leaves, transactions });
    current = { ...head, timeMs: block.timeMs };
    return committed;
  }

  function scheduleFlush(afterMs = FLUSH_AFTER_MS): void {
    flushTimer ??= setTimeout(() => {
      flushTimer = undefined;
      void state.flush().then((done) => {
        if (!done) scheduleFlush(FLUSH_RETRY_MS);
      });
    }, afterMs);
  }

  const start = state.snapshot();
  current = headOf(start);
  start.release();
  kernel.remember(rememberedIds(recentLeaves(state, current)));
  const from = current.height + 1;
  for await (const stored of blocks.from(from)) {
    const { block, head } = stored;
    const snapshot = state.snapshot();
    const executed = kernel.execute(snapshot, block);
    snapshot.release();
    if (!sameHead(executed.head, head)) throw reject('LEDGER_REPLAY_DIFFERS', { height: block.height });
    take(block, executed);
    if (state.unflushedBytes() > FLUSH_BYTES) await state.flush();
  }
  if (current.height >= from) log.info({ from, to: current.height }, 'executed again what the state had not kept');
  if (blocks.cut !== undefined) log.warn({ ...blocks.cut }, 'cut off an unfinished last block that nobody was told of');
  if (current.height >= from) scheduleFlush();

  return {
    head: () => current,
    cut: blocks.cut,
    snapshot: () => state.snapshot(),
    find(id) {
      const leafIndex = state.leafIndexOf(id);
      const bytes = leafIndex === undefined ? undefined : state.leaf(leafIndex);
      const leaf = bytes === undefined ? undefined : parseLeaf(bytes);
      if (leafIndex === undefined || leaf?.kind !== 'outcome') return undefined;
      const { height, index, timeMs, code, data } = leaf;
      return { outcome: { id, code, data }, height, index, timeMs, leafIndex };
    },
    leaf: (index) => state.leaf(index),
    stored: (fromHeight) => blocks.from(fromHeight),
    async commit(block, executed, previousSignature) {
      await blocks.append({ block, head: executed.head, previousSignature });
      const committed = take(block, executed);
      scheduleFlush();
      for (const listener of listeners) {
        try {
          listener(block, executed.outcomes, executed.head);
        } catch (error) {
          log.error({ error: String(error), height: block.height }, 'a listener to committed blocks failed');
        }
      }
      return committed;
    },
    hasRoom: () => state.unflushedBytes() < MAX_UNFLUSHED_BYTES,
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    heads,
    verifyBlocks: () => blocks.verify(),
    async close() {
      clearTimeout(flushTimer);
      await state.flush();
      await heads.close();
      await blocks.close();
      await state.close();
    },
  };
}

/** Leaves of the last ten minutes of block time, the newest first. */
function* recentLeaves(state: StateStore, head: Head & { timeMs: number }): Generator<Uint8Array> {
  for (let index = head.logSize - 1; index >= 0; index--) {
    const bytes = state.leaf(index);
    const leaf = bytes === undefined ? undefined : parseLeaf(bytes);
    if (bytes === undefined || leaf === undefined || leaf.timeMs < head.timeMs - REPLAY_WINDOW_MS) return;
    yield bytes;
  }
}

function hasSigners(bytes: Uint8Array): boolean {
  const leaf = parseLeaf(bytes);
  return leaf?.kind === 'outcome' && leaf.signers.length > 0;
}

export function sameHead(a: Head, b: Head): boolean {
  return canonicalText(a as Json) === canonicalText(b as Json);
}
