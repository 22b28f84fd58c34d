import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compilePattern } from './safe-pattern.ts';

test('patterns of value sets match whole values', () => {
  const cases: [string, string[], string[]][] = [
    ['([A-Z][A-Z])', ['DE'], ['DEU', 'D', 'de', '']],
    ['[A-Z]{3}', ['DEU'], ['DE', 'DEUT']],
    ['^a.*z$', ['az', 'a-z'], ['za', 'a\nz']],
    ['LP\\d+-\\d', ['LP1234-5'], ['LP-5', 'LP1234-56']],
    ['a|bc|', ['a', 'bc', ''], ['b', 'abc']],
    ['(?:ab){2,3}', ['abab', 'ababab'], ['ab', 'abababab']],
    ['[^a-c\\]]?x', ['x', 'dx'], ['ax', ']x']],
    ['[\\w-]+', ['a-b_9'], ['a b']],
    ['a\\.b', ['a.b'], ['axb']],
    ['.', ['😀'], ['ab']],
    ['x{0}', [''], ['x']],
  ];
  for (const [source, inside, outside] of cases) {
    const pattern = compilePattern(source);
    assert.ok(pattern !== undefined, source);
    for (const text of inside) assert.equal(pattern.matches(text), true, `${source} on ${text}`);
    for (const text of outside) assert.equal(pattern.matches(text), false, `${source} on ${text}`);
  }
});

test('what cannot be matched in linear time, or is malformed, is not compiled', () => {
  for (const source of [
    '(?=a)b',
    '(?<!a)b',
    '(a)\\1',
    '\\bword',
    '\\p{L}',
    'a**',
    'a++',
    '(',
    ')',
    '[',
    'a{2',
    'a{3,2}',
    '*',
    '[b-a]',
    'a'.repeat(201),
    '(a{20}){30}',
    '(((){300}){300}){300}',
    `${'('.repeat(30)}a${')'.repeat(30)}`,
    '[a&&[b]]',
  ])
    assert.equal(compilePattern(source), undefined, source);
});

test('hostile patterns take no time', () => {
  const began = performance.now();
  for (const source of ['(a+)+', '(a|a)*', '(a*)*b', '(.*a){20}', '((a?){0,15}){0,15}', '(x+x+)+y']) {
    compilePattern(source)?.matches(`${'a'.repeat(2_000)}!`);
  }
  assert.ok(performance.now() - began < 2_000, `${performance.now() - began} ms`);
});

test('property: agrees with RegExp', () => {
  const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\d', '[0-9a]', '\\.');
  const { pattern } = fc.letrec<{ pattern: string; part: string }>((tie) => ({
    part: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      atom,
      fc.tuple(tie('pattern')).map(([inner]) => `(${inner})`),
    ),
    pattern: fc
      .array(fc.tuple(tie('part'), fc.constantFrom('', '', '?', '*', '+', '{1,2}', '{2}', '*?', '|')), {
        minLength: 1,
        maxLength: 3,
      })
      .map((parts) => parts.map(([part, repeat]) => part + repeat).join('')),
  }));
  fc.assert(
    fc.property(pattern, fc.array(fc.constantFrom('a', 'b', '.', '1', '\n'), { maxLength: 6 }), (source, chars) => {
      const compiled = compilePattern(source);
      if (compiled === undefined) return;
      const text = chars.join('');
      assert.equal(compiled.matches(text), new RegExp(`^(?:${source})$`, 'u').test(text), `${source} on ${text}`);
    }),
    { numRuns: 3_000 },
  );
});
