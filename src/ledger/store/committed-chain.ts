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
import { awaitedSource, carriesState, genesisSource } from './begin-state.ts';
import { type BlockLog, type CutTail, openBlockLog } from './block-log.ts';
import type { StoredBlock } from './block-record.ts';
import { lockFolder } from './folder-lock.ts';
import { type HeadLog, openHeadLog } from './head-log.ts';
import { openAppendFolder } from './node-append-folder.ts';
import { type LogEntry, openStateStore, type Snapshot, type StateSource, type StateStore } from './state-store.ts';

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
  /** The last state of the ledger that genesis carries on; asked for whenever the folder holds no state. */
  readonly carried?: () => StateSource;
  /**
   * True for a node that will be given the state of a later height and may lack the one that genesis carries on: the
   * chain then opens without any, and nothing can be committed before `restore`.
   */
  readonly awaitsState?: boolean;
  readonly segmentBytes?: number;
  /** The folder of blocks, for simulations; by default `blocks/` of the folder. */
  readonly blocksFolder?: AppendFolder;
}

type Listener = (block: Block, outcomes: readonly Outcome[], head: Head) => void;

/** A chain of committed blocks with its state, whoever ordered them: what both kinds of node stand on. */
export interface CommittedChain {
  /** The folder that it holds the lock of. */
  readonly folder: string;
  head(): Head & { readonly timeMs: number };
  /** What the last start found unfinished and cut off. */
  readonly cut: CutTail | undefined;
  snapshot(): Snapshot;
  find(id: string): Committed | undefined;
  leaf(index: number): Uint8Array | undefined;
  /** Leaves from `index` to the end of the run that they are kept in; empty where this node lacks it. */
  leaves(index: number): readonly Uint8Array[];
  /** Wire bytes of a committed transaction; undefined where its block is not kept here and nobody was asked for it yet. */
  wire(committed: Pick<Committed, 'height' | 'index' | 'leafIndex'>): Promise<Uint8Array | undefined>;
  /** Height from which the blocks are kept; what was before came as a state. */
  baseHeight(): number;
  /** Puts leaves and wires of heights before that beside, where they were fetched from others and checked. */
  putEntries(first: number, entries: readonly LogEntry[]): Promise<void>;
  /**
   * Takes the state of a later height in place of the one it began with, before any block was committed on that. Durable
   * as a whole when it resolves. Rejects with what the source throws, LEDGER_OTHER_GENESIS where the state is another
   * ledger's; the chain is then at genesis, and another source may be tried.
   */
  restore(source: StateSource): Promise<void>;
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
      folder: options.folder,
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
  // In place of whatever a start that was broken off has left.
  if (state.flushedHeight() === undefined) await state.load(beginning(options));
  const folder = await blocksFolder(options);
  const heads = await openHeadLog(folder);
  return { state, heads, blocks: await openBlocks(options, folder, state, heads) };
}

function beginning({ kernel, carried, awaitsState = false }: CommittedChainOptions): StateSource {
  if (carried === undefined && awaitsState && carriesState(kernel)) return awaitedSource(kernel);
  return genesisSource(kernel, carried?.());
}

async function blocksFolder(options: CommittedChainOptions): Promise<AppendFolder> {
  return options.blocksFolder ?? (await openAppendFolder(join(options.folder, 'blocks')));
}

