import type { Json } from '../std/canonical-json.ts';

/** What the main thread asks of a validation worker. */
export interface ValidationRequest {
  readonly batch: number;
  readonly texts: readonly string[];
  /** Compact files of the packages whose profiles hold besides R4. */
  readonly packages: readonly string[];
}

/** `at` is the index of the first text that is refused; absent when all hold. Without `issues` the worker itself failed there. */
export interface ValidationAnswer {
  readonly batch: number;
  readonly at?: number;
  readonly issues?: Json;
}
