import { canonicalBytes } from '../std/canonical-json.ts';
import { frame } from '../std/frame.ts';
import type { Head } from './block.ts';

/** What the operator of an embedded ledger signs with Ed25519: one statement, bound to genesis. Vectors pin it. */
export function headSignBytes(head: Head): Uint8Array {
  return frame('aceso/head/1', canonicalBytes(head));
}
