import type { Reject } from '../std/reject.ts';
import { STATEMENT_WINDOW_MS } from './member-signature.ts';

/** Least time between two searches of a full memory for what may be forgotten, so that refusing stays cheap. */
const PRUNE_INTERVAL_MS = 1000;

/** What a member signed, as far as it tells one statement from another. */
export interface Stated {
  readonly member: string;
  readonly nonce: string;
  readonly atMs: number;
}

export interface ReplayGuard {
  /** Throws what the guard was made with, for a statement that was taken before and for one too many. */
  take(statement: Stated, nowMs: number): void;
}

/**
 * Takes each statement once, for each member by itself. Nonces are remembered in memory for as long as a statement can
 * be fresh, at most `maxRemembered` of one member (about 150 bytes each); more within the window are refused. A restart
 * forgets them, and a statement of the minutes before it would be taken once more: whoever uses this sees to it that a
 * second answer tells nobody what the first did not.
 */
export function createReplayGuard(options: {
  maxRemembered: number;
  replayed(): Reject;
  tooMany(): Reject;
}): ReplayGuard {
  const { maxRemembered, replayed, tooMany } = options;
  const members = new Map<string, { readonly nonces: Map<string, number>; prunedAtMs: number }>();
  return {
    take({ member, nonce, atMs }, nowMs) {
      const known = members.get(member) ?? { nonces: new Map<string, number>(), prunedAtMs: Number.NEGATIVE_INFINITY };
      members.set(member, known);
      const { nonces } = known;
      if (nonces.has(nonce)) throw replayed();
      if (nonces.size >= maxRemembered && Math.abs(nowMs - known.prunedAtMs) >= PRUNE_INTERVAL_MS) {
        known.prunedAtMs = nowMs;
        for (const [old, oldMs] of nonces) if (oldMs + STATEMENT_WINDOW_MS < nowMs) nonces.delete(old);
      }
      if (nonces.size >= maxRemembered) throw tooMany();
      nonces.set(nonce, atMs);
    },
  };
}
