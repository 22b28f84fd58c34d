import { link, mkdir, open, realpath, rm } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { randomBytes, sha256 } from '#crypto/platform';
import { bytesToHex, hexToBytes, utf8 } from '../std/bytes.ts';
import { frame } from '../std/frame.ts';
import { reject } from './codes.ts';

/**
 * The root key's file: one line `aceso-root-key-1 <64 hex> <8 hex>`, the key and the first 4 bytes of
 * SHA-256(frame('aceso/root-key/1', key)), which tell a mistyped copy from a wrong one.
 */
const LINE = /^aceso-root-key-1 ([0-9a-f]{64}) ([0-9a-f]{8})\n?$/;
const MAX_FILE_BYTES = 256;
const KEY_BYTES = 32;

function checkOf(key: Uint8Array): string {
  return bytesToHex(sha256(frame('aceso/root-key/1', key)).subarray(0, 4));
}

/** The text of a key's file. */
export function rootKeyToText(key: Uint8Array): string {
  return `aceso-root-key-1 ${bytesToHex(key)} ${checkOf(key)}\n`;
}

/** The key of a file's text. Throws Reject ROOT_KEY_DAMAGED. */
export function textToRootKey(text: string): Uint8Array {
  const match = LINE.exec(text);
  const key = match?.[1] === undefined ? undefined : hexToBytes(match[1]);
  if (key === undefined || match?.[2] !== checkOf(key)) throw reject('ROOT_KEY_DAMAGED');
  return key;
}

/**
 * Loads the root key of `file`, or makes one where `create` allows it (a new node). Throws Reject ROOT_KEY_MISSING,
 * ROOT_KEY_MODE (anyone but the owner may read it), ROOT_KEY_DAMAGED, ROOT_KEY_INSIDE_DATA.
 */
export async function loadRootKey(options: {
  file: string;
  dataFolder: string;
  create: boolean;
}): Promise<{ key: Uint8Array; created: boolean }> {
  const { file, dataFolder, create } = options;
  if (await isInside(file, dataFolder)) throw reject('ROOT_KEY_INSIDE_DATA', {});
  const known = await readRootKey(file);
  if (known !== undefined) return { key: known, created: false };
  if (!create) throw reject('ROOT_KEY_MISSING');
  const key = randomBytes(KEY_BYTES);
  try {
    await writeRootKey(file, key);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    // Another process of this node made it meanwhile.
    const other = await readRootKey(file);
    if (other === undefined) throw error;
    return { key: other, created: false };
  }
  return { key, created: true };
}

async function readRootKey(file: string): Promise<Uint8Array | undefined> {
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(file, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { mode, size } = await handle.stat();
    // Windows has no such bits; there the profile folder's own protection is what counts.
    if (process.platform !== 'win32' && (mode & 0o077) !== 0)
      throw reject('ROOT_KEY_MODE', { mode: (mode & 0o777).toString(8) });
    if (size > MAX_FILE_BYTES) throw reject('ROOT_KEY_DAMAGED');
    return textToRootKey(await handle.readFile('latin1'));
  } finally {
    await handle.close();
  }
}

/**
 * Durable before anything is encrypted under it: a key lost in a crash would take the records with it. Linked into place
 * whole, so that nobody reads half of it; throws EEXIST when another process was first.
 */
async function writeRootKey(file: string, key: Uint8Array): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const beside = `${file}.${bytesToHex(randomBytes(8))}`;
  try {
    const handle = await open(beside, 'wx', 0o600);
    try {
      await handle.writeFile(utf8(rootKeyToText(key)));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await link(beside, file);
  } finally {
    await rm(beside, { force: true });
  }
  const folder = await open(dirname(file), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Through symbolic links, and for a path that does not exist yet. */
async function isInside(file: string, folder: string): Promise<boolean> {
  const path = relative(await realpathOf(folder), await realpathOf(file));
  return path === '' || !(path === '..' || path.startsWith(`..${sep}`) || resolve(path) === path);
}

async function realpathOf(path: string): Promise<string> {
  const absolute = resolve(path);
  try {
    return await realpath(absolute);
  } catch (error) {
    const parent = dirname(absolute);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === absolute) throw error;
    return join(await realpathOf(parent), basename(absolute));
  }
}
