import type { AppendFile } from './append-folder.ts';
import {
  type CheckedRecord,
  checkRecord,
  parseSegmentHeader,
  RECORD_HASH_BYTES,
  RECORD_HEADER_BYTES,
  recordLength,
  recordMagics,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
} from './block-record.ts';

/** Bytes read from a segment at once: one system call for many small records. */
const WINDOW_BYTES = 256 * 1024;

/** A file read through a window, so that walking small records does not cost a system call each. */
export function windowOf(file: AppendFile): (offset: number, length: number) => Promise<Uint8Array> {
  let start = 0;
  let window: Uint8Array = new Uint8Array();
  return async (offset, length) => {
    if (offset < start || offset + length > start + window.length) {
      window = await file.read(offset, Math.max(length, WINDOW_BYTES));
      start = offset;
    }
    return window.subarray(offset - start, offset - start + length);
  };
}

export async function readSegmentHeader(file: AppendFile): Promise<SegmentHeader | undefined> {
  return parseSegmentHeader(await file.read(0, SEGMENT_HEADER_BYTES));
}

/** One record found sound, and where it stands. */
export interface RecordPlace {
  readonly record: CheckedRecord;
  readonly offset: number;
  readonly length: number;
}

/** Where a walk starts: at a record's offset, with the height and the hash that come before it. */
export interface WalkStart {
  readonly offset: number;
  readonly height: number;
  /** Undefined when it is not known: the first record is then taken at its own hash. */
  readonly previousHash?: Uint8Array;
}

/** Sound records from `start` on, in order; ends before `endOffset`, or at the first that is not sound. */
export async function* walkSegment(
  file: AppendFile,
  header: SegmentHeader,
  start: WalkStart,
  endOffset: number,
): AsyncGenerator<RecordPlace> {
  const read = windowOf(file);
  let { offset, height, previousHash } = { previousHash: undefined as Uint8Array | undefined, ...start };
  while (offset < endOffset) {
    const length = recordLength(await read(offset, RECORD_HEADER_BYTES));
    if (length === undefined || offset + length > endOffset) return;
    const record = checkRecord(await read(offset, length), header.salt, previousHash);
    if (record === undefined || record.height !== height + 1) return;
    yield { record, offset, length };
    offset += length;
    height++;
    previousHash = record.hash;
  }
}

/**
 * True when a sound record stands anywhere after `offset`: then what is damaged there is no torn tail, since a record
 * is only begun when the one before it is durable.
 */
export async function hasRecordAfter(
  file: AppendFile,
  header: SegmentHeader,
  offset: number,
  endOffset: number,
): Promise<boolean> {
  const smallest = RECORD_HEADER_BYTES + RECORD_HASH_BYTES;
  const rest = await file.read(offset, endOffset - offset);
  for (const at of recordMagics(rest)) {
    if (at === 0 || at + smallest > rest.length) continue;
    const length = recordLength(rest.subarray(at, at + RECORD_HEADER_BYTES));
    if (length === undefined || at + length > rest.length) continue;
    if (checkRecord(rest.subarray(at, at + length), header.salt) !== undefined) return true;
  }
  return false;
}
