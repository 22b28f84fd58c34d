import { equalBytes, hexToBytes } from '../std/bytes.ts';

/**
 * y coordinates of the eight points of edwards25519 whose order divides the cofactor, sign bit clear: orders 1, 2, 4
 * (x = ±√−1), 8 and 8 (RFC 7748 §4.1's curve; the list of Cremers and others, "Taming the many EdDSAs", table 6).
 */
const SMALL_ORDER_Y = [
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
].map((hex) => hexToBytes(hex) as Uint8Array);

/**
 * True for an Ed25519 public key that must not be registered: a point of small order, under which one signature fits
 * many messages, or an encoding with y ≥ 2^255 − 19, a second name of another key (RFC 8032 §5.1.3 step 1). Anything
 * but 32 bytes too. A key that is no point at all passes: nothing verifies under it.
 */
export function isSmallOrderEd25519(publicKey: Uint8Array): boolean {
  if (publicKey.length !== 32) return true;
  const y = publicKey.slice();
  y[31] = (y[31] as number) & 0x7f;
  return isBeyondField(y) || SMALL_ORDER_Y.some((small) => equalBytes(y, small));
}

/** y ≥ p, p being 0xed, then thirty times 0xff, then 0x7f in little-endian order. */
function isBeyondField(y: Uint8Array): boolean {
  if ((y[0] as number) < 0xed || y[31] !== 0x7f) return false;
  for (let at = 1; at < 31; at++) if (y[at] !== 0xff) return false;
  return true;
}
