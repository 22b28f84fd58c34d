import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { utf8 } from './bytes.ts';
import {
  canonicalBytes,
  canonicalText,
  type Json,
  jsonFault,
  MAX_JSON_DEPTH,
  parseCanonical,
} from './canonical-json.ts';

const text = () => fc.string({ unit: 'grapheme-ascii', maxLength: 12 });
const name = () => text().filter((value) => value !== '__proto__');
const { body } = fc.letrec<{ body: Json }>((tie) => ({
  body: fc.oneof(
    { maxDepth: 5 },
    fc.boolean(),
    fc.maxSafeInteger().map((value) => (Object.is(value, -0) ? 0 : value)),
    text(),
    fc.array(tie('body'), { maxLength: 5 }),
    fc.dictionary(name(), tie('body'), { maxKeys: 5 }),
  ),
}));

function nested(depth: number, inner: Json): Json {
  let value = inner;
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
}

function parse(source: string): Json | undefined {
  return parseCanonical(utf8(source));
}

test('members are ordered by code unit, without white space (RFC 8785 §3.2.3)', () => {
  assert.equal(
    canonicalText({ b: 1, a: [true, 'x', { z: 0, B: -5 }], '10': 1, '9': 2, '': 3 }),
    '{"":3,"10":1,"9":2,"a":[true,"x",{"B":-5,"z":0}],"b":1}',
  );
});

test('strings escape quotation mark and reverse solidus alone (RFC 8785 §3.2.2.2)', () => {
  assert.equal(canonicalText('a"b\\c/d<'), '"a\\"b\\\\c/d<"');
});

test('what is written is read back the same, and is the only text of its value', () => {
  fc.assert(
    fc.property(body, (value) => {
      const bytes = canonicalBytes(value);
      assert.deepEqual(JSON.parse(JSON.stringify(parseCanonical(bytes))), JSON.parse(JSON.stringify(value)));
      assert.equal(
        parse(JSON.stringify(value, undefined, 1)) === undefined,
        JSON.stringify(value, undefined, 1) !== canonicalText(value),
      );
    }),
  );
});

test('any text that is read is what writing gives', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 4 }), (source) => {
      const value = parse(source);
      if (value !== undefined) assert.equal(canonicalText(value), source);
    }),
    { numRuns: 1000 },
  );
});

test('reading refuses everything but exact bytes', () => {
  const refused = [
    ['null', 'null'],
    ['null below', '{"a":null}'],
    ['a fraction', '1.5'],
    ['a fraction of nothing', '1.0'],
    ['an exponent', '1e3'],
    ['minus nought', '-0'],
    ['2^53', '9007199254740992'],
    ['beyond 2^53', '9007199254740993'],
    ['-2^53', '-9007199254740992'],
    ['a member twice', '{"a":1,"a":1}'],
    ['members out of order', '{"b":1,"a":1}'],
    ['a byte order mark', '\ufeff{}'],
    ['white space', '{ }'],
    ['a line end', '{}\n'],
    ['text beyond ASCII', '"\u00e9"'],
    ['an escape beyond ASCII', '"\\u00e9"'],
    ['a control character', '"\\n"'],
    ['delete', '"\u007f"'],
    ['an escape that is not needed', '"\\u0041"'],
    ['an escaped solidus', '"\\/"'],
    ['a name beyond ASCII', '{"\u00e9":1}'],
    ['__proto__', '{"__proto__":1}'],
    ['nothing', ''],
    ['two values', '1 2'],
    ['no JSON', '{a:1}'],
  ] as const;
  for (const [why, source] of refused) assert.equal(parse(source), undefined, why);
  assert.equal(parseCanonical(Uint8Array.of(0x22, 0xff, 0x22)), undefined, 'ill-formed UTF-8');
  assert.equal(parse('9007199254740991'), Number.MAX_SAFE_INTEGER);
});

test('containers nest up to the limit and not one deeper, full or empty', () => {
  for (const inner of [1, [], {}] as Json[]) {
    const own = typeof inner === 'object' ? 1 : 0;
    assert.equal(jsonFault(nested(MAX_JSON_DEPTH - own, inner)), undefined);
    assert.match(jsonFault(nested(MAX_JSON_DEPTH - own + 1, inner)) ?? '', /nested deeper/);
  }
  assert.equal(parse('['.repeat(100_000) + ']'.repeat(100_000)), undefined);
});

test('writing throws on what is no body, and says where', () => {
  const bad: [unknown, RegExp][] = [
    [{ a: [1, undefined] }, /\$\.a\[1\]/],
    [{ a: null }, /\$\.a: null/],
    [0.5, /not an integer/],
    [-0, /not an integer/],
    [Number.NaN, /not an integer/],
    [2 ** 53, /not an integer/],
    ['\u00e9', /ASCII/],
    [new Date(0), /plain object/],
    [new Map(), /plain object/],
    [{ a: () => 1 }, /function/],
    [1n, /bigint/],
    [Symbol('a'), /symbol/],
    [new Array(1), /\[0\]: undefined/],
  ];
  for (const [value, message] of bad) {
    assert.throws(() => canonicalText(value as Json), { name: 'TypeError', message });
  }
});
