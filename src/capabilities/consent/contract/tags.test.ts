import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { TAGS_PER_LIST } from './policy.ts';
import { padTags, tag } from './tags.ts';

const KEY = new Uint8Array(32).fill(1);
const counting = () => {
  let drawn = 0;
  return (length: number) => new Uint8Array(length).fill(++drawn);
};

test('a tag is the first half of an HMAC over the framed kind and code', () => {
  const part = (text: string) => Buffer.concat([Buffer.from([0, 0, 0, text.length]), Buffer.from(text)]);
  const framed = Buffer.concat([part('aceso/tag/1'), part('label'), part('sys|HIV')]);
  assert.equal(tag(KEY, 'label', 'sys|HIV'), createHmac('sha256', KEY).update(framed).digest('hex').slice(0, 32));
});

test('kind, code and key each change a tag', () => {
  const base = tag(KEY, 'label', 'x');
  const others = [tag(KEY, 'category', 'x'), tag(KEY, 'label', 'y'), tag(new Uint8Array(32), 'label', 'x')];
  assert.equal(new Set([base, ...others]).size, 4);
});

test('lists are padded to one length, in byte order, whatever the number of tags', () => {
  for (let real = 0; real <= TAGS_PER_LIST; real++) {
    const tags = Array.from({ length: real }, (_, i) => tag(KEY, 'label', `code ${i}`));
    const list = padTags(tags, counting());
    assert.equal(list.length, TAGS_PER_LIST);
    assert.equal(new Set(list).size, TAGS_PER_LIST);
    assert.deepEqual([...list].sort(), list);
    for (const one of tags) assert.ok(list.includes(one));
  }
  const tooMany = Array.from({ length: TAGS_PER_LIST + 1 }, (_, i) => tag(KEY, 'label', `code ${i}`));
  assert.throws(() => padTags(tooMany, counting()), RangeError);
});

test('dummies of the policy before are kept, and none of its real tags', () => {
  const [before, after] = [tag(KEY, 'label', 'a'), tag(KEY, 'label', 'b')];
  const dummies = padTags([before], counting()).filter((one) => one !== before);
  assert.deepEqual(padTags([after], counting(), dummies), [after, ...dummies].sort());
});
