import { randomBytes } from '#crypto/platform';
import { bytesToHex, compareBytes, hexToBytes } from '../../std/bytes.ts';
import { rejecter } from '../../std/reject.ts';
import { CODES } from '../codes.ts';
import { type AppendFile, type AppendFolder, isDiskFull } from './append-folder.ts';
import {
  encodeRecord,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  type StoredBlock,
  segmentHeaderToBytes,
} from './block-record.ts';
import { hasRecordAfter, readSegmentHeader, walkSegment } from './segment.ts';

const reject = rejecter(CODES);

export const DEFAULT_SEGMENT_BYTES = 64 * 1024 * 1024;
/** Every how many records a segment's index holds an offset: memory against records read in vain. */
const INDEX_STRIDE = 32;
const SEGMENT_NAME = /^([0-9]{16})\.blocks$/;

export interface BlockLogOptions {
  readonly folder: AppendFolder;
  /** Hexadecimal. */
  readonly genesisHash: string;
  /** Height of genesis: 0, or that of the head which a moved ledger goes on from. The first block is the next one. */
  readonly genesisHeight?: number;
  readonly segmentBytes?: number;
  /** Highest height that the state, a signed head or a journal names: these blocks were durable and must be there. */
  readonly namedHeight?: number;
  /** Segments that end before this height are not read at the opening; `verify` reads them. 0: all are read. */
  readonly verifyFromHeight?: number;
}

/** A last block that was cut off because it was never finished. */
export interface CutTail {
  readonly height: number;
  readonly bytes: number;
}

/** The append-only log of blocks: the write-ahead log of the ledger, kept for ever. */
export interface BlockLog {
  /** Height of the last block; that of genesis when there is none. */
  height(): number;
  readonly cut: CutTail | undefined;
  /**
   * Appends the next block; durable when it resolves. LEDGER_STORAGE_FULL leaves the log as it was and may be tried
   * again; LEDGER_STORAGE_FAILED is final until the log is opened again.
   */
  append(stored: StoredBlock): Promise<void>;
  /** Blocks from a height on, to the last. Throws LEDGER_BLOCK_DAMAGED {height}. */
  from(height: number): AsyncGenerator<StoredBlock>;
  read(height: number): Promise<StoredBlock | undefined>;
  /** Reads everything and checks every hash and link. Throws LEDGER_BLOCK_DAMAGED {height}. */
  verify(): Promise<void>;
  close(): Promise<void>;
}

interface Segment {
  readonly name: string;
  readonly firstHeight: number;
  header: SegmentHeader;
  /** Offset of every INDEX_STRIDE-th record; undefined before the segment was walked. */
  offsets: number[] | undefined;
  /** End of the last sound record. */
  endOffset: number;
}

/**
 * Opens the log. An unfinished last block that nothing names is cut off (`cut`); anything else that is not sound
 * throws LEDGER_BLOCK_DAMAGED or LEDGER_BLOCK_MISSING and changes nothing on the disk.
 *
 * Why a damaged end may be cut: a record is begun only when the one before it is durable, and its outcomes are
 * returned only when it is durable itself. So what a crash leaves unfinished is one record at the end of the last
 * segment, of which nobody was told. A durable last record that rots is the same to look at; `namedHeight` tells them
 * apart as soon as its signed head is durable, which is right after.
 */
