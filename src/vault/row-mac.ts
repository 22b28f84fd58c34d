import { equalSecret, hmacFrame } from '#crypto/platform';
import { reject } from './codes.ts';

/**
 * Page encryption hides rows but does not authenticate them, so every row that is not sealed or committed to by a leaf
 * carries the first 16 bytes of HMAC-SHA-256(row key, frame(tag, table, values as JSON, …byte strings)).
 * It detects a flipped byte and a row from elsewhere, not a row that went missing: `scrub` finds those.
 */
export interface RowMac {
  of(table: string, values: readonly (string | number)[], ...bytes: readonly Uint8Array[]): Uint8Array;
  /** Throws Reject VAULT_DAMAGED {table} when `mac` is not the row's. */
  check(mac: Uint8Array, table: string, values: readonly (string | number)[], ...bytes: readonly Uint8Array[]): void;
}

const MAC_BYTES = 16;

export function createRowMac(key: Uint8Array): RowMac {
  const of: RowMac['of'] = (table, values, ...bytes) =>
    hmacFrame(key, 'aceso/vault/row/1', table, JSON.stringify(values), ...bytes).subarray(0, MAC_BYTES);
  return {
    of,
    check(mac, table, values, ...bytes) {
      if (!equalSecret(mac, of(table, values, ...bytes))) throw reject('VAULT_DAMAGED', { table });
    },
  };
}
