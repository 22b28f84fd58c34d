import { chmod, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Head } from '../../chain/block.ts';
import { cometBftOperator } from '../../chain/genesis.ts';
import type { JsonObject } from '../../std/canonical-json.ts';
import { rejecter } from '../../std/reject.ts';
import { CODES } from '../codes.ts';
import type { EntrySource, HeaderSource, LogEntry, SnapshotSource } from '../http/log-entry.ts';
import type { MempoolLimits } from '../intake/mempool.ts';
import { createSignaturePool } from '../intake/signature-pool.ts';
import type { Committed, Ledger, LedgerHealth } from '../ledger.ts';
import { type ChainLog, type CommittedChainOptions, openCommittedChain, sameHead } from '../store/committed-chain.ts';
import { ledgerReads } from '../store/ledger-reads.ts';
import type { Snapshot } from '../store/state-store.ts';
import { createAbciServer } from './abci/abci-server.ts';
import { createApplication } from './application.ts';
import { createBroadcaster } from './broadcaster.ts';
import type { Engine } from './engine/engine.ts';
import { createKnownTransactions } from './known-transactions.ts';
import { createProvedHeads } from './proved-heads.ts';
import { createQuorumWatch } from './quorum-watch.ts';
import { createBackfill, entriesOf } from './snapshot/backfill.ts';
import { createSnapshotRestore } from './snapshot/snapshot-restore.ts';
import { createSnapshotStore } from './snapshot/snapshot-store.ts';

const reject = rejecter(CODES);

/** The pool is no larger than the engine's own mempool, from which it is filled. */
const POOL_LIMITS: MempoolLimits = {
  transactions: 10_000,
  bytes: 128 * 1024 * 1024,
  perSponsor: 6_000,
  urgentReserve: 1_000,
};
/** How long a transaction may take into a block before who sent it is told that none has taken it. */
const COMMIT_WAIT_MS = 20_000;
const SNAPSHOT_EVERY_BLOCKS = 1_000;
/** Blocks that the engine keeps: evidence of two weeks at a block every two seconds, and what peers ask for. */
const RETAIN_BLOCKS = 600_000;

/** What other members' nodes are asked for, in turn, until one has it. */
export interface MemberSource {
  /** Entries of the log; `attempt` counts failures in a row, so that another member is begun with. */
  entries(from: number, limit: number, attempt: number): Promise<readonly LogEntry[]>;
  signedHeader(height: number): Promise<JsonObject | undefined>;
}

export interface CometBftLedgerOptions extends Omit<CommittedChainOptions, 'log' | 'namedHeight'> {
  readonly genesis: JsonObject;
  readonly engine: Engine;
  /** Id of this node's own key, hexadecimal. */
  readonly ownNode: string;
  readonly members: MemberSource;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly monotonic?: () => number;
  readonly log: ChainLog;
  /** Worker threads that verify signatures. */
  readonly threads?: number;
  readonly snapshotEveryBlocks?: number;
  readonly retainBlocks?: number;
  /** Called before the engine starts, with whether a block of this node's own is here: more than genesis or a snapshot. */
  readonly beforeEngine?: (hasBlocks: boolean) => Promise<void>;
}

export interface CometBftLedger extends Ledger, EntrySource, HeaderSource, SnapshotSource {
  /** Entries of the log below this index are still to be fetched from members; 0 when none is. */
  missingEntries(): number;
  /** Resolves when the node has caught up with the others; rejects with LEDGER_CATCHING_UP after the time. */
  ready(timeoutMs: number): Promise<void>;
}

interface Waiter {
  resolve(committed: Committed): void;
  reject(error: Error): void;
}

/**
 * The ledger that several organisations keep together: CometBFT orders the blocks and this node executes them, as every
 * other does. A transaction goes: `kernel.check` → signatures in a worker → pool → engine, which tells the others →
 * proposal → votes of more than two thirds → FinalizeBlock: executed → Commit: block log, fsync → outcome returned. The
 * head of a block is proved by the header of the next. Throws what `openCommittedChain` throws, LEDGER_OPERATOR_KIND_WRONG
 * and what the engine's start throws.
 */
