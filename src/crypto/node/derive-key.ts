import { hkdfSync } from 'node:crypto';
import { frame } from '../../std/frame.ts';

const NO_SALT = new Uint8Array(0);

/** A 32-byte key of `root` for one use: HKDF-SHA-256 (RFC 5869), info = frame(label, …context). */
export function deriveKey(root: Uint8Array, label: string, ...context: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', root, NO_SALT, frame(label, ...context), 32));
}