function openBlocks(
  options: CommittedChainOptions,
  folder: AppendFolder,
  state: StateStore,
  heads: HeadLog,
): Promise<BlockLog> {
  const { kernel, namedHeight = 0 } = options;
  const snapshot = state.snapshot();
  const flushed = kernel.head(snapshot);
  snapshot.release();
  // Only a state that is awaited has no height of its own.
  if (flushed === undefined || flushed.height !== (state.flushedHeight() ?? kernel.genesisHeight))
    throw reject('LEDGER_STATE_DAMAGED');
  if (flushed.genesis !== kernel.genesisHash) throw reject('LEDGER_OTHER_GENESIS', { genesis: flushed.genesis });
  return openBlockLog({
    folder,
    genesisHash: kernel.genesisHash,
    genesisHeight: state.baseHeight() ?? kernel.genesisHeight,
    // A block is flushed to the state, signed, or named by a journal only once it is durable.
    namedHeight: Math.max(flushed.height, heads.latest()?.head.height ?? 0, namedHeight),
    verifyFromHeight: flushed.height,
    ...(options.segmentBytes === undefined ? {} : { segmentBytes: options.segmentBytes }),
  });
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

async function recover(options: CommittedChainOptions, parts: Parts): Promise<Omit<CommittedChain, 'folder'>> {
  const { kernel, log } = options;
  const { state, heads } = parts;
  let { blocks } = parts;
  const listeners = new Set<Listener>();
  let current = readHead();
  let flushTimer: NodeJS.Timeout | undefined;
  let restoring: Promise<void> | undefined;
  let closing = false;
  /** Up to which height the kernel was told ids. It cannot forget them, so no block up to there may be executed. */
  let rememberedHeight = -1;

  function remember(): void {
    kernel.remember(rememberedIds(recentLeaves(state, current)));
    rememberedHeight = current.height;
  }

  function baseHeight(): number {
    return state.baseHeight() ?? kernel.genesisHeight;
  }

  /** The head of what the store holds now. */
  function readHead(): Head & { timeMs: number } {
    const snapshot = state.snapshot();
    const head = { ...(kernel.head(snapshot) as Head), timeMs: kernel.timeMs(snapshot) ?? 0 };
    snapshot.release();
    return head;
  }

  function requireOpen(): void {
    if (closing) throw new Error('the chain is being closed');
  }

  /** The source, while the chain is open, where it holds a state that may follow here. */
  function guarded(source: StateSource): StateSource {
    return {
      rows: whileOpen(source.rows, requireOpen),
      async prove(loaded, write) {
        await source.prove(loaded, (writes) => {
          requireOpen();
          return write(writes);
        });
        const head = kernel.head(loaded);
        if (head?.genesis !== kernel.genesisHash)
          throw reject('LEDGER_OTHER_GENESIS', { genesis: head?.genesis ?? '' });
        if (head.height < rememberedHeight)
          throw new Error(`a state of height ${head.height} after one of ${rememberedHeight}: start the node again`);
      },
      entries: (loaded) => whileOpen(source.entries(loaded), requireOpen),
      finish: (loaded) => source.finish(loaded),
    };
  }

  async function restore(source: StateSource): Promise<void> {
    // No block is there; the beginning of a file may be, which an append that failed has left.
    await blocks.close();
    const folder = await blocksFolder(options);
    for (const name of await folder.list()) if (name.endsWith('.blocks')) await folder.remove(name);
    await folder.sync();
    let refused: { readonly error: unknown } | undefined;
    try {
      await state.load(guarded(source));
    } catch (error) {
      if (closing) throw error;
      refused = { error };
      await state.load(beginning(options));
    }
    current = readHead();
    blocks = await openBlocks(options, folder, state, heads);
    if (refused !== undefined) throw refused.error;
    remember();
    log.info({ height: current.height }, 'took the state of a snapshot');
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

  remember();
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
    leaves: (index) => state.leaves(index),
    async wire({ height, index, leafIndex }) {
      const beside = state.wire(leafIndex);
      return beside ?? (await blocks.read(height))?.block.transactions[index];
    },
    baseHeight,
    async putEntries(first, entries) {
      if (restoring !== undefined) throw new Error('what is being restored brings its own entries');
      await state.putEntries(first, entries);
    },
    async restore(source) {
      if (current.height !== baseHeight() || restoring !== undefined)
        throw new Error('a state is restored before the first block only');
      restoring = restore(source).finally(() => {
        restoring = undefined;
      });
      await restoring;
    },
    stored: (fromHeight) => blocks.from(fromHeight),
    async commit(block, executed, previousSignature) {
      if (restoring !== undefined || block.height <= rememberedHeight || state.flushedHeight() === undefined)
        throw new Error(`block ${block.height} is not to be committed on what is being restored`);
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
      closing = true;
      clearTimeout(flushTimer);
      await restoring?.catch(() => {});
      await state.flush();
      await heads.close();
      await blocks.close();
      await state.close();
    },
  };
}

async function* whileOpen<T>(items: AsyncIterable<T>, requireOpen: () => void): AsyncGenerator<T> {
  for await (const item of items) {
    requireOpen();
    yield item;
  }
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
