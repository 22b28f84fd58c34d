import { openAes256Gcm, sealAes256Gcm } from '../../crypto/node/aead.ts';
import { concatBytes, utf8 } from '../../std/bytes.ts';
import { frame, u32, u64 } from '../../std/frame.ts';
import type { BulkPlace, BulkReader } from './bulk-storage.ts';
import { rejectBulk } from './codes.ts';

/** nonce and tag of AES-256-GCM. */
const SEAL_BYTES = 28;
const HEAD_BYTES = 4;

/** How much of a file is counted on: what lies behind was never said to be there. */
export interface FileExtent {
  readonly number: number;
  /** Bytes on the disk, frames, and bytes before encryption. */
  readonly sealedBytes: number;
  readonly frames: number;
  readonly bytes: number;
}

/**
 * A frame: length (u32) of what follows, then that piece under AES-256-GCM with the job's key, bound to organisation,
 * job, file and place in it, so that no frame stands for another. A nonce is random, and a job has far fewer frames
 * than the 2^32 that NIST SP 800-38D §8.3 allows.
 */
export function sealFrame(
  place: BulkPlace,
  key: Uint8Array,
  file: number,
  index: number,
  bytes: Uint8Array,
): Uint8Array {
  const sealed = sealAes256Gcm(key, bytes, aadOf(place, file, index));
  return concatBytes(u32(sealed.length), sealed);
}

function aadOf({ custodian, job }: BulkPlace, file: number, index: number): Uint8Array {
  return frame('aceso/bulk/frame/1', utf8(custodian), utf8(job), u32(file), u64(index));
}

/**
 * What was put into a file, frame by frame. Rejects with EXPORT_FILE_DAMAGED at the first frame that is not as it was
 * written, and at the end when the frames are not all that were.
 */
export async function* openFrames(
  place: BulkPlace,
  key: Uint8Array,
  { number, sealedBytes, frames, bytes: wanted }: FileExtent,
  reader: BulkReader,
): AsyncGenerator<Uint8Array, void, undefined> {
  const damaged = () => rejectBulk('EXPORT_FILE_DAMAGED', { file: number });
  let [at, bytes] = [0, 0];
  for (let index = 0; index < frames; index++) {
    const head = await reader.read(at, HEAD_BYTES);
    if (head.length < HEAD_BYTES) throw damaged();
    const length = new DataView(head.buffer, head.byteOffset, HEAD_BYTES).getUint32(0);
    // Before anything is read: a damaged length must not ask for gigabytes.
    if (length < SEAL_BYTES || at + HEAD_BYTES + length > sealedBytes) throw damaged();
    const sealed = await reader.read(at + HEAD_BYTES, length);
    const piece = sealed.length < length ? undefined : openAes256Gcm(key, sealed, aadOf(place, number, index));
    if (piece === undefined) throw damaged();
    at += HEAD_BYTES + length;
    bytes += piece.length;
    yield piece;
  }
  if (at !== sealedBytes || bytes !== wanted) throw damaged();
}
