import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routeOf } from './routes.ts';

const isType = (type: string) => ['Patient', 'Observation', 'Organization'].includes(type);

test('addresses and what they lead to', () => {
  const cases: readonly (readonly [path: string, kind: string | undefined])[] = [
    ['', 'system'],
    ['metadata', 'metadata'],
    ['_history', 'history'],
    ['$op', 'operation'],
    ['Patient', 'type'],
    ['Patient/_search', 'search'],
    ['Patient/_history', 'history'],
    ['Patient/$op', 'operation'],
    ['Patient/1', 'instance'],
    ['Patient/1/_history', 'history'],
    ['Patient/1/_history/2', 'version'],
    ['Patient/1/$op', 'operation'],
    ['Patient/1/_history/2/$op', 'operation'],
    ['Patient/1/Observation', 'compartment'],
    ['Patient/1/*', 'compartment'],
    ['Patient/1/Observation/_search', 'compartment'],
    ['Organization/1/Observation', undefined],
    ['Patient/1/Nothing', undefined],
    ['Patient/1/Observation/2', undefined],
    ['Patient/1/Observation/_search/3', undefined],
    ['Patient/1/_history/', undefined],
    ['Patient/1/_history/2/op', undefined],
    ['Patient/1/_history/2/$op/3', undefined],
    ['Patient/1/$op/2', undefined],
    ['Patient/_search/1', undefined],
    ['Patient/_history/1', undefined],
    ['Patient/$op/1', undefined],
    ['Patient/_other', undefined],
    ['Patient/1/', undefined],
    ['_other', undefined],
    ['constructor', undefined],
    ['Patient/1/2/3/4/5/6/7', undefined],
  ];
  for (const [path, kind] of cases) assert.equal(routeOf(path, isType)?.kind, kind, path);
});
