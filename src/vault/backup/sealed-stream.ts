import { randomBytes } from '#crypto/platform';
import { openAes256Gcm, sealAes256Gcm } from '../../crypto/node/aead.ts';
import { concatBytes, utf8 } from '../../std/bytes.ts';
import { frame, u32 } from '../../std/frame.ts';
import { reject } from './codes.ts';

/**
 * A stream of bytes, sealed in pieces: `aceso-rows-1\n`, 16 random bytes that name the stream, then for each piece its
 * length (u32) and AES-256-GCM of it. What it is sealed with names the stream, the piece's number and whether it is the
 * last, so pieces cannot be left out, moved, or put into another stream.
 */
const MAGIC = utf8('aceso-rows-1\n');
const ID_BYTES = 16;
const PIECE_BYTES = 1024 * 1024;
/** A row of the largest resource, and more. */
const MAX_PIECE_BYTES = 64 * 1024 * 1024;

function context(id: Uint8Array, number: number, isLast: boolean): Uint8Array {
  return frame('aceso/vault/backup-rows/1', id, u32(number), Uint8Array.of(isLast ? 1 : 0));
}

export async function* sealStream(key: Uint8Array, plain: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const id = randomBytes(ID_BYTES);
  let number = 0;
  const piece = (parts: readonly Uint8Array[], isLast: boolean): Uint8Array => {
    const sealed = sealAes256Gcm(key, concatBytes(...parts), context(id, number++, isLast));
    return concatBytes(u32(sealed.length), sealed);
  };
  yield concatBytes(MAGIC, id);
  let [parts, size]: [Uint8Array[], number] = [[], 0];
  for await (const bytes of plain) {
    if (size > 0 && size + bytes.length > PIECE_BYTES) {
      yield piece(parts, false);
      [parts, size] = [[], 0];
    }
    parts.push(bytes);
    size += bytes.length;
  }
  yield piece(parts, true);
}

/** The bytes again, in pieces. Throws Reject BACKUP_ROWS_DAMAGED; what came before that is sound and not all. */
export async function* openStream(key: Uint8Array, sealed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const take = reader(sealed);
  const head = await take(MAGIC.length + ID_BYTES);
  if (head === undefined || !MAGIC.every((byte, at) => head[at] === byte)) throw reject('BACKUP_ROWS_DAMAGED');
  const id = head.subarray(MAGIC.length);
  for (let number = 0; ; number++) {
    const length = await take(4);
    const size = length === undefined ? -1 : new DataView(length.buffer, length.byteOffset, 4).getUint32(0);
    const bytes = size < 0 || size > MAX_PIECE_BYTES ? undefined : await take(size);
    if (bytes === undefined) throw reject('BACKUP_ROWS_DAMAGED', { piece: number });
    const more = openAes256Gcm(key, bytes, context(id, number, false));
    const plain = more ?? openAes256Gcm(key, bytes, context(id, number, true));
    if (plain === undefined) throw reject('BACKUP_ROWS_DAMAGED', { piece: number });
    yield plain;
    if (more !== undefined) continue;
    if ((await take(1)) !== undefined) throw reject('BACKUP_ROWS_DAMAGED', { piece: number + 1 });
    return;
  }
}

/** Gives so many bytes at a time; undefined when there are not so many left. */
function reader(source: AsyncIterable<Uint8Array>): (count: number) => Promise<Uint8Array | undefined> {
  const chunks = source[Symbol.asyncIterator]();
  let held: Uint8Array[] = [];
  let size = 0;
  return async (count) => {
    while (size < count) {
      const { done, value } = await chunks.next();
      if (done === true) return undefined;
      held.push(value);
      size += value.length;
    }
    const all = held.length === 1 ? (held[0] as Uint8Array) : concatBytes(...held);
    held = [all.subarray(count)];
    size -= count;
    return all.subarray(0, count);
  };
}
