import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomBytes } from '#crypto/platform';
import { replaceFile } from '../../ledger/store/replace-file.ts';
import { utf8 } from '../../std/bytes.ts';
import { isReject, rejecter } from '../../std/reject.ts';
import { loadRootKey } from '../../vault/root-key.ts';
import { unwrapMasterKey, wrapMasterKey } from '../../vault/rotation/master-key.ts';
import { CODES } from '../codes.ts';

const reject = rejecter(CODES);

export const MASTER_FILE = 'master.sealed';

/** Where the root key of a node lies, and the next one while it is being changed. */
export function rootKeyFiles(keyFolder: string, node: string): { readonly current: string; readonly next: string } {
  const current = join(keyFolder, `${node}.key`);
  return { current, next: `${current}.next` };
}

/** Text of the folder's wrapped master key; undefined in a folder from before there was one. */
export async function readMasterFile(folder: string): Promise<string | undefined> {
  try {
    const text = await readFile(join(folder, MASTER_FILE), 'latin1');
    return text.slice(0, 256);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Wraps the master key of a folder under a root key: the old line or the new one is there, whole, whatever happens. */
export function writeMasterFile(folder: string, rootKey: Uint8Array, master: Uint8Array): Promise<void> {
  return replaceFile(join(folder, MASTER_FILE), utf8(wrapMasterKey(rootKey, master)));
}

/** Makes the master key of a new node. */
export async function makeMasterKey(folder: string, rootKey: Uint8Array): Promise<Uint8Array> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const master = randomBytes(32);
  await writeMasterFile(folder, rootKey, master);
  return master;
}

/**
 * The key that everything of a node derives from, by the root key in `keyFolder`: the current one, or the next one where
 * a change was cut short. Throws Reject NODE_SECRETS_UNREADABLE when neither opens it, and what `loadRootKey` throws.
 */
export async function openMasterKey(options: {
  readonly folder: string;
  readonly keyFolder: string;
  readonly node: string;
}): Promise<Uint8Array> {
  const { folder, keyFolder, node } = options;
  const { current, next } = rootKeyFiles(keyFolder, node);
  const { key } = await loadRootKey({ file: current, dataFolder: folder, create: false });
  const text = await readMasterFile(folder);
  if (text === undefined) return key;
  const master = unwrapMasterKey(key, text);
  if (master !== undefined) return master;
  const later = await rootKeyOrNone(next, folder);
  const opened = later === undefined ? undefined : unwrapMasterKey(later, text);
  if (opened === undefined) throw reject('NODE_SECRETS_UNREADABLE');
  return opened;
}

/** A root key that may not be there. */
export async function rootKeyOrNone(file: string, dataFolder: string): Promise<Uint8Array | undefined> {
  try {
    return (await loadRootKey({ file, dataFolder, create: false })).key;
  } catch (error) {
    if (isReject(error) && error.code === 'ROOT_KEY_MISSING') return undefined;
    throw error;
  }
}
