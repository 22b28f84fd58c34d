import type { JsonObject } from './canonical-json.ts';

/** What a refusal is, whatever its code: one table maps kinds to HTTP status and OperationOutcome. */
export type RejectKind = 'denied' | 'unknown' | 'invalid' | 'conflict' | 'limit' | 'unauthenticated' | 'unavailable';

/**
 * A code's entry: its kind, and one sentence for people that says what happened and what to do. No patient data.
 * `httpStatus` only where HTTP has a status of its own for it (413, 415, 500, …); else the kind's holds.
 */
export interface CodeEntry {
  readonly kind: RejectKind;
  readonly sentence: string;
  readonly httpStatus?: number;
}

/** Codes of one area by name. docs/errors.md lists every entry of every catalogue. */
export type CodeCatalogue = Readonly<Record<string, CodeEntry>>;

/** A refusal. Only `code` and `data` enter an outcome or a receipt, and neither may hold patient data. */
export class Reject extends Error {
  override readonly name = 'Reject';
  readonly code: string;
  readonly kind: RejectKind;
  readonly data: JsonObject;
  readonly httpStatus: number | undefined;

  constructor(code: string, entry: CodeEntry, data: JsonObject) {
    super(`${code}: ${entry.sentence}`);
    this.code = code;
    this.kind = entry.kind;
    this.data = data;
    this.httpStatus = entry.httpStatus;
  }
}

/** A thrower for one catalogue: `const reject = rejecter(CODES)`, then `throw reject('CODE', data)`. */
export function rejecter<C extends CodeCatalogue>(codes: C): (code: keyof C & string, data?: JsonObject) => Reject {
  return (code, data = {}) => new Reject(code, codes[code] as CodeEntry, data);
}

export function isReject(thrown: unknown): thrown is Reject {
  return thrown instanceof Reject;
}
