import { link, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { equalSecret } from '#crypto/platform';
import { syncFolder } from '../../ledger/store/sync-folder.ts';
import { rejecter } from '../../std/reject.ts';
import { loadRootKey } from '../../vault/root-key.ts';
import { unwrapMasterKey } from '../../vault/rotation/master-key.ts';
import { CODES as APP_CODES } from '../codes.ts';
import { readNodeFile, readSecrets } from '../node-folder.ts';
import { reject } from './codes.ts';
import { readMasterFile, rootKeyFiles, rootKeyOrNone, writeMasterFile } from './master-key-file.ts';

const rejectApp = rejecter(APP_CODES);

export interface RotatedRootKey {
  /** The new root key. */
  readonly file: string;
  /** The one that was replaced. */
  readonly old: string;
  /** True when an earlier change, cut short, was brought to its end. */
  readonly resumed: boolean;
  /** True when the node's keys derived from the old root key itself until now: that key alone goes on to open the data. */
  readonly wasMaster: boolean;
}

/**
 * Gives a node another root key, while it runs or not: only the master key is wrapped anew, and a running node has that in
 * memory. Each step is durable before the next, and after a crash at any point the node opens, and this may be repeated:
 * 1. the new key is written to `<node>.key.next`;
 * 2. `master.sealed` is replaced, at once: until then the old key opens it, from then on the next one;
 * 3. the old key gets a second name, `<node>.key.old-<day>`; 4. the next one takes the place of the current.
 * Throws Reject NODE_FOLDER_EMPTY, NODE_SECRETS_UNREADABLE, ROOT_KEY_FILES_DIFFER, and what `loadRootKey` throws.
 */
export async function rotateRootKey(options: {
  readonly folder: string;
  readonly keyFolder: string;
  readonly clock: () => number;
  /** Called after each step; tests break off there. */
  readonly onStep?: (step: 'next' | 'wrapped' | 'old') => Promise<void> | void;
}): Promise<RotatedRootKey> {
  const { folder, keyFolder, clock, onStep } = options;
  const node = await readNodeFile(folder);
  if (node === undefined) throw rejectApp('NODE_FOLDER_EMPTY');
  const files = rootKeyFiles(keyFolder, node.node);
  const { key: current } = await loadRootKey({ file: files.current, dataFolder: folder, create: false });
  const { key: next, created } = await loadRootKey({ file: files.next, dataFolder: folder, create: true });
  await onStep?.('next');

  const text = await readMasterFile(folder);
  const byNext = text === undefined ? undefined : unwrapMasterKey(next, text);
  const byCurrent = text === undefined ? current : unwrapMasterKey(current, text);
  const master = byNext ?? byCurrent;
  if (master === undefined) throw reject('ROOT_KEY_FILES_DIFFER');
  // What opens the secrets opens the vaults.
  await readSecrets(folder, master);
  if (byNext === undefined) {
    await writeMasterFile(folder, next, master);
    const written = unwrapMasterKey(next, (await readMasterFile(folder)) ?? '');
    if (written === undefined || !equalSecret(written, master)) throw reject('ROOT_KEY_FILES_DIFFER');
  }
  await onStep?.('wrapped');

  const old = await keepOld(files.current, folder, current, clock());
  await onStep?.('old');
  await rename(files.next, files.current);
  await syncFolder(dirname(files.current));
  return { file: files.current, old, resumed: !created, wasMaster: equalSecret(master, current) };
}

/** A second name for the old key's file; the same where a change that was cut short gave it one. */
async function keepOld(file: string, dataFolder: string, key: Uint8Array, nowMs: number): Promise<string> {
  const day = new Date(nowMs).toISOString().slice(0, 10);
  for (let count = 1; ; count++) {
    const old = `${file}.old-${day}${count === 1 ? '' : `-${count}`}`;
    const there = await rootKeyOrNone(old, dataFolder);
    if (there !== undefined && equalSecret(there, key)) return old;
    if (there !== undefined) continue;
    await link(file, old);
    await syncFolder(dirname(file));
    return old;
  }
}
