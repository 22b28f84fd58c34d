/** NIST P-256 (SP 800-186 §3.2.1.3): y² = x³ − 3x + b over the field of p. */
const P = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn;
const B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;

/**
 * True when `publicKeyHex` is an uncompressed point (SEC 1 §2.3.3: 04, x, y) on P-256 with coordinates below p. The
 * curve has cofactor 1, so that no such point is of small order. Public input: not constant-time.
 */
export function isP256Point(publicKeyHex: string): boolean {
  if (!/^04[0-9a-f]{128}$/.test(publicKeyHex)) return false;
  const x = BigInt(`0x${publicKeyHex.slice(2, 66)}`);
  const y = BigInt(`0x${publicKeyHex.slice(66)}`);
  if (x >= P || y >= P) return false;
  return (y * y - (x * x * x - 3n * x + B)) % P === 0n;
}
