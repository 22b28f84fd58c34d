import { createHash } from 'node:crypto';
import { concatBytes } from '../../std/bytes.ts';
import type { BulkPlace, BulkStorage } from './bulk-storage.ts';
import { type FileExtent, openFrames, sealFrame } from './sealed-frames.ts';

/** Files of one job, written in pieces and read back. */
export interface SealedFiles {
  /** Adds lines to a file, each with a line feed behind it; durable when it resolves to what is counted on from then on. */
  append<File extends FileExtent>(file: File, lines: readonly Uint8Array[]): Promise<File>;
  /** What was put in, piece by piece; closes the file when it is done with. Rejects with EXPORT_FILE_DAMAGED. */
  read(file: FileExtent): AsyncGenerator<Uint8Array, void, undefined>;
  /** Empties a file that nobody needs any more; it cannot be read after that. */
  clear(file: FileExtent): Promise<void>;
  /** SHA-256 of what was put in, in hexadecimal: from what passed here, else by reading the file again. */
  digest(file: FileExtent): Promise<string>;
  release(): Promise<void>;
}

const LINE_FEED = Uint8Array.of(0x0a);
const NOTHING = new Uint8Array(0);

export function createSealedFiles(
  storage: BulkStorage,
  place: BulkPlace,
  key: Uint8Array,
  frameBytes: number,
): SealedFiles {
  /** Hashes of files of which all bytes passed here; a file that was begun before a restart is read again. */
  const hashes = new Map<number, { readonly hash: ReturnType<typeof createHash>; bytes: number }>();

  function note(file: FileExtent, piece: Uint8Array): void {
    const known = hashes.get(file.number) ?? { hash: createHash('sha256'), bytes: 0 };
    if (known.bytes !== file.bytes) return;
    known.hash.update(piece);
    known.bytes += piece.length;
    hashes.set(file.number, known);
  }

  async function* read(file: FileExtent): AsyncGenerator<Uint8Array, void, undefined> {
    const reader = await storage.read(place, file.number);
    try {
      yield* openFrames(place, key, file, reader);
    } finally {
      await reader.close();
    }
  }

  return {
    async append(file, lines) {
      let grown = file;
      const sealed: Uint8Array[] = [];
      for (const piece of pieces(lines, frameBytes)) {
        const bytes = sealFrame(place, key, file.number, grown.frames, piece);
        sealed.push(bytes);
        note(grown, piece);
        grown = {
          ...grown,
          sealedBytes: grown.sealedBytes + bytes.length,
          frames: grown.frames + 1,
          bytes: grown.bytes + piece.length,
        };
      }
      await storage.append(place, file.number, file.sealedBytes, concatBytes(...sealed));
      return grown;
    },
    read,
    clear: (file) => storage.append(place, file.number, 0, NOTHING),
    async digest(file) {
      const known = hashes.get(file.number);
      if (known?.bytes === file.bytes) return known.hash.copy().digest('hex');
      const hash = createHash('sha256');
      for await (const piece of read(file)) hash.update(piece);
      return hash.digest('hex');
    },
    release: () => storage.release(place),
  };
}

/** Whole lines together, up to the size of a frame. */
function* pieces(lines: readonly Uint8Array[], frameBytes: number): Generator<Uint8Array> {
  let held: Uint8Array[] = [];
  let size = 0;
  for (const line of lines) {
    if (size > 0 && size + line.length > frameBytes) {
      yield concatBytes(...held);
      [held, size] = [[], 0];
    }
    held.push(line, LINE_FEED);
    size += line.length + 1;
  }
  if (held.length > 0) yield concatBytes(...held);
}
