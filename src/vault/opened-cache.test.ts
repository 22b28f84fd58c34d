import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOpenedCache } from './opened-cache.ts';

test('the least used goes first, the largest is not kept, and no more than the limit', () => {
  const cache = createOpenedCache(30);
  const put = (leaf: string, size: number) => cache.put(leaf, new Uint8Array(size), cache.now());
  put('a', 10);
  put('b', 10);
  put('c', 10);
  assert.ok(cache.get('a'));
  put('d', 10);
  assert.equal(cache.get('b'), undefined);
  assert.ok(cache.get('a') && cache.get('c') && cache.get('d'));
  put('e', 31);
  assert.equal(cache.get('e'), undefined);
  put('f', 70_000);
  assert.equal(cache.get('f'), undefined);
});

test('what was read before something was forgotten is not kept', () => {
  const cache = createOpenedCache(100);
  const before = cache.now();
  cache.put('a', new Uint8Array(1), before);
  cache.forget('a');
  assert.equal(cache.get('a'), undefined);
  cache.put('a', new Uint8Array(1), before);
  assert.equal(cache.get('a'), undefined);
  cache.put('a', new Uint8Array(1), cache.now());
  assert.ok(cache.get('a'));
});
