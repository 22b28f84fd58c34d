import { availableParallelism } from 'node:os';
import { createIdleWorker } from '../../jobs/idle-worker.ts';
import { type Damage, openBytes, type SealedVersion } from './open-sealed.ts';
import { packSealed, unpackOpened } from './opening-messages.ts';

/**
 * Opens many versions: unwrapping a key, AES and four hashes take some 0.05 ms for each, as long as all else that an export
 * does with it, so they are done beside the main thread.
 */
export interface OpeningThread {
  /** Exact bytes of each, or what of it is damaged. */
  open(versions: readonly SealedVersion[]): Promise<readonly (Uint8Array | Damage)[]>;
}

/** Of fewer the trip costs as much as it saves. */
const WORTH_THE_TRIP = 16;

/** Where the thread is lost, everything is opened here. */
export function createOpeningThread(workerUrl = new URL('./opening-worker.ts', import.meta.url)): OpeningThread {
  const worker = createIdleWorker<Uint8Array, Uint8Array>(workerUrl);
  return {
    async open(versions) {
      if (versions.length < WORTH_THE_TRIP) return versions.map(openBytes);
      const packed = packSealed(versions);
      const answer = await worker.ask(packed, [packed.buffer]);
      return answer === undefined ? versions.map(openBytes) : unpackOpened(answer);
    },
  };
}

const here: OpeningThread = { open: async (versions) => versions.map(openBytes) };

/** The process's own; on one core it would only add the trip. */
export const openingThread: OpeningThread = availableParallelism() > 1 ? createOpeningThread() : here;
