import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { prettyJson } from './pretty-json.ts';

test('property: lines are set as JSON.stringify sets them', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      assert.equal(prettyJson(JSON.stringify(value)), JSON.stringify(value, undefined, 2));
    }),
  );
});

test('numbers and escapes stay as they are written', () => {
  assert.equal(
    prettyJson('{"a":1.10,"b":["\\u00fc\\"],{:",{}]}'),
    '{\n  "a": 1.10,\n  "b": [\n    "\\u00fc\\"],{:",\n    {}\n  ]\n}',
  );
});
