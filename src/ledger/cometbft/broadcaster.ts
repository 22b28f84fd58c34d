import type { ChainLog } from '../store/committed-chain.ts';
import type { EngineRpc } from './engine/engine-rpc.ts';

/** Batches under way at once. The engine's socket holds each message back a little, so they are not sent in a row. */
const LANES = 4;
const BATCH = 512;
/** What is not in a block after this long is handed over again: the engine may have been started anew, or been full. */
const AGAIN_MS = 3_000;

/** Hands the transactions of this node to its engine, for the other validators to hear of. */
export interface Broadcaster {
  /** Sends one, and again from time to time until it is settled. */
  add(id: string, wire: Uint8Array): void;
  settle(id: string): void;
  close(): void;
}

/**
 * Whether a transaction is sound was found before, and the pool that proposals are taken from is the ledger's own; so a
 * broadcast is not waited for, and one that failed is simply made again.
 */
export function createBroadcaster(rpc: Pick<EngineRpc, 'broadcast'>, log: ChainLog): Broadcaster {
  const open = new Map<string, { readonly wire: Uint8Array; sentAtMs: number }>();
  let queue: Uint8Array[] = [];
  let lanes = 0;
  let isScheduled = false;
  let isReachable = true;

  function schedule(): void {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(() => {
      isScheduled = false;
      while (queue.length > 0 && lanes < LANES) void send();
    });
  }

  async function send(): Promise<void> {
    const batch = queue.slice(0, BATCH);
    queue = queue.slice(BATCH);
    lanes++;
    try {
      await rpc.broadcast(batch, 'async');
      isReachable = true;
    } catch (error) {
      if (isReachable)
        log.warn({ error: String(error) }, 'transactions could not be handed to the engine; trying again');
      isReachable = false;
    } finally {
      lanes--;
      if (queue.length > 0) schedule();
    }
  }

  const timer = setInterval(() => {
    const nowMs = performance.now();
    for (const one of open.values()) {
      if (nowMs - one.sentAtMs < AGAIN_MS) continue;
      one.sentAtMs = nowMs;
      queue.push(one.wire);
    }
    if (queue.length > 0) schedule();
  }, AGAIN_MS / 3);
  timer.unref();

  return {
    add(id, wire) {
      open.set(id, { wire, sentAtMs: performance.now() });
      queue.push(wire);
      schedule();
    },
    settle: (id) => void open.delete(id),
    close: () => clearInterval(timer),
  };
}
