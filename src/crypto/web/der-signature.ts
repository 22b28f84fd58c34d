/**
 * r ‖ s in 32 bytes each of a DER ECDSA-Sig-Value (RFC 3279 §2.2.3) for a 256-bit curve; undefined for any other
 * bytes: BER forms, negative or over-long integers, trailing bytes.
 */
export function derToRawSignature(der: Uint8Array): Uint8Array | undefined {
  if (der.length < 8 || der.length > 72 || der[0] !== 0x30 || der[1] !== der.length - 2) return undefined;
  const out = new Uint8Array(64);
  const next = copyInteger(der, 2, out.subarray(0, 32));
  if (next === undefined) return undefined;
  return copyInteger(der, next, out.subarray(32)) === der.length ? out : undefined;
}

/** Copies the DER integer at `at` into `field`, right-aligned; returns where it ends. */
function copyInteger(der: Uint8Array, at: number, field: Uint8Array): number | undefined {
  const length = der[at + 1];
  if (der[at] !== 0x02 || length === undefined || length === 0 || at + 2 + length > der.length) return undefined;
  const bytes = der.subarray(at + 2, at + 2 + length);
  const [first, second] = [bytes[0] as number, bytes[1] ?? 0];
  if (first >= 0x80) return undefined; // negative
  if (first === 0 && length > 1 && second < 0x80) return undefined; // not the shortest form
  const digits = first === 0 ? bytes.subarray(1) : bytes;
  if (digits.length > field.length) return undefined;
  field.set(digits, field.length - digits.length);
  return at + 2 + length;
}
