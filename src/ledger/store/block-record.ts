import { sha256 } from '#crypto/platform';
import type { Block, Head, Misbehaviour } from '../../chain/block.ts';
import { compareBytes, concatBytes, utf8 } from '../../std/bytes.ts';
import { canonicalBytes, type Json, parseCanonical } from '../../std/canonical-json.ts';
import { frame, u32, u64, unframe } from '../../std/frame.ts';

/** A committed block with the head it led to, and the operator's signature over the head before ('' when unknown). */
export interface StoredBlock {
  readonly block: Block;
  readonly head: Head;
  /** Hexadecimal. The signature over this block's own head comes after its fsync, so the next record carries it. */
  readonly previousSignature: string;
}

/*
 * Record:  magic ‖ u32 payload length ‖ u64 height ‖ hash of the record before (32) ‖ payload ‖ hash (32)
 * Segment: magic ‖ u64 first height ‖ genesis hash (32) ‖ salt (32) ‖ hash of the record before (32) ‖ hash (32)
 *
 * A record's hash is over the segment's salt and all the bytes before it. The salt is random and never leaves the
 * disk, so nobody can send a transaction with bytes in it that pass for a record when a torn tail is searched.
 */
const RECORD_MAGIC = utf8('AcB1');
const SEGMENT_MAGIC = utf8('AcS1');
const PAYLOAD_TAG = 'aceso/block-record/1';
export const RECORD_HEADER_BYTES = 4 + 4 + 8 + 32;
export const RECORD_HASH_BYTES = 32;
export const SEGMENT_HEADER_BYTES = 4 + 8 + 32 + 32 + 32 + 32;
/** Largest payload that is read or written. A block's transactions are bounded far below it. */
export const MAX_PAYLOAD_BYTES = 32 * 1024 * 1024;

/** What every record of a segment is checked with. */
export interface SegmentHeader {
  readonly firstHeight: number;
  readonly genesis: Uint8Array;
  readonly salt: Uint8Array;
  readonly previousHash: Uint8Array;
}

export function segmentHeaderToBytes(header: SegmentHeader): Uint8Array {
  const body = concatBytes(SEGMENT_MAGIC, u64(header.firstHeight), header.genesis, header.salt, header.previousHash);
  return concatBytes(body, sha256(body));
}

/** The header; undefined for damaged bytes. */
export function parseSegmentHeader(bytes: Uint8Array): SegmentHeader | undefined {
  if (bytes.length < SEGMENT_HEADER_BYTES || !startsWith(bytes, SEGMENT_MAGIC)) return undefined;
  const body = bytes.subarray(0, SEGMENT_HEADER_BYTES - 32);
  const hash = bytes.subarray(SEGMENT_HEADER_BYTES - 32, SEGMENT_HEADER_BYTES);
  if (compareBytes(sha256(body), hash) !== 0) return undefined;
  return {
    firstHeight: readU64(bytes, 4),
    genesis: bytes.slice(12, 44),
    salt: bytes.slice(44, 76),
    previousHash: bytes.slice(76, 108),
  };
}

/** Bytes of a record and its hash. Throws RangeError when the block is larger than a record may be. */
export function encodeRecord(
  stored: StoredBlock,
  salt: Uint8Array,
  previousHash: Uint8Array,
): { readonly bytes: Uint8Array; readonly hash: Uint8Array } {
  const { block, head, previousSignature } = stored;
  const { height, timeMs, misbehaviour } = block;
  const header: Json = {
    timeMs,
    misbehaviour: misbehaviour.map((report) => ({ ...report })),
    head,
    previousSignature,
  };
  const payload = frame(PAYLOAD_TAG, canonicalBytes(header), ...block.transactions);
  if (payload.length > MAX_PAYLOAD_BYTES) throw new RangeError(`block of ${payload.length} bytes`);
  const body = concatBytes(RECORD_MAGIC, u32(payload.length), u64(height), previousHash, payload);
  const hash = sha256(concatBytes(salt, body));
  return { bytes: concatBytes(body, hash), hash };
}

/** Length of the whole record whose header these bytes begin with; undefined when they are no header. */
export function recordLength(header: Uint8Array): number | undefined {
  if (header.length < RECORD_HEADER_BYTES || !startsWith(header, RECORD_MAGIC)) return undefined;
  const payloadBytes = new DataView(header.buffer, header.byteOffset).getUint32(4);
  return payloadBytes > MAX_PAYLOAD_BYTES ? undefined : RECORD_HEADER_BYTES + payloadBytes + RECORD_HASH_BYTES;
}

export interface CheckedRecord {
  readonly height: number;
  readonly hash: Uint8Array;
  /** Decodes the payload. */
  decode(): StoredBlock;
}

/**
 * A whole record, its hash checked; undefined when it is damaged, or when it does not follow `previousHash` (where
 * that is given).
 */
export function checkRecord(bytes: Uint8Array, salt: Uint8Array, previousHash?: Uint8Array): CheckedRecord | undefined {
  if (recordLength(bytes) !== bytes.length) return undefined;
  const hash = bytes.slice(-RECORD_HASH_BYTES);
  if (compareBytes(sha256(concatBytes(salt, bytes.subarray(0, -RECORD_HASH_BYTES))), hash) !== 0) return undefined;
  if (previousHash !== undefined && compareBytes(bytes.subarray(16, 48), previousHash) !== 0) return undefined;
  const height = readU64(bytes, 8);
  return { height, hash, decode: () => decodePayload(height, bytes.subarray(RECORD_HEADER_BYTES, -RECORD_HASH_BYTES)) };
}

/** Offsets at which a record's magic stands in `bytes`. */
export function* recordMagics(bytes: Uint8Array): Generator<number> {
  for (
    let at = bytes.indexOf(RECORD_MAGIC[0] as number);
    at >= 0;
    at = bytes.indexOf(RECORD_MAGIC[0] as number, at + 1)
  ) {
    if (startsWith(bytes.subarray(at), RECORD_MAGIC)) yield at;
  }
}

function decodePayload(height: number, payload: Uint8Array): StoredBlock {
  // Copied: the transactions outlive the window of the file that they were read from.
  const parts = unframe(PAYLOAD_TAG, payload.slice());
  const header = parts?.[0] === undefined ? undefined : parseCanonical(parts[0]);
  if (parts === undefined || header === undefined)
    throw new Error('a record of another format has the hash of this one');
  const { timeMs, misbehaviour, head, previousSignature } = header as unknown as {
    timeMs: number;
    misbehaviour: readonly Misbehaviour[];
    head: Head;
    previousSignature: string;
  };
  return { block: { height, timeMs, misbehaviour, transactions: parts.slice(1) }, head, previousSignature };
}

function startsWith(bytes: Uint8Array, start: Uint8Array): boolean {
  return bytes.length >= start.length && start.every((byte, at) => bytes[at] === byte);
}

function readU64(bytes: Uint8Array, offset: number): number {
  return Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(offset));
}
