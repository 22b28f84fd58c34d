import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isReject } from '../../std/reject.ts';
import { applyJsonPatch } from './json-patch.ts';
import { PATCH_LIMITS } from './patch-work.ts';

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (thrown) {
    if (isReject(thrown)) return thrown.code;
    throw thrown;
  }
  return 'taken';
}

/** RFC 6902 appendix A, and cases of the same kind: document, patch, and what comes out or which refusal. */
const cases: readonly (readonly [name: string, document: string, patch: string, outcome: string])[] = [
  [
    'A.1 adding an object member',
    '{"foo":"bar"}',
    '[{"op":"add","path":"/baz","value":"qux"}]',
    '{"foo":"bar","baz":"qux"}',
  ],
  [
    'A.2 adding an array element',
    '{"foo":["bar","baz"]}',
    '[{"op":"add","path":"/foo/1","value":"qux"}]',
    '{"foo":["bar","qux","baz"]}',
  ],
  ['A.3 removing a member', '{"baz":"qux","foo":"bar"}', '[{"op":"remove","path":"/baz"}]', '{"foo":"bar"}'],
  [
    'A.4 removing an array element',
    '{"foo":["bar","qux","baz"]}',
    '[{"op":"remove","path":"/foo/1"}]',
    '{"foo":["bar","baz"]}',
  ],
  [
    'A.5 replacing a value',
    '{"baz":"qux","foo":"bar"}',
    '[{"op":"replace","path":"/baz","value":"boo"}]',
    '{"baz":"boo","foo":"bar"}',
  ],
  [
    'A.6 moving a value',
    '{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}',
    '[{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]',
    '{"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}',
  ],
  [
    'A.7 moving an array element',
    '{"foo":["all","grass","cows","eat"]}',
    '[{"op":"move","from":"/foo/1","path":"/foo/3"}]',
    '{"foo":["all","cows","eat","grass"]}',
  ],
  [
    'A.8 testing a value: success',
    '{"baz":"qux","foo":["a",2,"c"]}',
    '[{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}]',
    '{"baz":"qux","foo":["a",2,"c"]}',
  ],
  ['A.9 testing a value: error', '{"baz":"qux"}', '[{"op":"test","path":"/baz","value":"bar"}]', 'PATCH_TEST_FAILED'],
  [
    'A.10 adding a nested member',
    '{"foo":"bar"}',
    '[{"op":"add","path":"/child","value":{"grandchild":{}}}]',
    '{"foo":"bar","child":{"grandchild":{}}}',
  ],
  [
    'A.11 ignoring unknown members',
    '{"foo":"bar"}',
    '[{"op":"add","path":"/baz","value":"qux","xyz":123}]',
    '{"foo":"bar","baz":"qux"}',
  ],
  [
    'A.12 adding to a nonexistent target',
    '{"foo":"bar"}',
    '[{"op":"add","path":"/baz/bat","value":"qux"}]',
    'PATCH_PATH_UNMATCHED',
  ],
  ['A.14 escapes of pointers', '{"/":9,"~1":10}', '[{"op":"test","path":"/~01","value":10}]', '{"/":9,"~1":10}'],
  ['A.15 strings are no numbers', '{"/":9,"~1":10}', '[{"op":"test","path":"/~01","value":"10"}]', 'PATCH_TEST_FAILED'],
  [
    'A.16 adding an array value',
    '{"foo":["bar"]}',
    '[{"op":"add","path":"/foo/-","value":["abc","def"]}]',
    '{"foo":["bar",["abc","def"]]}',
  ],
  ['an empty patch', '{"foo":1.10}', '[]', '{"foo":1.10}'],
  [
    'what is not touched keeps its form',
    '{"a":1.10,"b":"\\u00fc","c":[1e2,{"d":0.00}]}',
    '[{"op":"add","path":"/c/0","value":2.50}]',
    '{"a":1.10,"b":"\\u00fc","c":[2.50,1e2,{"d":0.00}]}',
  ],
  [
    'add replaces what is there, in its place',
    '{"a":1,"b":2}',
    '[{"op":"add","path":"/a","value":3}]',
    '{"a":3,"b":2}',
  ],
  ['add at the end by number', '{"a":[1]}', '[{"op":"add","path":"/a/1","value":2}]', '{"a":[1,2]}'],
  ['add beyond the end', '{"a":[1]}', '[{"op":"add","path":"/a/2","value":2}]', 'PATCH_PATH_UNMATCHED'],
  ['an index with a leading zero', '{"a":[1,2]}', '[{"op":"remove","path":"/a/01"}]', 'PATCH_PATH_UNMATCHED'],
  ['an index that is no number', '{"a":[1,2]}', '[{"op":"remove","path":"/a/1e0"}]', 'PATCH_PATH_UNMATCHED'],
  ['remove of -', '{"a":[1]}', '[{"op":"remove","path":"/a/-"}]', 'PATCH_PATH_UNMATCHED'],
  ['replace of -', '{"a":[1]}', '[{"op":"replace","path":"/a/-","value":2}]', 'PATCH_PATH_UNMATCHED'],
  ['replace of what is not there', '{"a":1}', '[{"op":"replace","path":"/b","value":2}]', 'PATCH_PATH_UNMATCHED'],
  ['remove of what is not there', '{"a":1}', '[{"op":"remove","path":"/b"}]', 'PATCH_PATH_UNMATCHED'],
  ['a path through text', '{"a":"b"}', '[{"op":"add","path":"/a/b","value":2}]', 'PATCH_PATH_UNMATCHED'],
  ['a name of Object', '{"a":1}', '[{"op":"test","path":"/constructor","value":1}]', 'PATCH_PATH_UNMATCHED'],
  ['an empty name', '{"":{"":1}}', '[{"op":"replace","path":"//","value":2}]', '{"":{"":2}}'],
  [
    'copy',
    '{"a":{"b":1.0}}',
    '[{"op":"copy","from":"/a","path":"/c"},{"op":"add","path":"/c/b","value":2}]',
    '{"a":{"b":1.0},"c":{"b":2}}',
  ],
  [
    'copy of what was changed',
    '{"a":[1]}',
    '[{"op":"add","path":"/a/-","value":2},{"op":"copy","from":"/a","path":"/b"}]',
    '{"a":[1,2],"b":[1,2]}',
  ],
  ['move to its own place', '{"a":1,"b":2}', '[{"op":"move","from":"/b","path":"/b"}]', '{"a":1,"b":2}'],
  ['move into itself', '{"a":{"b":1}}', '[{"op":"move","from":"/a","path":"/a/b/c"}]', 'PATCH_INVALID'],
  ['move to a name that begins alike', '{"a":1}', '[{"op":"move","from":"/a","path":"/ab"}]', '{"ab":1}'],
  ['the whole replaced', '{"a":1}', '[{"op":"replace","path":"","value":{"b":2}}]', '{"b":2}'],
  ['the whole replaced by no object', '{"a":1}', '[{"op":"replace","path":"","value":[]}]', 'PATCH_RESULT_INVALID'],
  ['the whole removed', '{"a":1}', '[{"op":"remove","path":""}]', 'PATCH_INVALID'],
  [
    'test of numbers by value',
    '{"a":1.10,"b":1e2,"c":-0.0}',
    '[{"op":"test","path":"/a","value":1.1},{"op":"test","path":"/b","value":100},{"op":"test","path":"/c","value":0}]',
    '{"a":1.10,"b":1e2,"c":-0.0}',
  ],
  [
    'test of numbers to the last digit',
    '{"a":0.10000000000000000001}',
    '[{"op":"test","path":"/a","value":0.1}]',
    'PATCH_TEST_FAILED',
  ],
  [
    'test of objects in any order',
    '{"a":{"b":[1,{"c":null}],"d":"\\u00fc"}}',
    '[{"op":"test","path":"/a","value":{"d":"ü","b":[1.0,{"c":null}]}}]',
    '{"a":{"b":[1,{"c":null}],"d":"\\u00fc"}}',
  ],
  ['test of arrays in order', '{"a":[1,2]}', '[{"op":"test","path":"/a","value":[2,1]}]', 'PATCH_TEST_FAILED'],
  ['test of null', '{"a":null}', '[{"op":"test","path":"/a","value":null}]', '{"a":null}'],
  ['test of null that is not there', '{"a":1}', '[{"op":"test","path":"/b","value":null}]', 'PATCH_PATH_UNMATCHED'],
  [
    'all or nothing',
    '{"a":1}',
    '[{"op":"replace","path":"/a","value":2},{"op":"test","path":"/a","value":1}]',
    'PATCH_TEST_FAILED',
  ],
  ['no array', '{"a":1}', '{"op":"test"}', 'PATCH_INVALID'],
  ['an operation that is none', '{"a":1}', '[{"op":"spam","path":"/a","value":1}]', 'PATCH_INVALID'],
  ['an operation without op', '{"a":1}', '[{"path":"/a","value":1}]', 'PATCH_INVALID'],
  ['an operation without path', '{"a":1}', '[{"op":"add","value":1}]', 'PATCH_INVALID'],
  ['an operation that is text', '{"a":1}', '["add"]', 'PATCH_INVALID'],
  ['a path that is no text', '{"a":1}', '[{"op":"add","path":null,"value":1}]', 'PATCH_INVALID'],
  ['a path without slash', '{"a":1}', '[{"op":"add","path":"a","value":1}]', 'PATCH_INVALID'],
  ['a path with a bad escape', '{"a":1}', '[{"op":"add","path":"/a~2","value":1}]', 'PATCH_INVALID'],
  ['add without value', '{"a":1}', '[{"op":"add","path":"/a"}]', 'PATCH_INVALID'],
  ['copy without from', '{"a":1}', '[{"op":"copy","path":"/a"}]', 'PATCH_INVALID'],
  ['copy from nothing', '{"a":1}', '[{"op":"copy","from":"/b","path":"/a"}]', 'PATCH_PATH_UNMATCHED'],
  [
    'a name that breaks out of its quotes',
    '{"a":1}',
    '[{"op":"add","path":"/b\\":1,\\"c","value":1}]',
    'PATCH_INVALID',
  ],
  ['a name with a line feed', '{"a":1}', '[{"op":"add","path":"/\\n","value":1}]', 'PATCH_INVALID'],
  ['__proto__', '{"a":1}', '[{"op":"add","path":"/__proto__","value":{}}]', 'PATCH_RESULT_INVALID'],
  [
    'another id',
    '{"resourceType":"Patient","id":"a"}',
    '[{"op":"replace","path":"/id","value":"b"}]',
    'PATCH_IDENTITY',
  ],
  ['no id', '{"resourceType":"Patient","id":"a"}', '[{"op":"remove","path":"/id"}]', 'PATCH_IDENTITY'],
  [
    'another type',
    '{"resourceType":"Patient","id":"a"}',
    '[{"op":"add","path":"","value":{"resourceType":"Person","id":"a"}}]',
    'PATCH_IDENTITY',
  ],
  [
    'the same id',
    '{"resourceType":"Patient","id":"a"}',
    '[{"op":"replace","path":"/id","value":"\\u0061"}]',
    '{"resourceType":"Patient","id":"\\u0061"}',
  ],
];

