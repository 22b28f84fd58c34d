import { bytesToHex } from '../std/bytes.ts';

/**
 * y coordinates, little-endian, of the eight points whose order divides 8 (edwards25519's torsion subgroup). Under
 * such a key one signature fits every message.
 */
const SMALL_ORDER_Y: ReadonlySet<string> = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
]);

/**
 * True for an Ed25519 public key that must not be registered: of small order, not 32 bytes, or with y ≥ p = 2^255 − 19
 * (RFC 8032 §5.1.3 refuses it; libraries differ, and where they differ a chain splits).
 */
export function isSmallOrderEd25519(publicKey: Uint8Array): boolean {
  if (publicKey.length !== 32) return true;
  const y = publicKey.slice();
  y[31] = (y[31] as number) & 0x7f;
  return !isBelowP(y) || SMALL_ORDER_Y.has(bytesToHex(y));
}

function isBelowP(y: Uint8Array): boolean {
  if (y[31] !== 0x7f) return true;
  for (let i = 30; i > 0; i--) if (y[i] !== 0xff) return true;
  return (y[0] as number) < 0xed;
}
