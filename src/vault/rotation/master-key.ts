import { deriveKey } from '../../crypto/node/derive-key.ts';
import { unwrapKey, wrapKey } from '../../crypto/node/key-wrap.ts';
import { bytesToHex, hexToBytes } from '../../std/bytes.ts';
import { reject } from './codes.ts';

/*
 * A node's master key, which all its other keys derive from, wrapped (AES-KW, RFC 3394) under its root key: one line
 * `aceso-master-key-1 <80 hex>`. Another root key is another line, and nothing else changes. A folder without the line is
 * one from before there was any: its root key is its master key.
 */
const LINE = /^aceso-master-key-1 ([0-9a-f]{80})\n$/;
const LABEL = 'aceso/master-key-wrap/1';

/** The line. Both keys are 32 bytes. */
export function wrapMasterKey(rootKey: Uint8Array, master: Uint8Array): string {
  return `aceso-master-key-1 ${bytesToHex(wrapKey(deriveKey(rootKey, LABEL), master))}\n`;
}

/** The master key; undefined under another root key. Throws Reject MASTER_KEY_DAMAGED for what is no such line. */
export function unwrapMasterKey(rootKey: Uint8Array, text: string): Uint8Array | undefined {
  const hex = LINE.exec(text)?.[1];
  if (hex === undefined) throw reject('MASTER_KEY_DAMAGED');
  return unwrapKey(deriveKey(rootKey, LABEL), hexToBytes(hex) as Uint8Array);
}
