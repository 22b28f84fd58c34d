import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failuresBorne, toleranceText } from './tolerance.ts';

test('how many may fail, whichever they are', () => {
  const rows: readonly (readonly [powers: readonly number[], borne: number])[] = [
    [[], 0],
    [[1], 0],
    [[1, 1], 0],
    [[1, 1, 1], 0],
    [[1, 1, 1, 1], 1],
    [[1, 1, 1, 1, 0], 1],
    [[10, 10, 10, 10, 10, 10], 1],
    [[1, 1, 1, 1, 1, 1, 1], 2],
    // The strongest may be the one: it holds a third.
    [[4, 2, 2, 2, 2], 0],
    [[3, 3, 3, 2, 2], 1],
  ];
  for (const [powers, borne] of rows) assert.equal(failuresBorne(powers), borne, powers.join(' '));
});

test('the sentence says what to do where none may fail', () => {
  assert.match(toleranceText([1, 1, 1, 1]), /^4 validators: any 1 of them may fail/);
  assert.match(toleranceText([1]), /from four on, one may fail/);
  assert.match(toleranceText([1, 1, 1]), /^3 validators: when one fails the ledger stands still .*from four on/);
  assert.match(toleranceText([4, 2, 2, 2, 2]), /give them more even power/);
});
