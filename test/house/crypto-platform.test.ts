import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as node from '../../src/crypto/node/platform.ts';
import * as web from '../../src/crypto/web/platform.ts';
import type * as fenced from './fence/crypto-platform.d.ts';

type Fenced = typeof fenced;

// The compiler holds both platforms to what the fence declares; the tests hold them to each other.
const NODE: Fenced = node;
const WEB: Fenced = web;

test('both platforms export the same names', () => {
  assert.deepEqual(Object.keys(node).sort(), Object.keys(web).sort());
});

test('both platforms hash and authenticate alike', () => {
  for (let size = 0; size < 200; size++) {
    const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 31 + size) & 255);
    assert.deepEqual(NODE.sha256(bytes), WEB.sha256(bytes));
    assert.deepEqual(NODE.hmacSha256(bytes, bytes), WEB.hmacSha256(bytes, bytes));
    assert.deepEqual(
      NODE.hmacFrame(bytes, 'aceso/test/1', bytes, 'é'),
      WEB.hmacFrame(bytes, 'aceso/test/1', bytes, 'é'),
    );
  }
});
