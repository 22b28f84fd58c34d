import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { isReject } from '../std/reject.ts';
import { decodedBody } from './content-encoding.ts';

async function decode(
  bytes: Buffer,
  encoding: string,
  limitBytes = 1_000_000,
): Promise<{ bytes: number; code?: string }> {
  let decoded = 0;
  try {
    const parts = Array.from({ length: Math.ceil(bytes.length / 1000) }, (_, at) =>
      bytes.subarray(at * 1000, at * 1000 + 1000),
    );
    for await (const chunk of decodedBody(Readable.from(parts), encoding, limitBytes))
      decoded += (chunk as Buffer).length;
    return { bytes: decoded };
  } catch (thrown) {
    if (!isReject(thrown)) throw thrown;
    return { bytes: decoded, code: thrown.code };
  }
}

test('bodies are decoded by every encoding that is taken', async () => {
  const text = Buffer.from('x'.repeat(50_000));
  for (const [encoding, encoded] of [
    ['gzip', gzipSync(text)],
    ['x-gzip', gzipSync(text)],
    [' GZIP ', gzipSync(text)],
    ['deflate', deflateSync(text)],
    ['br', brotliCompressSync(text)],
    ['identity', text],
  ] as const)
    assert.deepEqual(await decode(encoded, encoding), { bytes: 50_000 }, encoding);
});

test('decoding ends at the limit, long before the end of a bomb', async () => {
  const bomb = gzipSync(Buffer.alloc(100_000_000));
  const { bytes, code } = await decode(bomb, 'gzip', 100_000);
  assert.equal(code, 'BODY_TOO_LARGE');
  assert.ok(bytes <= 100_000);
});

test('what is not what it says, or says what is not known, is refused', async () => {
  assert.equal((await decode(Buffer.from('{}'), 'gzip')).code, 'CONTENT_ENCODING_INVALID');
  assert.equal((await decode(Buffer.from('{}'), 'br')).code, 'CONTENT_ENCODING_INVALID');
  assert.equal((await decode(gzipSync('x'.repeat(999)).subarray(0, 20), 'gzip')).code, 'CONTENT_ENCODING_INVALID');
  for (const encoding of ['compress', 'gzip, gzip', 'constructor', 'zstd'])
    assert.equal((await decode(Buffer.from('{}'), encoding)).code, 'CONTENT_ENCODING_UNSUPPORTED', encoding);
});
