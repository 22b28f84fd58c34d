import type { ChainLog, CommittedChain } from '../../store/committed-chain.ts';
import { type EntryReads, leafOf, readEntries } from '../../store/log-entries.ts';
import { leafHashes } from '../../store/state-rows.ts';
import type { LogEntry } from '../../store/state-store.ts';

/** Bytes of leaves and transactions that one answer holds; it holds at least one entry. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
/** Entries that are checked and put away together: at their largest, 42 MB. */
const WINDOW = 512;
/** Pause after a failure, doubled with each up to the longest, and between looks while nothing is missing. */
const RETRY_MS = 1_000;
const MAX_RETRY_MS = 60_000;
const IDLE_MS = 10_000;

export interface BackfillOptions {
  readonly chain: Pick<CommittedChain, 'head' | 'leaf' | 'snapshot' | 'putEntries'>;
  /**
   * Entries from an index on, at most `limit`; fewer where the other node lacks some. `attempt` counts the failures in
   * a row before this call, a false answer being one: a member that fails or lies is not to be asked again and again.
   */
  readonly fetchEntries: (from: number, limit: number, attempt: number) => Promise<readonly LogEntry[]>;
  readonly log: ChainLog;
  /** First pause after a failure, in milliseconds. */
  readonly retryMs?: number;
}

export interface Backfill {
  start(): void;
  /** Entries below this index are missing; 0 when there is nothing left to fetch. */
  progress(): { readonly missing: number; readonly logSize: number };
  /** Stops; what was put away stays. To be called before the chain is closed. */
  close(): Promise<void>;
}

/**
 * Fetches the leaves and transactions of the time before a node joined, from members, so that it can issue old receipts
 * again and serve those who join after it. The newest first: they are asked for most, and what is there then never has a
 * hole, so that where to go on is found in the store after any stop. Each is checked against the log's own hashes before
 * it is kept.
 */
export function createBackfill({ chain, fetchEntries, log, retryMs = RETRY_MS }: BackfillOptions): Backfill {
  let closing = false;
  let wake = (): void => {};
  let running: Promise<void> | undefined;
  const closed = new Promise<undefined>((resolve) => {
    wake = () => resolve(undefined);
  });

  async function run(): Promise<void> {
    let failures = 0;
    while (!closing) {
      const missing = firstPresent(chain);
      if (missing === 0) await pause(IDLE_MS);
      else {
        try {
          const from = Math.max(0, Math.floor((missing - 1) / WINDOW) * WINDOW);
          const entries = await fetchWindow(from, missing, failures);
          if (closing) return;
          await chain.putEntries(from, entries);
          failures = 0;
          if (from === 0)
            log.info({ entries: chain.head().logSize }, 'the log is whole: all older entries were fetched');
        } catch (error) {
          if (closing) return;
          log.warn({ below: missing, error: String(error) }, 'older entries could not be fetched; tries again');
          await pause(Math.min(retryMs * 2 ** failures, MAX_RETRY_MS));
          failures++;
        }
      }
    }
  }

  /** Entries `from` ≤ index < `to`, checked. */
  async function fetchWindow(from: number, to: number, attempt: number): Promise<readonly LogEntry[]> {
    const entries: LogEntry[] = [];
    while (from + entries.length < to) {
      const at = from + entries.length;
      const answer = await Promise.race([fetchEntries(at, to - at, attempt), closed]);
      if (answer === undefined) return [];
      if (answer.length === 0) throw new Error(`nobody has entry ${at}`);
      entries.push(...checked(at, answer.slice(0, to - at)));
    }
    return entries;
  }

  function checked(first: number, entries: readonly LogEntry[]): readonly LogEntry[] {
    const snapshot = chain.snapshot();
    try {
      const hashAt = leafHashes(snapshot);
      for (const [offset, entry] of entries.entries()) {
        const hash = hashAt(first + offset);
        if (hash === undefined || leafOf(hash, entry) === undefined)
          throw new Error(`entry ${first + offset} is not the one of the log`);
      }
      return entries;
    } finally {
      snapshot.release();
    }
  }

  function pause(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    return Promise.race([over, closed]).finally(() => clearTimeout(timer));
  }

  return {
    start() {
      running ??= run().catch((error) => log.error({ error: String(error) }, 'fetching older entries ended'));
    },
    progress: () => ({ missing: firstPresent(chain), logSize: chain.head().logSize }),
    async close() {
      closing = true;
      wake();
      await running;
    },
  };
}

/** Index of the oldest leaf that is here, the log's size when none is. */
function firstPresent(chain: Pick<CommittedChain, 'head' | 'leaf'>): number {
  let [low, high] = [0, chain.head().logSize];
  if (high === 0 || chain.leaf(0) !== undefined) return 0;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (chain.leaf(middle) === undefined) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What this node gives to others: entries from an index on, up to the first that it lacks, at most 4 MiB of them. */
export async function entriesOf(
  chain: EntryReads & Pick<CommittedChain, 'head'>,
  from: number,
  limit: number,
): Promise<readonly LogEntry[]> {
  const out: LogEntry[] = [];
  let sizeBytes = 0;
  for await (const entry of readEntries(chain, from, Math.min(chain.head().logSize, from + limit))) {
    sizeBytes += entry.leaf.length + (entry.wire?.length ?? 0);
    if (out.length > 0 && sizeBytes > MAX_ANSWER_BYTES) break;
    out.push(entry);
  }
  return out;
}