for (const [name, document, patch, outcome] of cases) {
  test(`JSON Patch: ${name}`, () => {
    if (outcome.startsWith('PATCH_'))
      assert.equal(
        codeOf(() => applyJsonPatch(document, patch)),
        outcome,
      );
    else assert.equal(applyJsonPatch(document, patch), outcome);
  });
}

test('a refusal names the operation, and no path or value', () => {
  assert.throws(
    () =>
      applyJsonPatch(
        '{"name":"Ann"}',
        '[{"op":"add","path":"/x","value":1},{"op":"test","path":"/name","value":"Bob"}]',
      ),
    (error) =>
      isReject(error) && JSON.stringify(error.data) === '{"operation":1}' && !/Ann|Bob|name"/.test(error.message),
  );
});

test('too many operations, copies of copies and endless depth meet limits', () => {
  const many = JSON.stringify(
    Array.from({ length: PATCH_LIMITS.operations + 1 }, () => ({ op: 'test', path: '/a', value: 1 })),
  );
  assert.equal(
    codeOf(() => applyJsonPatch('{"a":1}', many)),
    'PATCH_TOO_COSTLY',
  );
  const bomb = JSON.stringify(Array.from({ length: 60 }, (_, i) => ({ op: 'copy', from: '', path: `/a${i}` })));
  const before = performance.now();
  assert.equal(
    codeOf(() => applyJsonPatch(`{"a":"${'x'.repeat(1000)}"}`, bomb)),
    'PATCH_TOO_COSTLY',
  );
  assert.ok(performance.now() - before < 5000);
  const deep: object[] = [{ op: 'add', path: '/b', value: {} }];
  for (let i = 0; i < 499; i++) {
    deep.push(
      { op: 'add', path: '/c', value: {} },
      { op: 'move', from: '/b', path: '/c/b' },
      { op: 'move', from: '/c', path: '/b' },
    );
  }
  assert.equal(
    codeOf(() => applyJsonPatch('{"a":1}', JSON.stringify(deep.slice(0, 999)))),
    'PATCH_RESULT_INVALID',
  );
  const long = JSON.stringify([{ op: 'add', path: '/a'.repeat(PATCH_LIMITS.pointerSteps + 1), value: 1 }]);
  assert.equal(
    codeOf(() => applyJsonPatch('{"a":1}', long)),
    'PATCH_INVALID',
  );
  const heavy = JSON.stringify(
    Array.from({ length: 500 }, () => [
      { op: 'add', path: '/a/0', value: 1 },
      { op: 'copy', from: '/a', path: '/b' },
    ]).flat(),
  );
  assert.equal(
    codeOf(() => applyJsonPatch(`{"a":[${'1,'.repeat(200_000)}1]}`, heavy)),
    'PATCH_TOO_COSTLY',
  );
});

