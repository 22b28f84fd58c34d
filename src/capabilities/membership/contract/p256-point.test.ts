import assert from 'node:assert/strict';
import { createECDH } from 'node:crypto';
import { test } from 'node:test';
import { isP256Point } from './p256-point.ts';

/** The base point of P-256 (SP 800-186 §3.2.1.3). */
const X = '6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296';
const Y = '4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5';
const MINUS_Y = 'b01cbd1c01e58065711814b583f061e9d431cca994cea1313449bf97c840ae0a';
const P = 'ffffffff00000001000000000000000000000000ffffffffffffffffffffffff';

test('points of the curve', () => {
  assert.equal(isP256Point(`04${X}${Y}`), true);
  assert.equal(isP256Point(`04${X}${MINUS_Y}`), true);
  for (let i = 0; i < 20; i++) {
    const ecdh = createECDH('prime256v1');
    assert.equal(isP256Point(ecdh.generateKeys('hex')), true);
  }
});

test('anything else', () => {
  const secp256k1 = createECDH('secp256k1').generateKeys('hex') as unknown as string;
  const flipped = (hex: string, at: number) =>
    hex.slice(0, at) + (hex.charAt(at) === '0' ? '1' : '0') + hex.slice(at + 1);
  const cases: Record<string, string> = {
    'another curve': secp256k1,
    'a flipped digit of x': flipped(`04${X}${Y}`, 10),
    'a flipped digit of y': flipped(`04${X}${Y}`, 129),
    'y = 0, x = 0': `04${'0'.repeat(128)}`,
    compressed: `02${X}`,
    hybrid: `06${X}${Y}`,
    'upper case': `04${X.toUpperCase()}${Y}`,
    'too long': `04${X}${Y}00`,
    empty: '',
  };
  for (const [name, hex] of Object.entries(cases)) assert.equal(isP256Point(hex), false, name);
});

test('x + p, which is the same field element, is refused as a second encoding', () => {
  // b has a square root, so that 0 is the x of a point; p itself still fits into 32 bytes.
  const root = '66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4';
  assert.equal(isP256Point(`04${'0'.repeat(64)}${root}`), true);
  assert.equal(isP256Point(`04${P}${root}`), false);
});
