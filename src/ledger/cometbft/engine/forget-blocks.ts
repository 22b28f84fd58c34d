import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { endLeftoverEngines } from './engine-processes.ts';

/** What was signed last: an engine that forgets it might sign against itself. */
const KEPT = 'priv_validator_state.json';

/**
 * Throws away the blocks and the state of an engine that does not run, and keeps what it signed last. For one whose
 * state sync was broken off between the state and the first block: it would end itself at each start, with "stores were
 * left in an inconsistent state" (blocksync/reactor.go, NewReactorWithAddr). May be repeated after a crash. Throws
 * ENGINE_STILL_RUNS.
 */
export async function forgetBlocks(home: string): Promise<void> {
  await endLeftoverEngines(home);
  const folder = join(home, 'data');
  const names = await readdir(folder).catch(() => []);
  for (const name of names) if (name !== KEPT) await rm(join(folder, name), { recursive: true, force: true });
}
