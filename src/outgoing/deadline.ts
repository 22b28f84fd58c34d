import { type Reject, rejecter } from '../std/reject.ts';
import { CODES } from './codes.ts';

const reject = rejecter(CODES);

/** The time that one request has, from its first step to the last byte of its answer. */
export interface Deadline {
  /** Aborted when the time is over or the caller calls it off. */
  readonly signal: AbortSignal;
  /** Why `signal` is aborted; undefined while it is not. */
  refusal(): Reject | undefined;
  /** What `work` gives, or the refusal as soon as there is one; `work` goes on unheard where it cannot be stopped. */
  within<T>(work: Promise<T>): Promise<T>;
  /** To be called at the end, whatever that was. */
  clear(): void;
}

/** `origin` goes into the refusal. */
export function startDeadline(origin: string, timeoutMs: number, called: AbortSignal | undefined): Deadline {
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), timeoutMs);
  const signal = called === undefined ? over.signal : AbortSignal.any([over.signal, called]);
  const refusal = () =>
    signal.aborted
      ? reject(over.signal.aborted ? 'OUTGOING_TIMED_OUT' : 'OUTGOING_INTERRUPTED', { origin })
      : undefined;
  return {
    signal,
    refusal,
    clear: () => clearTimeout(timer),
    within: (work) =>
      new Promise((resolve, fail) => {
        const stop = () => fail(refusal());
        if (signal.aborted) stop();
        signal.addEventListener('abort', stop, { once: true });
        work.then(resolve, fail).finally(() => signal.removeEventListener('abort', stop));
      }),
  };
}
