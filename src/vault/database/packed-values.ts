import type { SqlValue } from './connection.ts';

/*
 * Values on their way to and from the thread of a database, as one buffer that is handed over without a copy: cloning a
 * row of seventeen values costs more than reading it, and a small Buffer is cloned with the whole slab that it lies in.
 * A value is a byte for its kind and then: nothing for null, a float64, or a u32 length and as many bytes. Both ends are
 * the same build in one process, so nothing here is ever stored.
 */
const NULL = 0;
const NUMBER = 1;
const TEXT = 2;
const BYTES = 3;

const FIRST_BYTES = 4096;

export interface PackWriter {
  number(value: number): void;
  value(value: SqlValue): void;
  readonly at: number;
  /** Forgets what was written since `at` was that: half a message would leave what follows without a beginning. */
  rewind(at: number): void;
  /** What was written, in a buffer of its own; the writer is empty again. */
  take(): Uint8Array<ArrayBuffer>;
}

export function createPackWriter(): PackWriter {
  let buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  let at = 0;

  function grow(more: number): void {
    if (at + more <= buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * buffer.length, at + more));
    buffer.copy(larger, 0, 0, at);
    buffer = larger;
  }

  function number(value: number): void {
    grow(8);
    buffer.writeDoubleLE(value, at);
    at += 8;
  }

  function head(kind: number, length: number): void {
    grow(5 + length);
    buffer[at] = kind;
    buffer.writeUInt32LE(length, at + 1);
    at += 5;
  }

  return {
    get at() {
      return at;
    },
    number,
    rewind(to) {
      at = to;
    },
    value(value) {
      if (typeof value === 'number') {
        grow(9);
        buffer[at] = NUMBER;
        buffer.writeDoubleLE(value, at + 1);
        at += 9;
      } else if (value === null) {
        grow(1);
        buffer[at] = NULL;
        at += 1;
      } else if (typeof value === 'string') {
        // A UTF-16 unit is at most three bytes of UTF-8; measuring first would cost a walk more.
        const start = at;
        head(TEXT, 3 * value.length);
        const length = buffer.write(value, at, 'utf8');
        buffer.writeUInt32LE(length, start + 1);
        at += length;
      } else {
        if (!(value instanceof Uint8Array)) throw new TypeError(`no value of SQL: ${typeof value}`);
        head(BYTES, value.length);
        buffer.set(value, at);
        at += value.length;
      }
    },
    take() {
      const taken = new Uint8Array(buffer.buffer as ArrayBuffer, 0, at);
      buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
      at = 0;
      return taken;
    },
  };
}

export interface PackReader {
  number(): number;
  /** Bytes are a view of what was handed over, which nobody else has. */
  value(): SqlValue;
  readonly isAtEnd: boolean;
}

export function createPackReader(packed: Uint8Array): PackReader {
  const buffer = Buffer.from(packed.buffer, packed.byteOffset, packed.length);
  let at = 0;
  return {
    get isAtEnd() {
      return at >= buffer.length;
    },
    number() {
      at += 8;
      return buffer.readDoubleLE(at - 8);
    },
    value() {
      const kind = buffer[at];
      if (kind === NULL) {
        at += 1;
        return null;
      }
      if (kind === NUMBER) {
        at += 9;
        return buffer.readDoubleLE(at - 8);
      }
      const start = at + 5;
      at = start + buffer.readUInt32LE(at + 1);
      return kind === TEXT ? buffer.toString('utf8', start, at) : buffer.subarray(start, at);
    },
  };
}
