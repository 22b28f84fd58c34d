import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { rejectFhir } from './codes.ts';
import type { ValidationAnswer, ValidationRequest } from './validation-messages.ts';

/** The thread could not tell: it died, or failed in a way that is no refusal. */
export const UNJUDGED = Symbol('unjudged');

/** Structural validation beside the main thread, for imports: the one part of an import that needs nothing of the vault. */
export interface ValidationThread {
  /**
   * Resolves to what holds of all of the resources (JSON texts); at UNJUDGED the caller has to validate them itself.
   * `packages` are the compact files of those whose profiles hold too (`PackageStore.files`).
   */
  validate(texts: readonly string[], packages?: readonly string[]): Promise<ValidationVerdict>;
}

/** A refusal is RESOURCE_INVALID of the text at an index, the first. */
export type ValidationVerdict = 'valid' | typeof UNJUDGED | { readonly at: number; readonly refusal: Error };

/** A thread has the definitions in memory a second time, which a node that imports nothing should not carry. */
const IDLE_MS = 20_000;

/** Starts its worker at the first call and ends it when none came for a while. One that dies is not replaced. */
export function createValidationThread(
  workerUrl: URL = new URL('./validation-worker.ts', import.meta.url),
): ValidationThread {
  const waiting = new Map<number, (verdict: ValidationVerdict) => void>();
  let worker: Worker | undefined;
  let idle: NodeJS.Timeout | undefined;
  let lost = false;
  let next = 0;

  function settle(batch: number, verdict: ValidationVerdict): void {
    waiting.get(batch)?.(verdict);
    waiting.delete(batch);
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
    const started = new Worker(workerUrl);
    started.on('message', ({ batch, at, issues }: ValidationAnswer) => {
      if (at === undefined) settle(batch, 'valid');
      else settle(batch, issues === undefined ? UNJUDGED : { at, refusal: rejectFhir('RESOURCE_INVALID', { issues }) });
    });
    started.on('error', () => {
      lost = true;
      worker = undefined;
      for (const batch of [...waiting.keys()]) settle(batch, UNJUDGED);
    });
    return started;
  }

  return {
    async validate(texts, packages = []) {
      if (lost) return UNJUDGED;
      clearTimeout(idle);
      worker ??= start();
      worker.ref();
      const batch = next++;
      const verdict = new Promise<ValidationVerdict>((resolve) => waiting.set(batch, resolve));
      worker.postMessage({ batch, texts, packages } satisfies ValidationRequest);
      return verdict;
    },
  };
}

/** The process's own; undefined on one core, where it would only add the trip. */
export const validationThread: ValidationThread | undefined =
  availableParallelism() > 1 ? createValidationThread() : undefined;
