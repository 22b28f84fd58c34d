import { reject } from './codes.ts';

/**
 * Most bytes of one message. CometBFT itself takes 2^31 - 1 (abci/types/messages.go, maxMsgSize), but no block may have
 * more than these (types/params.go, MaxBlockSizeBytes), and nothing else that it sends is larger than a block.
 */
export const MAX_FRAME_BYTES = 104_857_600;

/** Bytes of the longest length that is in bounds: 2^28 - 1 is above MAX_FRAME_BYTES. */
const MAX_PREFIX_BYTES = 4;

/** Cuts a stream into messages, each preceded by its length as an unsigned varint (libs/protoio). */
export interface DelimitedReader {
  /** Takes bytes as they come from the stream; they are kept, not copied. */
  push(chunk: Uint8Array): void;
  /**
   * The next whole message, or undefined until more has come. It may share memory with what was pushed. Throws Reject
   * ABCI_FRAME_MALFORMED, ABCI_FRAME_TOO_LARGE; the stream cannot be read on after that.
   */
  next(): Uint8Array | undefined;
  /** Bytes that were pushed and not yet returned. */
  bufferedBytes(): number;
}

export function createDelimitedReader(maxFrameBytes = MAX_FRAME_BYTES): DelimitedReader {
  /** Chunks behind `head`; the first `taken` of them are through. */
  const later: Uint8Array[] = [];
  let taken = 0;
  let head: Uint8Array = new Uint8Array(0);
  let at = 0;
  let buffered = 0;
  /** Length of the message whose prefix has been read. */
  let length: number | undefined;

  /** Makes `head[at]` the first byte that is buffered, where there is one. */
  function settleHead(): void {
    while (at === head.length && taken < later.length) {
      head = later[taken++] as Uint8Array;
      at = 0;
    }
    // What is through is let go of, also when the stream never runs dry.
    if (taken > 0 && (taken === later.length || taken > 64)) {
      later.splice(0, taken);
      taken = 0;
    }
  }

  /** The prefix is read only when all of it is there, so that nothing has to be remembered of a part of it. */
  function readLength(): number | undefined {
    let value = 0;
    let [chunk, position, following] = [head, at, taken];
    for (let count = 0; count < MAX_PREFIX_BYTES; count++) {
      while (position === chunk.length) {
        const next = later[following++];
        if (next === undefined) return undefined;
        [chunk, position] = [next, 0];
      }
      const byte = chunk[position++] as number;
      value += (byte & 0x7f) * 2 ** (7 * count);
      if (byte < 0x80) {
        // Go writes the shortest form; a longer one was not written by it.
        if (byte === 0 && count > 0) throw reject('ABCI_FRAME_MALFORMED');
        skip(count + 1);
        return value;
      }
    }
    throw reject('ABCI_FRAME_TOO_LARGE', { maxBytes: maxFrameBytes });
  }

  function skip(count: number): void {
    buffered -= count;
    for (let left = count; left > 0; ) {
      settleHead();
      const step = Math.min(left, head.length - at);
      at += step;
      left -= step;
    }
  }

  function take(count: number): Uint8Array {
    settleHead();
    buffered -= count;
    if (head.length - at >= count) {
      const frame = head.subarray(at, at + count);
      at += count;
      return frame;
    }
    const frame = new Uint8Array(count);
    for (let filled = 0; filled < count; ) {
      settleHead();
      const part = head.subarray(at, at + Math.min(count - filled, head.length - at));
      frame.set(part, filled);
      filled += part.length;
      at += part.length;
    }
    return frame;
  }

  return {
    push(chunk) {
      if (chunk.length === 0) return;
      buffered += chunk.length;
      // A Buffer's slice shares memory where a Uint8Array's copies: what goes on from here is plain.
      later.push(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length));
    },
    next() {
      settleHead();
      length ??= readLength();
      if (length === undefined) return undefined;
      if (length > maxFrameBytes) throw reject('ABCI_FRAME_TOO_LARGE', { bytes: length, maxBytes: maxFrameBytes });
      if (buffered < length) return undefined;
      const frame = take(length);
      length = undefined;
      return frame;
    },
    bufferedBytes: () => buffered,
  };
}
