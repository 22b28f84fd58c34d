import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Type } from 'typebox';
import { messageRule } from './contract.ts';
import { findRule } from './dispatch.ts';

const ruleOf = (name: string) =>
  messageRule({
    schema: Type.Object({ [name]: Type.Integer() }, { additionalProperties: false }),
    lane: 'ordinary',
    handle: () => ({}),
  });

test('a message is held against the rule in force, also when it was held against an earlier one before', () => {
  const message = { type: 'note.put', size: 1 };
  const [first, second] = [ruleOf('size'), ruleOf('length')];
  const found = findRule(new Map([['note.put', first]]), message);
  assert.deepEqual(found, { rule: first, message: { size: 1 } });
  assert.equal(findRule(new Map([['note.put', first]]), message), found);
  assert.equal(findRule(new Map([['note.put', second]]), message), 'SCHEMA_INVALID');
  assert.equal(findRule(new Map(), message), 'MESSAGE_INACTIVE');
  assert.deepEqual(findRule(new Map([['note.put', first]]), message), found);
});

test('a handler cannot change the message for whoever runs it next', () => {
  const found = findRule(new Map([['note.put', ruleOf('size')]]), { type: 'note.put', size: 1 });
  assert.ok(typeof found !== 'string' && Object.isFrozen(found.message));
});
