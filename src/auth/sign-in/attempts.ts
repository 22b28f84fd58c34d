import { isReject, type RejectKind, rejecter } from '../../std/reject.ts';
import type { AttemptLimits } from './attempt-limits.ts';
import { CODES } from './codes.ts';
import { sourcePrefix } from './source-prefix.ts';

const reject = rejecter(CODES);

/** Refusals that say something of whoever tries; others are the node's own trouble. */
const FAILURES: readonly RejectKind[] = ['unauthenticated', 'denied', 'invalid', 'unknown'];

/** Runs one try of a session and counts it when it is refused. Throws Reject SIGN_IN_TOO_OFTEN {retryAfterSeconds}. */
export type Attempt = <T>(session: string, from: string, work: () => Promise<T>) => Promise<T>;

export function createAttempt(limits: AttemptLimits, clock: () => number): Attempt {
  return async (session, from, work) => {
    const source = sourcePrefix(from);
    const waitMs = limits.waitMs(session, source, clock());
    if (waitMs > 0) throw reject('SIGN_IN_TOO_OFTEN', { retryAfterSeconds: Math.ceil(waitMs / 1000) });
    try {
      return await work();
    } catch (error) {
      if (isReject(error) && FAILURES.includes(error.kind)) limits.failed(session, source, clock());
      throw error;
    }
  };
}
