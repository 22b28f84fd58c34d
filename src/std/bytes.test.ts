import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  base64ToBytes,
  base64urlToBytes,
  bytesToBase64,
  bytesToBase64url,
  bytesToHex,
  compareBytes,
  concatBytes,
  equalBytes,
  hexToBytes,
  utf8,
  utf8ToText,
} from './bytes.ts';

const bytes = () => fc.uint8Array({ maxLength: 80 });

test('each textual form is what Node gives, and comes back as the same bytes', () => {
  fc.assert(
    fc.property(bytes(), (value) => {
      const buffer = Buffer.from(value);
      assert.equal(bytesToHex(value), buffer.toString('hex'));
      assert.equal(bytesToBase64(value), buffer.toString('base64'));
      assert.equal(bytesToBase64url(value), buffer.toString('base64url'));
      assert.deepEqual(hexToBytes(bytesToHex(value)), value);
      assert.deepEqual(base64ToBytes(bytesToBase64(value)), value);
      assert.deepEqual(base64urlToBytes(bytesToBase64url(value)), value);
    }),
  );
});

test('a text that decodes is the only text of its bytes', () => {
  const nearHex = fc.string({ unit: fc.constantFrom('0', '9', 'a', 'f', 'F', 'g', '\n', ' ', '\u0130', '\ud800') });
  const near64 = fc.string({ unit: fc.constantFrom('A', 'Q', 'g', '9', '+', '/', '-', '_', '=', '\n', '\u0161') });
  fc.assert(
    fc.property(nearHex, near64, (hex, base64) => {
      const [fromHex, from64, fromUrl] = [hexToBytes(hex), base64ToBytes(base64), base64urlToBytes(base64)];
      if (fromHex !== undefined) assert.equal(bytesToHex(fromHex), hex);
      if (from64 !== undefined) assert.equal(bytesToBase64(from64), base64);
      if (fromUrl !== undefined) assert.equal(bytesToBase64url(fromUrl), base64);
    }),
    { numRuns: 2000 },
  );
});

test('decoders refuse what is nearly right', () => {
  for (const text of ['0', 'AB', '0g', 'ab\n', ' ab', '0x']) assert.equal(hexToBytes(text), undefined, text);
  for (const text of ['A', 'AA', 'AAA', 'AB==', 'AAB=', 'A===', '====', 'AA==AA==', 'AA-_', 'AA==\n']) {
    assert.equal(base64ToBytes(text), undefined, text);
  }
  for (const text of ['A', 'AB', 'AAB', 'AA==', 'AA+/', 'AAAA\n'])
    assert.equal(base64urlToBytes(text), undefined, text);
});

test('RFC 4648 §10 vectors', () => {
  const vectors = { f: 'Zg==', fo: 'Zm8=', foo: 'Zm9v', foob: 'Zm9vYg==', fooba: 'Zm9vYmE=', foobar: 'Zm9vYmFy' };
  for (const [text, base64] of Object.entries(vectors)) {
    assert.equal(bytesToBase64(utf8(text)), base64);
    assert.deepEqual(base64ToBytes(base64), utf8(text));
  }
});

test('a text of many megabytes decodes without using up the stack', () => {
  const size = 8 * 1024 * 1024;
  assert.equal(hexToBytes('ab'.repeat(size))?.length, size);
  assert.equal(base64ToBytes('AAAA'.repeat(size))?.length, size * 3);
});

test('compareBytes is the order of Buffer.compare, and equalBytes its zero', () => {
  fc.assert(
    fc.property(bytes(), bytes(), (a, b) => {
      assert.equal(Math.sign(compareBytes(a, b)), Buffer.compare(a, b));
      assert.equal(equalBytes(a, b), Buffer.compare(a, b) === 0);
      assert.ok(equalBytes(a, a.slice()));
    }),
  );
  assert.ok(compareBytes(Uint8Array.of(1), Uint8Array.of(1, 0)) < 0);
});

test('concatBytes is Buffer.concat', () => {
  fc.assert(
    fc.property(fc.array(bytes()), (parts) => {
      assert.deepEqual(Buffer.from(concatBytes(...parts)), Buffer.concat(parts));
    }),
  );
});

test('utf8ToText refuses ill-formed bytes and keeps a byte order mark', () => {
  for (const bad of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82]]) {
    assert.throws(() => utf8ToText(Uint8Array.from(bad)), TypeError);
  }
  assert.equal(utf8ToText(Uint8Array.of(0xef, 0xbb, 0xbf, 0x41)), '\ufeffA');
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => assert.equal(utf8ToText(utf8(text)), text)));
});
