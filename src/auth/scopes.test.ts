import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseResourceScope } from './scopes.ts';

test('a search behind a scope has clauses, each with a name and a value, or the scope is none', () => {
  for (const restriction of ['category=laboratory', 'category=a,b&status=final', 'code=http://loinc.org|8480-6'])
    assert.equal(parseResourceScope(`patient/Observation.rs?${restriction}`)?.restriction, restriction);
  for (const restriction of [
    ...['', '?', '??', '&', '&&', '=', '=x', 'category', 'category=', '?category=laboratory', '&category=laboratory'],
    ...['category=laboratory&', 'category=laboratory&&status=final', 'category=laboratory&status', 'a=b\n'],
  ]) {
    assert.equal(parseResourceScope(`patient/Observation.rs?${restriction}`), undefined, JSON.stringify(restriction));
  }
  assert.equal(parseResourceScope('patient/Observation.read?category=laboratory'), undefined);
  assert.equal(parseResourceScope('patient/*.rs?category=laboratory'), undefined);
});
