import { cp, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Genesis } from '../chain/genesis.ts';
import { openExport } from '../ledger/move/open-export.ts';
import type { StateSource } from '../ledger/store/state-store.ts';

/** Where a node keeps the export of the ledger that its own goes on from, until it has taken it in. */
const CARRIED_FOLDER = 'carried';

/** Keeps an export for the next start; over one that is there. */
export async function keepCarried(folder: string, exported: string): Promise<void> {
  await openExport(exported);
  const path = join(folder, CARRIED_FOLDER);
  await rm(path, { recursive: true, force: true });
  await cp(exported, path, { recursive: true });
}

/** The state that a node's ledger begins with where it goes on from another's; undefined where it begins anew. */
export async function carriedState(folder: string, genesis: Genesis): Promise<(() => StateSource) | undefined> {
  if (genesis.previous?.treeRoot === undefined) return undefined;
  const path = join(folder, CARRIED_FOLDER);
  if ((await stat(path).catch(() => undefined)) === undefined) return undefined;
  return (await openExport(path)).source;
}

/** Gives the room back once the ledger stands by itself. */
export function forgetCarried(folder: string): Promise<void> {
  return rm(join(folder, CARRIED_FOLDER), { recursive: true, force: true });
}
