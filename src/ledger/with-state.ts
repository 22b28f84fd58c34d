import type { StateReader } from '../state/typed-map.ts';
import type { Ledger } from './ledger.ts';

/** Uses the state at the latest committed block, synchronously, and lets go of it. */
export function withState<T>(ledger: Pick<Ledger, 'read'>, use: (state: StateReader) => T): T {
  const snapshot = ledger.read();
  try {
    return use(snapshot.state);
  } finally {
    snapshot.release();
  }
}
