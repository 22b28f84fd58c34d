import type { RejectKind } from '../std/reject.ts';

/** Exit codes, also in `aceso help`: scripts act on them. 0 is success. */
export const EXIT = {
  /** The node or the command failed; a bug or the machine. */
  FAILURE: 1,
  /** The command's words were off. */
  USAGE: 2,
  /** What was asked for is refused by policy or by the rules. */
  DENIED: 3,
  /** What was named does not exist. */
  UNKNOWN: 4,
  /** A receipt, signature or file does not verify. */
  UNVERIFIED: 5,
  /** The node, or a part that is needed, is not there; trying again may help. */
  UNAVAILABLE: 6,
} as const;

const BY_KIND: Readonly<Record<RejectKind, number>> = {
  denied: EXIT.DENIED,
  unauthenticated: EXIT.DENIED,
  unknown: EXIT.UNKNOWN,
  invalid: EXIT.UNVERIFIED,
  conflict: EXIT.UNAVAILABLE,
  limit: EXIT.UNAVAILABLE,
  unavailable: EXIT.UNAVAILABLE,
};

/** Exit code of a refusal. */
export function exitCodeOf(kind: RejectKind): number {
  return BY_KIND[kind];
}
