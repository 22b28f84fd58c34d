import { Worker } from 'node:worker_threads';
import { type BareTask, packTasks } from './signature-batch.ts';
import { verifyTask } from './verify-task.ts';

/** Verifies signatures off the main thread, many to a message. */
export interface SignaturePool {
  /** True when all of the tasks' signatures hold. */
  verify(tasks: readonly BareTask[]): Promise<boolean>;
  /** Requests under way. */
  pending(): number;
  close(): Promise<void>;
}

interface Request {
  readonly tasks: readonly BareTask[];
  settle(holds: boolean): void;
}

interface Thread {
  readonly worker: Worker;
  batches: number;
}

/** Up to this many requests at once are verified here: a trip to a worker and back costs about as much as one signature. */
const INLINE_REQUESTS = 2;
const BATCH_TASKS = 128;
/** Batches that a worker has at a time: one under way, one waiting, so that it never stands idle. */
const BATCHES_PER_WORKER = 2;

/**
 * A pool of `threads` workers, started when first needed. A worker that dies is not replaced: what it had is verified
 * here, and so is everything when none is left.
 */
export function createSignaturePool(threads: number, onWorkerLost: (error: unknown) => void): SignaturePool {
  const queue: Request[] = [];
  const underWay = new Map<number, { readonly thread: Thread; readonly requests: readonly Request[] }>();
  let pool: Thread[] | undefined;
  let nextBatch = 0;
  let scheduled = false;
  let pending = 0;

  function settle(request: Request, holds: boolean): void {
    pending--;
    request.settle(holds);
  }

  function startThread(): Thread {
    const worker = new Worker(new URL('./signature-worker.ts', import.meta.url));
    // Only what is under way keeps the process alive.
    worker.unref();
    const thread: Thread = { worker, batches: 0 };
    worker.on('message', ({ batch, results }: { batch: number; results: Uint8Array }) => {
      const requests = underWay.get(batch)?.requests ?? [];
      underWay.delete(batch);
      thread.batches--;
      if (thread.batches === 0) worker.unref();
      let at = 0;
      for (const request of requests) {
        const own = results.subarray(at, at + request.tasks.length);
        at += request.tasks.length;
        settle(
          request,
          own.every((one) => one === 1),
        );
      }
      dispatch();
    });
    worker.on('error', (error) => lose(thread, error));
    worker.on('exit', () => lose(thread, 'exit'));
    return thread;
  }

  function lose(thread: Thread, error: unknown): void {
    if (pool === undefined || !pool.includes(thread)) return;
    pool = pool.filter((one) => one !== thread);
    onWorkerLost(error);
    takeBack((owner) => owner === thread);
    dispatch();
  }

  /** Puts what was sent to lost threads back into the queue. */
  function takeBack(isLost: (thread: Thread) => boolean): void {
    for (const [batch, { thread, requests }] of underWay) {
      if (!isLost(thread)) continue;
      underWay.delete(batch);
      queue.unshift(...requests);
    }
  }

  function dispatch(): void {
    if (queue.length === 0) return;
    const few = queue.length <= INLINE_REQUESTS && underWay.size === 0;
    if (!few) pool ??= Array.from({ length: threads }, startThread);
    if (few || pool === undefined || pool.length === 0) verifyHere();
    while (queue.length > 0 && pool !== undefined) {
      const thread = pool.reduce((least, one) => (one.batches < least.batches ? one : least));
      if (thread.batches >= BATCHES_PER_WORKER) return;
      send(thread);
    }
  }

  function send(thread: Thread): void {
    const requests: Request[] = [];
    const tasks: BareTask[] = [];
    while (queue.length > 0 && tasks.length < BATCH_TASKS) {
      const request = queue.shift() as Request;
      requests.push(request);
      tasks.push(...request.tasks);
    }
    const packed = packTasks(tasks);
    const batch = nextBatch++;
    underWay.set(batch, { thread, requests });
    thread.batches++;
    thread.worker.ref();
    thread.worker.postMessage({ batch, tasks: packed }, [packed]);
  }

  function verifyHere(): void {
    for (const request of queue.splice(0)) settle(request, request.tasks.every(verifyTask));
  }

  return {
    verify(tasks) {
      pending++;
      return new Promise((resolve) => {
        queue.push({ tasks, settle: resolve });
        if (scheduled) return;
        scheduled = true;
        // What arrives in the same turn of the event loop goes in the same batch.
        setImmediate(() => {
          scheduled = false;
          dispatch();
        });
      });
    },
    pending: () => pending,
    async close() {
      const threadsLeft = pool ?? [];
      pool = [];
      await Promise.all(threadsLeft.map(({ worker }) => worker.terminate()));
      takeBack(() => true);
      verifyHere();
    },
  };
}
