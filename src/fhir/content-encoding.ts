import { type Readable, Transform } from 'node:stream';
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import { rejectFhir } from './codes.ts';

/** Answers below this size cost more to compress than they save. */
const COMPRESSED_FROM_CHARS = 1024;

const gzip = promisify(zlib.gzip);
const deflate = promisify(zlib.deflate);
const brotli = promisify(zlib.brotliCompress);

/** Quick settings: an answer is compressed once and read once. */
const ENCODERS: Readonly<Record<string, (text: string) => Promise<Buffer>>> = {
  gzip: (text) => gzip(text, { level: 4 }),
  br: (text) => brotli(text, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 3 } }),
  deflate: (text) => deflate(text, { level: 4 }),
};

/** The encoding for an answer of this text that the client prefers; undefined for none (RFC 9110 §12.5.3). */
export function encodingFor(accepted: string | undefined, text: string): string | undefined {
  if (accepted === undefined || text.length < COMPRESSED_FROM_CHARS) return undefined;
  const weights = new Map<string, number>();
  for (const part of accepted.split(',', 32)) {
    const [name = '', ...parameters] = part.trim().toLowerCase().split(';');
    const quality = parameters.map((parameter) => /^\s*q=([01](?:\.[0-9]{0,3})?)\s*$/.exec(parameter)?.[1]);
    weights.set(name.trim(), Number(quality.find((found) => found !== undefined) ?? 1));
  }
  let best: string | undefined;
  let bestWeight = 0;
  for (const name of Object.keys(ENCODERS)) {
    const weight = weights.get(name) ?? weights.get('*') ?? 0;
    if (weight <= bestWeight) continue;
    best = name;
    bestWeight = weight;
  }
  return best;
}

/** Compresses on a thread of Node's own. */
export function encode(text: string, encoding: string): Promise<Buffer> {
  return (ENCODERS[encoding] as (text: string) => Promise<Buffer>)(text);
}

/**
 * The body as it was before its Content-Encoding, as a stream that ends at `limitBytes`, so that a small body cannot
 * become a large one. Throws CONTENT_ENCODING_UNSUPPORTED; the stream fails with CONTENT_ENCODING_INVALID or
 * BODY_TOO_LARGE, and decodes nothing more then.
 */
export function decodedBody(body: Readable, encoding: string, limitBytes: number): Readable {
  const decoder = decoderOf(encoding.trim().toLowerCase());
  if (decoder === undefined) return body;
  let decodedBytes = 0;
  const decoded = Object.assign(
    new Transform({
      transform(chunk: Buffer, _encoding, done) {
        decodedBytes += chunk.length;
        done(decodedBytes > limitBytes ? rejectFhir('BODY_TOO_LARGE', { limitBytes }) : null, chunk);
      },
    }),
    { receivedEncodedLength: 0 },
  );
  const stop = () => {
    // The request itself stays whole: it carries the answer.
    body.unpipe(decoder);
    decoder.destroy();
  };
  body.on('data', (chunk: Buffer) => {
    decoded.receivedEncodedLength += chunk.length;
  });
  decoder.on('error', () => decoded.destroy(rejectFhir('CONTENT_ENCODING_INVALID')));
  decoded.on('error', stop);
  body.on('close', () => {
    if (!body.readableEnded) decoded.destroy();
  });
  body.pipe(decoder).pipe(decoded);
  return decoded;
}

function decoderOf(encoding: string) {
  switch (encoding) {
    case 'identity':
    case '':
      return undefined;
    case 'gzip':
    case 'x-gzip':
      return zlib.createGunzip();
    case 'deflate':
      return zlib.createInflate();
    case 'br':
      return zlib.createBrotliDecompress();
    default:
      throw rejectFhir('CONTENT_ENCODING_UNSUPPORTED');
  }
}