export async function openBlockLog(options: BlockLogOptions): Promise<BlockLog> {
  const {
    folder,
    genesisHash,
    genesisHeight = 0,
    segmentBytes = DEFAULT_SEGMENT_BYTES,
    namedHeight = 0,
    verifyFromHeight = 0,
  } = options;
  const genesis = hexToBytes(genesisHash) as Uint8Array;
  const segments: Segment[] = [];
  let last: { segment: Segment; file: AppendFile } | undefined;
  let height = genesisHeight;
  let hash: Uint8Array = genesis;
  let cut: CutTail | undefined;
  let failed = false;
  let closing = false;
  let verifying: Promise<void> | undefined;

  const names = (await folder.list()).filter((name) => SEGMENT_NAME.test(name));
  const opened: AppendFile[] = [];
  try {
    for (const [at, name] of names.entries()) await openSegment(name, at === names.length - 1);
    if (height < namedHeight) throw reject('LEDGER_BLOCK_MISSING', { height: height + 1, named: namedHeight });
  } catch (error) {
    for (const file of opened) await file.close();
    throw error;
  }

  async function openSegment(name: string, isLast: boolean): Promise<void> {
    const firstHeight = Number((SEGMENT_NAME.exec(name) as RegExpExecArray)[1]);
    const file = await folder.open(name);
    opened.push(file);
    const sizeBytes = await file.sizeBytes();
    const header = await readSegmentHeader(file);
    if (header === undefined) {
      // A segment's header is durable before its first record is begun: an unfinished one holds nothing.
      if (!isLast || sizeBytes > SEGMENT_HEADER_BYTES || namedHeight >= firstHeight) throw damaged(firstHeight);
      await file.close();
      await folder.remove(name);
      await folder.sync();
      if (segments.length > 0) last = { segment: lastSegment(), file: await folder.open(lastSegment().name) };
      return;
    }
    if (compareBytes(header.genesis, genesis) !== 0)
      throw reject('LEDGER_OTHER_GENESIS', { genesis: bytesToHex(header.genesis) });
    const nextFirst = names[names.indexOf(name) + 1];
    const skip = nextFirst !== undefined && Number.parseInt(nextFirst, 10) <= verifyFromHeight;
    const expected = height + 1;
    if (header.firstHeight !== firstHeight || firstHeight !== expected) throw missing(expected);
    const unread = segments.length > 0 && lastSegment().offsets === undefined;
    if (!unread && compareBytes(header.previousHash, hash) !== 0) throw damaged(firstHeight);
    const segment: Segment = { name, firstHeight, header, offsets: undefined, endOffset: SEGMENT_HEADER_BYTES };
    segments.push(segment);
    if (skip) {
      height = Number.parseInt(nextFirst, 10) - 1;
      segment.endOffset = sizeBytes;
      await file.close();
      return;
    }
    [height, hash] = await walk(segment, file, sizeBytes);
    if (segment.endOffset < sizeBytes) await cutTail(segment, file, sizeBytes, isLast);
    if (isLast) last = { segment, file };
    else await file.close();
  }

  function lastSegment(): Segment {
    return segments.at(-1) as Segment;
  }

  async function cutTail(segment: Segment, file: AppendFile, sizeBytes: number, isLast: boolean): Promise<void> {
    const torn =
      isLast && namedHeight <= height && !(await hasRecordAfter(file, segment.header, segment.endOffset, sizeBytes));
    if (!torn) throw damaged(height + 1);
    cut = { height: height + 1, bytes: sizeBytes - segment.endOffset };
    await file.truncate(segment.endOffset);
    await file.sync();
  }

  /** Walks a segment from its start, indexes it, and returns height and hash of its last sound record. */
  async function walk(segment: Segment, file: AppendFile, endOffset: number): Promise<[number, Uint8Array]> {
    const { header, firstHeight } = segment;
    let [lastHeight, lastHash] = [firstHeight - 1, header.previousHash];
    const offsets: number[] = [];
    segment.endOffset = SEGMENT_HEADER_BYTES;
    const start = { offset: SEGMENT_HEADER_BYTES, height: lastHeight, previousHash: lastHash };
    for await (const { record, offset, length } of walkSegment(file, header, start, endOffset)) {
      if ((record.height - firstHeight) % INDEX_STRIDE === 0) offsets.push(offset);
      segment.endOffset = offset + length;
      [lastHeight, lastHash] = [record.height, record.hash];
    }
    segment.offsets = offsets;
    return [lastHeight, lastHash];
  }

  async function startSegment(): Promise<{ segment: Segment; file: AppendFile }> {
    const name = `${String(height + 1).padStart(16, '0')}.blocks`;
    const header: SegmentHeader = { firstHeight: height + 1, genesis, salt: randomBytes(32), previousHash: hash };
    const file = await folder.open(name);
    try {
      // A crash or a full disk may have left an unfinished one of the same name.
      await file.truncate(0);
      await file.append(segmentHeaderToBytes(header));
      // Header, then name: a record in a file that is not found after a crash would be a block lost.
      await file.sync();
      await folder.sync();
    } catch (error) {
      await file.close();
      throw error;
    }
    const segment: Segment = { name, firstHeight: height + 1, header, offsets: [], endOffset: SEGMENT_HEADER_BYTES };
    segments.push(segment);
    await last?.file.close();
    return { segment, file };
  }

  async function append(stored: StoredBlock): Promise<void> {
    if (failed) throw reject('LEDGER_STORAGE_FAILED');
    if (stored.block.height !== height + 1) throw new Error(`block ${stored.block.height} after ${height}`);
    try {
      if (last === undefined || last.segment.endOffset >= segmentBytes) last = await startSegment();
    } catch (error) {
      failed = !isDiskFull(error);
      throw reject(failed ? 'LEDGER_STORAGE_FAILED' : 'LEDGER_STORAGE_FULL');
    }
    const { segment, file } = last;
    const record = encodeRecord(stored, segment.header.salt, hash);
    try {
      await file.append(record.bytes);
    } catch (error) {
      // The part that was written is cut off at once; should that fail too, the next opening does it.
      failed = true;
      const truncated = await file.truncate(segment.endOffset).then(
        () => true,
        () => false,
      );
      failed = !truncated || !isDiskFull(error);
      throw reject(failed ? 'LEDGER_STORAGE_FAILED' : 'LEDGER_STORAGE_FULL');
    }
    try {
      await file.sync();
    } catch {
      // Linux drops dirty pages whose write failed and calls the next fsync a success: never try again, start anew.
      failed = true;
      throw reject('LEDGER_STORAGE_FAILED');
    }
    if ((stored.block.height - segment.firstHeight) % INDEX_STRIDE === 0) segment.offsets?.push(segment.endOffset);
    segment.endOffset += record.bytes.length;
    height++;
    hash = record.hash;
  }

  async function* from(start: number): AsyncGenerator<StoredBlock> {
    let next = Math.max(genesisHeight + 1, start);
    for (let at = segmentOf(next); at < segments.length && next <= height; at++) {
      const segment = segments[at] as Segment;
      const file = await folder.open(segment.name);
      try {
        const lastOfSegment = (segments[at + 1]?.firstHeight ?? height + 1) - 1;
        if (segment.offsets === undefined) await walk(segment, file, segment.endOffset);
        const step = Math.floor((next - segment.firstHeight) / INDEX_STRIDE);
        const offset = segment.offsets?.[step];
        const before = segment.firstHeight + step * INDEX_STRIDE - 1;
        if (offset === undefined) throw damaged(next);
        for await (const { record } of walkSegment(
          file,
          segment.header,
          { offset, height: before },
          segment.endOffset,
        )) {
          if (record.height < next) continue;
          yield record.decode();
          next++;
        }
        if (next <= lastOfSegment) throw damaged(next);
      } finally {
        await file.close();
      }
    }
  }

  function segmentOf(wanted: number): number {
    let at = segments.length - 1;
    while (at > 0 && (segments[at] as Segment).firstHeight > wanted) at--;
    return Math.max(0, at);
  }

  async function verify(): Promise<void> {
    let [expected, before] = [genesisHeight + 1, genesis as Uint8Array];
    for (const segment of [...segments]) {
      if (segment.firstHeight !== expected || compareBytes(segment.header.previousHash, before) !== 0)
        throw damaged(expected);
      // Blocks may be appended meanwhile: only what was there at the start is read.
      const { endOffset } = segment;
      const file = await folder.open(segment.name);
      try {
        const header = await readSegmentHeader(file);
        if (header === undefined) throw damaged(expected);
        const start = { offset: SEGMENT_HEADER_BYTES, height: expected - 1, previousHash: before };
        let offset = start.offset;
        for await (const place of walkSegment(file, header, start, endOffset)) {
          if (closing) return;
          before = place.record.hash;
          expected = place.record.height + 1;
          offset = place.offset + place.length;
        }
        if (offset < endOffset) throw damaged(expected);
      } finally {
        await file.close();
      }
    }
  }

  return {
    height: () => height,
    cut,
    append,
    from,
    async read(wanted) {
      for await (const stored of from(wanted)) return stored.block.height === wanted ? stored : undefined;
      return undefined;
    },
    verify() {
      verifying = verify();
      return verifying;
    },
    async close() {
      closing = true;
      await verifying?.catch(() => {});
      await last?.file.close();
    },
  };
}

function damaged(height: number): Error {
  return reject('LEDGER_BLOCK_DAMAGED', { height });
}

function missing(height: number): Error {
  return reject('LEDGER_BLOCK_MISSING', { height });
}
