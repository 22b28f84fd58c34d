import { open } from 'node:fs/promises';

const CHUNK_BYTES = 1024 * 1024;

/** The first `sizeBytes` of a file, or all of it. Throws when it is shorter. */
export async function* fileChunks(path: string, sizeBytes?: number): AsyncGenerator<Uint8Array> {
  const handle = await open(path, 'r');
  try {
    const end = sizeBytes ?? (await handle.stat()).size;
    for (let at = 0; at < end; ) {
      const bytes = new Uint8Array(Math.min(CHUNK_BYTES, end - at));
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, at);
      if (bytesRead === 0) throw new Error('a file became shorter while it was read');
      yield bytes.subarray(0, bytesRead);
      at += bytesRead;
    }
  } finally {
    await handle.close();
  }
}
