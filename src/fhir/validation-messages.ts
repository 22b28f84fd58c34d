import type { Json } from '../std/canonical-json.ts';

/** What the main thread asks of a validation worker. */
export interface ValidationRequest {
  readonly texts: readonly string[];
  /** Compact files of the packages whose profiles hold besides R4. */
  readonly packages: readonly string[];
}

/** The index of the first text that is refused, and why; `valid` when all hold. */
export type ValidationAnswer = 'valid' | { readonly at: number; readonly issues: Json };