export async function createCometBftLedger(options: CometBftLedgerOptions): Promise<CometBftLedger> {
  const { kernel, genesis, engine, clock, folder, log, members, ownNode } = options;
  const monotonic = options.monotonic ?? (() => performance.now());
  if (cometBftOperator(genesis.operator ?? {}) === undefined) throw reject('LEDGER_OPERATOR_KIND_WRONG');

  const chain = await openCommittedChain(options);
  const waiters = new Map<string, Waiter[]>();
  const recent = createRecentSnapshots(chain.snapshot(), headOf(chain.head()));
  const signatures = createSignaturePool(options.threads ?? 2, (error) =>
    log.error({ error: String(error) }, 'a signature worker ended'),
  );
  const known = createKnownTransactions({
    check: (wire, timeMs) => kernel.check(recent.newest(), wire, timeMs ?? clock()),
    signatures,
    limits: POOL_LIMITS,
  });
  const proved = await createProvedHeads({
    chain,
    kernel,
    rpc: engine.rpc,
    folder: join(folder, 'set-changes'),
    fetchHeader: (height) => members.signedHeader(height),
    log,
  });
  const broadcaster = createBroadcaster(engine.rpc, log);
  const snapshots = createSnapshotStore({
    folder: join(folder, 'snapshots'),
    chain,
    log,
    keep: 2,
    everyBlocks: options.snapshotEveryBlocks ?? SNAPSHOT_EVERY_BLOCKS,
  });
  const restore = createSnapshotRestore({
    chain,
    log,
    onRestored: () => recent.push(chain.snapshot(), headOf(chain.head())),
  });
  const backfill = createBackfill({ chain, fetchEntries: members.entries, log });
  const retainBlocks = options.retainBlocks ?? RETAIN_BLOCKS;
  let waitingSinceMs: number | undefined;
  let closing = false;
  let closed: Promise<void> | undefined;

  const application = createApplication({
    chain,
    kernel,
    known,
    monotonic,
    log,
    snapshots: { ...snapshots.calls, ...restore.calls },
    retainHeight: ({ height }) => Math.max(0, height - retainBlocks),
    onCommit(block, executed, committed) {
      recent.push(chain.snapshot(), executed.head);
      proved.advance(executed.head);
      waitingSinceMs = known.size() > 0 ? monotonic() : undefined;
      for (const one of committed) settle(one);
      snapshots.onCommit(block.height);
    },
  });
  const socketFolder = dirname(engine.abciSocket);
  // Others must not reach the socket; that the folder is ours, and theirs is not in its place, chmod tells.
  await mkdir(socketFolder, { recursive: true, mode: 0o700 });
  await chmod(socketFolder, 0o700);
  const server = await createAbciServer({ application, path: engine.abciSocket, log });
  const begin = async (): Promise<void> => {
    await options.beforeEngine?.(chain.head().height > chain.baseHeight());
    await engine.start();
  };
  await begin().catch(async (error: Error) => {
    await server.close();
    await closeStores();
    throw error;
  });
  backfill.start();
  const watch = createQuorumWatch({
    chain,
    kernel,
    engine,
    ownNode,
    waitingMs: () => (waitingSinceMs === undefined || known.size() === 0 ? 0 : monotonic() - waitingSinceMs),
  });

  function settle(committed: Committed): void {
    const { id } = committed.outcome;
    broadcaster.settle(id);
    const own = waiters.get(id);
    waiters.delete(id);
    for (const waiter of own ?? []) waiter.resolve(committed);
  }

  function refuse(id: string, waiter: Waiter, error: Error): void {
    const left = (waiters.get(id) ?? []).filter((one) => one !== waiter);
    if (left.length > 0) waiters.set(id, left);
    else {
      waiters.delete(id);
      broadcaster.settle(id);
    }
    waiter.reject(error);
  }

  function committed(id: string): Promise<Committed> {
    return new Promise((resolve, fail) => {
      const timer = setTimeout(() => refuse(id, waiter, reject('LEDGER_NOT_COMMITTED', { id })), COMMIT_WAIT_MS);
      const waiter: Waiter = {
        resolve(value) {
          clearTimeout(timer);
          resolve(value);
        },
        reject(error) {
          clearTimeout(timer);
          fail(error);
        },
      };
      const others = waiters.get(id);
      if (others === undefined) waiters.set(id, [waiter]);
      else others.push(waiter);
    });
  }

  function requireMoving(): void {
    if (closing) throw reject('LEDGER_CLOSED');
    if (watch.isStuck()) throw reject('LEDGER_NO_QUORUM', { reason: watch.health().reason ?? '' });
    if (!chain.hasRoom()) throw reject('LEDGER_STORAGE_FULL');
  }

  async function closeStores(): Promise<void> {
    await backfill.close();
    await snapshots.close();
    broadcaster.close();
    proved.close();
    await signatures.close();
    recent.close();
    await chain.close();
  }

  async function shutDown(): Promise<void> {
    closing = true;
    watch.close();
    // The engine first: an application that goes away under it is a fault to it.
    await engine.stop();
    await server.close();
    for (const [id, own] of [...waiters]) for (const waiter of own) refuse(id, waiter, reject('LEDGER_CLOSED'));
    await closeStores();
  }

  const reads = ledgerReads(chain, kernel, genesis, recent.newest);
  return {
    ...reads,
    async signedHead(minHeight) {
      const { head, commit } = await proved.latest(minHeight);
      return { head, commit, cosignatures: [] };
    },
    read(head) {
      const held = head === undefined ? undefined : recent.hold(head);
      if (held === undefined || head === undefined) return reads.read();
      const { store, release } = held;
      return { state: kernel.state(store), store, head, timeMs: kernel.timeMs(store) ?? 0, release };
    },
    async submit(wire) {
      requireMoving();
      const taken = await known.take(wire.slice());
      const { id } = taken.checked;
      waitingSinceMs ??= monotonic();
      const outcome = committed(id);
      broadcaster.add(id, taken.wire);
      return outcome;
    },
    entries: (from, limit) => entriesOf(chain, from, limit),
    signedHeader: (height) => proved.change(height),
    async snapshotHeights() {
      const { snapshots: kept = [] } = await snapshots.calls.listSnapshots();
      return kept.map(({ height }) => Number(height));
    },
    health(): LedgerHealth {
      return chain.hasRoom() ? watch.health() : { status: 'stopped', reason: 'the disk is full' };
    },
    missingEntries: () => backfill.progress().missing,
    async ready(timeoutMs) {
      const untilMs = performance.now() + timeoutMs;
      while (watch.health().status !== 'ok') {
        if (performance.now() > untilMs || closing) throw reject('LEDGER_CATCHING_UP');
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
    close() {
      closed ??= shutDown();
      return closed;
    },
  };
}

function headOf({ timeMs: _, ...head }: Head & { readonly timeMs: number }): Head {
  return head;
}

/**
 * State of the last two blocks: receipts are proved against the last but one, whose header has its votes. A snapshot is
 * given back when it is neither of them and nobody holds it.
 */
function createRecentSnapshots(first: Snapshot, firstHead: Head) {
  let kept = [share(first, firstHead)];

  function share(snapshot: Snapshot, head: Head) {
    let holders = 1;
    const drop = (): void => {
      holders--;
      if (holders === 0) snapshot.release();
    };
    const hold = () => {
      holders++;
      let isHeld = true;
      return {
        store: snapshot,
        release: () => {
          if (isHeld) drop();
          isHeld = false;
        },
      };
    };
    return { snapshot, head, drop, hold };
  }

  return {
    newest: (): Snapshot => (kept.at(-1) as (typeof kept)[number]).snapshot,
    push(snapshot: Snapshot, head: Head): void {
      const [gone, stays] = kept.length > 1 ? [kept[0], kept[1]] : [undefined, kept[0]];
      kept = [stays as (typeof kept)[number], share(snapshot, head)];
      gone?.drop();
    },
    /** The state of a head, while it is one of the two. */
    hold: (head: Head) => kept.find((one) => sameHead(one.head, head))?.hold(),
    close: (): void => {
      for (const one of kept) one.drop();
    },
  };
}
