/** ML-KEM-768 (FIPS 203): length of an encapsulation key, how much of it is coefficients, and the modulus q. */
const KEY_BYTES = 1184;
const COEFFICIENT_BYTES = 1152;
const MODULUS = 3329;

/**
 * True for bytes that are an ML-KEM-768 encapsulation key: right length, every coefficient of 12 bits below q
 * (FIPS 203 §7.2, "modulus check"). Made here because implementations forget it: @noble/post-quantum 0.5.4 compares
 * a decoding that does not reduce, and so takes any key.
 */
export function isMlKem768PublicKey(key: Uint8Array): boolean {
  if (key.length !== KEY_BYTES) return false;
  for (let at = 0; at < COEFFICIENT_BYTES; at += 3) {
    const [a, b, c] = [key[at] as number, key[at + 1] as number, key[at + 2] as number];
    if ((a | ((b & 15) << 8)) >= MODULUS || ((b >> 4) | (c << 4)) >= MODULUS) return false;
  }
  return true;
}
