import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesToHex } from '../std/bytes.ts';
import { ed25519PublicKey } from './node/ed25519.ts';
import { randomBytes } from './node/platform.ts';
import { isSmallOrderEd25519 } from './small-order.ts';

/** edwards25519 in big integers, slow and plain: −x² + y² = 1 + d·x²·y² over the field of p elements (RFC 8032 §5.1). */
const P = 2n ** 255n - 19n;
const mod = (value: bigint): bigint => ((value % P) + P) % P;
const power = (base: bigint, exponent: bigint): bigint => {
  let [result, square, rest] = [1n, mod(base), exponent];
  for (; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = mod(result * square);
    square = mod(square * square);
  }
  return result;
};
const invert = (value: bigint): bigint => power(value, P - 2n);
const D = mod(-121665n * invert(121666n));
const ROOT_OF_MINUS_1 = power(2n, (P - 1n) / 4n);
type Point = readonly [x: bigint, y: bigint];

function add([x1, y1]: Point, [x2, y2]: Point): Point {
  const product = mod(D * x1 * x2 * y1 * y2);
  return [mod((x1 * y2 + y1 * x2) * invert(1n + product)), mod((y1 * y2 + x1 * x2) * invert(1n - product))];
}

/** A point of the given y; undefined when there is none (RFC 8032 §5.1.3). */
function pointOf(y: bigint): Point | undefined {
  const square = mod((y * y - 1n) * invert(D * y * y + 1n));
  const root = power(square, (P + 3n) / 8n);
  for (const x of [root, mod(root * ROOT_OF_MINUS_1)]) if (mod(x * x) === square) return [x, y];
  return undefined;
}

function encode(y: bigint, sign: 0 | 1): Uint8Array {
  const bytes = new Uint8Array(32);
  let rest = y | (BigInt(sign) << 255n);
  for (let at = 0; at < 32; at++) {
    bytes[at] = Number(rest & 255n);
    rest >>= 8n;
  }
  return bytes;
}

/** The 8-torsion subgroup: multiples of a point of order 8, found as L times any point, L the prime order. */
function torsionPoints(): Point[] {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  for (let y = 2n; ; y++) {
    const start = pointOf(y);
    if (start === undefined) continue;
    let [generator, double, rest]: [Point, Point, bigint] = [[0n, 1n], start, order];
    for (; rest > 0n; rest >>= 1n) {
      if (rest & 1n) generator = add(generator, double);
      double = add(double, double);
    }
    const points: Point[] = [];
    for (let point: Point = [0n, 1n]; points.length < 8; point = add(point, generator)) points.push(point);
    if (new Set(points.map(String)).size === 8) return points;
  }
}

test('all eight points of small order are refused, under either sign bit', () => {
  const points = torsionPoints();
  assert.equal(new Set(points.map(String)).size, 8);
  for (const [, y] of points) {
    for (const sign of [0, 1] as const) assert.ok(isSmallOrderEd25519(encode(y, sign)), bytesToHex(encode(y, sign)));
  }
});

test('every encoding with y of p and more is refused, and the last one below it is not a matter of encoding', () => {
  for (let y = P; y < 2n ** 255n; y++) {
    for (const sign of [0, 1] as const) assert.ok(isSmallOrderEd25519(encode(y, sign)), bytesToHex(encode(y, sign)));
  }
  // p − 1 is the point of order 2; p − 2 and below are ordinary values.
  for (let y = P - 2n; y > P - 40n; y--) assert.ok(!isSmallOrderEd25519(encode(y, 0)), bytesToHex(encode(y, 0)));
});

test('wrong lengths are refused, ordinary keys are not', () => {
  for (const length of [0, 31, 33, 64]) assert.ok(isSmallOrderEd25519(new Uint8Array(length).fill(9)));
  for (let run = 0; run < 300; run++) assert.ok(!isSmallOrderEd25519(ed25519PublicKey(randomBytes(32))));
});
