import { rejecter } from '../std/reject.ts';
import { CODES } from './codes.ts';
import { STATEMENT_WINDOW_MS, type Statement } from './statement.ts';

const reject = rejecter(CODES);

/** Most statements of one member that are remembered; more within the window are refused. */
export const MAX_REMEMBERED = 4096;

/**
 * Takes each statement once. Nonces are remembered in memory for as long as a statement can be fresh. A restart forgets
 * them, at no cost in secrecy: every answer that tells something is sealed to the member that asked.
 */
export function createReplayGuard(): { take(statement: Statement, nowMs: number): void } {
  const nonces = new Map<string, Map<string, number>>();
  return {
    take({ member, nonce, atMs }, nowMs) {
      const known = nonces.get(member) ?? new Map<string, number>();
      nonces.set(member, known);
      if (known.has(nonce)) throw reject('EXCHANGE_REPLAYED');
      if (known.size >= MAX_REMEMBERED) {
        for (const [old, at] of known) if (at + STATEMENT_WINDOW_MS < nowMs) known.delete(old);
        if (known.size >= MAX_REMEMBERED) throw reject('EXCHANGE_TOO_MANY_CALLS');
      }
      known.set(nonce, atMs);
    },
  };
}
