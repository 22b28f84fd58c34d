import { availableParallelism } from 'node:os';
import { createIdleWorker } from '../jobs/idle-worker.ts';
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

export function createValidationThread(
  workerUrl: URL = new URL('./validation-worker.ts', import.meta.url),
): ValidationThread {
  const worker = createIdleWorker<ValidationRequest, ValidationAnswer>(workerUrl);
  return {
    async validate(texts, packages = []) {
      const answer = await worker.ask({ texts, packages });
      if (answer === undefined) return UNJUDGED;
      if (answer === 'valid') return answer;
      return { at: answer.at, refusal: rejectFhir('RESOURCE_INVALID', { issues: answer.issues }) };
    },
  };
}

/** The process's own; undefined on one core, where it would only add the trip. */
export const validationThread: ValidationThread | undefined =
  availableParallelism() > 1 ? createValidationThread() : undefined;
