import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { utf8 } from '../std/bytes.ts';
import { isReject } from '../std/reject.ts';
import { exactJson } from './exact-json.ts';
import { LIMITS } from './limits.ts';

const refusals: readonly (readonly [name: string, input: string | Uint8Array, reason: string])[] = [
  ['nothing', '', 'value expected'],
  ['byte order mark', '\ufeff{}', 'byte order mark'],
  ['invalid UTF-8', new Uint8Array([0x22, 0xc3, 0x28, 0x22]), 'not UTF-8'],
  ['encoded surrogate', new Uint8Array([0x22, 0xed, 0xa0, 0x80, 0x22]), 'not UTF-8'],
  ['duplicate name', '{"a":1,"b":2,"a":3}', 'duplicate member name'],
  ['duplicate name, nested', '[{"x":{"a":1, "a":1}}]', 'duplicate member name'],
  [
    'duplicate among many',
    `{${Array.from({ length: 40 }, (_, i) => `"n${i}":0`).join()},"n3":1}`,
    'duplicate member name',
  ],
  ['__proto__', '{"__proto__":{"a":1}}', 'member name not allowed'],
  ['escape in a name', '{"\\u0061":1}', 'escape in a member name'],
  ['long name', `{"${'n'.repeat(LIMITS.memberNameChars + 1)}":1}`, 'member name too long'],
  ['lone high surrogate', '"\\ud83d"', 'lone surrogate'],
  ['high surrogate, then another', '"\\ud83d\\ud83d"', 'lone surrogate'],
  ['lone low surrogate', '"\\ude00"', 'lone surrogate'],
  ['NUL by escape', '"\\u0000"', 'control character'],
  ['raw control character', '"\u0001"', 'control character'],
  ['raw line feed', '"a\nb"', 'control character'],
  ['unknown escape', '"\\x41"', 'escape not allowed'],
  ['backspace', '"\\b"', 'escape not allowed'],
  ['short escape', '"\\u12"', 'escape not allowed'],
  ['open string', '"abc', 'string without end'],
  ['open object', '{"a":1', 'comma or closing bracket expected'],
  ['trailing comma', '[1,]', 'value expected'],
  ['trailing comma in object', '{"a":1,}', 'member name expected'],
  ['missing colon', '{"a" 1}', 'colon expected'],
  ['text after', '{} {}', 'text after the value'],
  ['comment', '{/* */}', 'member name expected'],
  ['single quotes', "{'a':1}", 'member name expected'],
  ['leading zero', '[01]', 'comma or closing bracket expected'],
  ['plus sign', '[+1]', 'value expected'],
  ['bare point', '[.5]', 'value expected'],
  ['NaN', 'NaN', 'value expected'],
  ['infinite number', '1e400', 'number out of range'],
  ['endless number', `0.${'1'.repeat(LIMITS.numberChars)}`, 'number too long'],
  ['half a word', 'tru', 'value expected'],
  ['too deep', '['.repeat(LIMITS.jsonDepth + 1), 'nested too deep'],
];

for (const [name, input, reason] of refusals) {
  test(`exactJson refuses ${name}`, () => {
    assert.throws(
      () => exactJson(typeof input === 'string' ? utf8(input) : input),
      (thrown) => isReject(thrown) && thrown.code === 'JSON_INVALID' && thrown.data.reason === reason,
    );
  });
}

test('exactJson keeps what was written', () => {
  const written =
    '{ "b" : 1.10 , "a":[ 1.0E+2,-0,\t"\\u00e9\\/é\\ud83d\\ude00 \\" x : y" ,true,false,null , {},[ ] ]\r\n}\n';
  assert.equal(
    exactJson(utf8(written)),
    '{"b":1.10,"a":[1.0E+2,-0,"\\u00e9\\/é\\ud83d\\ude00 \\" x : y",true,false,null,{},[]]}',
  );
});

test('depth up to the limit is taken', () => {
  const text = '['.repeat(LIMITS.jsonDepth) + ']'.repeat(LIMITS.jsonDepth);
  assert.equal(exactJson(utf8(text)), text);
});

const string = fc.string({ unit: 'grapheme' }).map((text) => text.replace(/\p{Cc}/gu, ' '));
const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,12}$/).filter((text) => text !== '__proto__');
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    string,
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(name, tie('value'), { maxKeys: 5 }),
  ),
}));

test('property: only whitespace is dropped, twice is once, the value is the same', () => {
  fc.assert(
    fc.property(value, fc.constantFrom('', '\t', '  ', '\n'), (json, indent) => {
      const written = JSON.stringify(json, undefined, indent);
      const exact = exactJson(utf8(written));
      assert.equal(exact, JSON.stringify(json));
      assert.equal(exactJson(utf8(exact)), exact);
      assert.deepEqual(JSON.parse(exact), JSON.parse(written));
    }),
    { numRuns: process.env.ACESO_LONG ? 20_000 : 500 },
  );
});

test('property: of arbitrary text, it takes nothing that JSON.parse refuses', () => {
  const noise = fc.string({ unit: fc.constantFrom(...'{}[]",:\\u0d8 1e-.truefalsn'), maxLength: 24 });
  fc.assert(
    fc.property(noise, (text) => {
      let exact: string;
      try {
        exact = exactJson(utf8(text));
      } catch (thrown) {
        assert.ok(isReject(thrown));
        return;
      }
      assert.deepEqual(JSON.parse(exact), JSON.parse(text));
    }),
    { numRuns: process.env.ACESO_LONG ? 200_000 : 5_000 },
  );
});
