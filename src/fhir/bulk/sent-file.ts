import { Readable } from 'node:stream';
import { createGzip, constants as zlib } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { acceptsGzip } from './bulk-answer.ts';
import { rejectBulk } from './codes.ts';
import type { SealedFiles } from './sealed-file.ts';
import type { FileExtent } from './sealed-frames.ts';

export const NDJSON = 'application/fhir+ndjson';

/**
 * Sends a file as it is decrypted, compressed where the client takes that. Damage that shows in the first frame refuses the
 * request; damage further on breaks the connection off, which Content-Length, or gzip's own end, tells the client. Throws
 * EXPORT_FILE_DAMAGED. `entry.readers` counts downloads, so that expiry waits for them.
 */
export async function sendFile(
  request: FastifyRequest,
  reply: FastifyReply,
  files: SealedFiles,
  file: FileExtent,
  entry: { readers: number },
): Promise<FastifyReply> {
  const pieces = files.read(file);
  entry.readers += 1;
  let isOver = false;
  const end = () => {
    if (!isOver) entry.readers -= 1;
    isOver = true;
  };
  const first = await pieces.next().catch((thrown: unknown) => {
    end();
    throw thrown;
  });
  if (first.done === true) {
    end();
    if (file.bytes > 0) throw rejectBulk('EXPORT_FILE_DAMAGED', { file: file.number });
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    try {
      if (first.done !== true) yield first.value;
      yield* pieces;
    } finally {
      await pieces.return();
      end();
    }
  }
  const body = Readable.from(all(), { objectMode: false, highWaterMark: 64 * 1024 });
  const vary = reply.getHeader('vary');
  reply
    .type(NDJSON)
    .header('cache-control', 'no-store')
    .header('vary', typeof vary === 'string' ? `${vary}, accept-encoding` : 'accept-encoding');
  if (!acceptsGzip(request)) return reply.header('content-length', file.bytes).send(body);
  // An error on the way must reach the answer: `pipe` alone would end it as if it were whole.
  const zip = createGzip({ level: zlib.Z_BEST_SPEED });
  body.on('error', (error) => zip.destroy(error));
  zip.on('close', () => body.destroy());
  return reply.header('content-encoding', 'gzip').send(body.pipe(zip));
}
