import type { KeyRecord } from '../chain/account.ts';
import { verifyEd25519Sync } from '../crypto/node/ed25519.ts';
import { hexToBytes } from '../std/bytes.ts';

/** How far the time of what a member signed may be from the reader's clock, either way. */
export const STATEMENT_WINDOW_MS = 5 * 60 * 1000;

/** Ed25519 keys of a member in good standing at the latest committed state; none for anybody else. */
export type KeysOf = (member: string) => readonly KeyRecord[];

/** True when `signature` (hexadecimal) over `message` is that of the key `key` among `keys`. */
export function verifies(keys: readonly KeyRecord[], key: string, message: Uint8Array, signature: string): boolean {
  const record = keys.find((one) => one.id === key && one.algorithm === 'ed25519');
  const [publicKey, bytes] = [hexToBytes(record?.publicKey ?? ''), hexToBytes(signature)];
  return publicKey?.length === 32 && bytes?.length === 64 && verifyEd25519Sync(publicKey, message, bytes);
}