/** A plain implementation on parsed JSON; throws when an operation cannot be done. */
function plainPatch(
  document: Json,
  operations: readonly { op: string; path: string; from?: string; value?: Json }[],
): Json {
  let root = structuredClone(document);
  const steps = (pointer: string) => pointer.split('/').slice(1);
  const get = (at: string[]): Json =>
    at.reduce<Json>((value, step) => {
      if (Array.isArray(value)) {
        if (!/^(0|[1-9]\d*)$/.test(step) || Number(step) >= value.length) throw new Error('no element');
        return value[Number(step)] as Json;
      }
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) throw new Error('no member');
      return value[step] as Json;
    }, root);
  const put = (at: string[], value: Json) => {
    const last = at.at(-1);
    if (last === undefined) {
      root = value;
      return;
    }
    const parent = get(at.slice(0, -1));
    if (Array.isArray(parent)) {
      if (last !== '-' && (!/^(0|[1-9]\d*)$/.test(last) || Number(last) > parent.length)) throw new Error('no place');
      parent.splice(last === '-' ? parent.length : Number(last), 0, value);
    } else if (typeof parent === 'object' && parent !== null) parent[last] = value;
    else throw new Error('no object');
  };
  const cut = (at: string[]) => {
    const last = at.at(-1);
    get(at);
    const parent = get(at.slice(0, -1));
    if (last === undefined) throw new Error('root');
    if (Array.isArray(parent)) parent.splice(Number(last), 1);
    else delete (parent as { [name: string]: Json })[last];
  };
  for (const { op, path, from = '', value = null } of operations) {
    const at = steps(path);
    if (op === 'add') put(at, structuredClone(value));
    if (op === 'remove') cut(at);
    if (op === 'replace') {
      get(at);
      const parent = at.length === 0 ? undefined : get(at.slice(0, -1));
      if (Array.isArray(parent)) parent[Number(at.at(-1))] = structuredClone(value);
      else put(at, structuredClone(value));
    }
    if (op === 'copy') put(at, structuredClone(get(steps(from))));
    if (op === 'move') {
      if (path.startsWith(`${from}/`)) throw new Error('into itself');
      const moved = get(steps(from));
      if (from !== '') cut(steps(from));
      put(at, moved);
    }
    if (op === 'test') assert.deepEqual(get(at), value);
  }
  return root;
}

