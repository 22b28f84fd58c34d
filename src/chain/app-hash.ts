import { sha256 } from '#crypto/platform';
import { frame, u32, u64 } from '../std/frame.ts';

/** Version of what app_hash covers. */
export const APP_SCHEMA = 1;

/** SHA-256(frame('aceso/app/1', tree root, log root, u64(log size), u32(schema))). */
export function appHash(treeRoot: Uint8Array, logRoot: Uint8Array, logSize: number, schema: number): Uint8Array {
  return sha256(frame('aceso/app/1', treeRoot, logRoot, u64(logSize), u32(schema)));
}
