import { type Transferable, Worker } from 'node:worker_threads';
import type { WorkerAnswer, WorkerQuestion } from './answer-questions.ts';

/** A worker thread for what would keep the main thread busy; only where it has to do much. */
export interface IdleWorker<Question, Answer> {
  /**
   * Resolves to undefined where the thread cannot tell, because it died or met a bug: the caller then does the work itself,
   * and meets the bug with its stack. What is in `transfer` is handed over and gone here.
   */
  ask(question: Question, transfer?: readonly Transferable[]): Promise<Answer | undefined>;
}

/** A thread has its modules in memory a second time, which a node that has no use for it should not carry. */
const IDLE_MS = 20_000;

/**
 * Starts its thread (a module that calls `answerQuestions`) at the first question and ends it when none came for a while. One
 * that dies is not replaced. Only what is under way keeps the process alive.
 */
export function createIdleWorker<Question, Answer>(url: URL): IdleWorker<Question, Answer> {
  const waiting = new Map<number, (answer: Answer | undefined) => void>();
  let worker: Worker | undefined;
  let idle: NodeJS.Timeout | undefined;
  let isLost = false;
  let lastId = 0;

  function settle(id: number, answer: Answer | undefined): void {
    waiting.get(id)?.(answer);
    waiting.delete(id);
    if (waiting.size > 0 || worker === undefined) return;
    worker.unref();
    idle = setTimeout(stop, IDLE_MS);
    idle.unref();
  }

  function stop(): void {
    void worker?.terminate();
    worker = undefined;
  }

  function start(): Worker {
    const started = new Worker(url);
    started.on('message', ({ id, answer }: WorkerAnswer<Answer>) => settle(id, answer));
    started.on('error', () => {
      isLost = true;
      worker = undefined;
      for (const id of [...waiting.keys()]) settle(id, undefined);
    });
    return started;
  }

  return {
    async ask(question, transfer = []) {
      if (isLost) return undefined;
      clearTimeout(idle);
      worker ??= start();
      worker.ref();
      lastId += 1;
      const id = lastId;
      const answered = new Promise<Answer | undefined>((resolve) => waiting.set(id, resolve));
      worker.postMessage({ id, question } satisfies WorkerQuestion<Question>, [...transfer]);
      return answered;
    },
  };
}