test('property: the text that comes out is what a plain implementation makes of the parsed document', () => {
  const name = fc.constantFrom('a', 'b', '0');
  const { json } = fc.letrec<{ json: Json }>((tie) => ({
    json: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom<Json>(null, true, 1, 2.5, 'x', 'y"\\', ''),
      fc.array(tie('json'), { minLength: 1, maxLength: 3 }),
      fc.dictionary(name, tie('json'), { maxKeys: 3 }),
    ),
  }));
  const pointer = fc
    .array(fc.oneof(name, fc.constant('-')), { minLength: 1, maxLength: 2 })
    .map((steps) => steps.map((step) => `/${step}`).join(''));
  const operation = fc.record({
    op: fc.constantFrom('add', 'add', 'remove', 'replace', 'move', 'copy', 'test'),
    path: pointer,
    from: pointer,
    value: json,
  });
  let taken = 0;
  fc.assert(
    fc.property(
      fc.dictionary(name, json, { minKeys: 2, maxKeys: 3 }),
      fc.array(operation, { maxLength: 4 }),
      (document, operations) => {
        let expected: Json | undefined;
        try {
          // Through text, since some of what is drawn has no prototype.
          const [plain, asked] = JSON.parse(JSON.stringify([document, operations]));
          expected = plainPatch(plain, asked);
        } catch {
          // Refused: so must the text's patch be.
        }
        const code = codeOf(() => applyJsonPatch(JSON.stringify(document), JSON.stringify(operations)));
        assert.equal(code === 'taken', expected !== undefined, code);
        if (expected === undefined) return;
        taken += operations.length;
        assert.deepEqual(JSON.parse(applyJsonPatch(JSON.stringify(document), JSON.stringify(operations))), expected);
      },
    ),
    { numRuns: 3000 },
  );
  assert.ok(taken > 300, String(taken));
});
