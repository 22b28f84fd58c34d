import { concatBytes, utf8 } from '../std/bytes.ts';
import { u64 } from '../std/frame.ts';

/**
 * What a witness signs with Ed25519: the time, in seconds since the epoch, and the checkpoint's text
 * (c2sp.org/tlog-cosignature § Ed25519 cosignatures, `cosignature/v1`).
 */
export function cosignatureSignBytes(checkpointText: string, timeS: number): Uint8Array {
  return utf8(`cosignature/v1\ntime ${timeS}\n${checkpointText}`);
}

/** The 72 bytes of a cosignature in a note: u64 time ‖ Ed25519 signature. */
export function encodeCosignature(timeS: number, signature: Uint8Array): Uint8Array {
  return concatBytes(u64(timeS), signature);
}

/** Time and Ed25519 signature of the 72 bytes; undefined for any other length or a time beyond 2^53−1. */
export function parseCosignature(bytes: Uint8Array): { timeS: number; signature: Uint8Array } | undefined {
  if (bytes.length !== 72) return undefined;
  const time = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0);
  if (time > 0x1fffffffffffffn) return undefined;
  return { timeS: Number(time), signature: bytes.subarray(8) };
}
