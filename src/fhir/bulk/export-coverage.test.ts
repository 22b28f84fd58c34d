import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AccessGrant, parseResourceScope, type ResourceScope } from '../../auth/scopes.ts';
import { coversFile } from './export-coverage.ts';

const LABORATORY = '?category=laboratory';

function grantOf(texts: string, patient?: string): AccessGrant {
  const scopes = texts.split(' ').map((text) => parseResourceScope(text) as ResourceScope);
  return patient === undefined ? { scopes } : { scopes, patient: { id: patient, account: patient } };
}

const CASES: readonly (readonly [
  what: string,
  now: AccessGrant | undefined,
  then: AccessGrant | undefined,
  boolean,
])[] = [
  ['a token without limits has all', undefined, undefined, true],
  ['also what a limited one began', undefined, grantOf('system/Observation.rs'), true],
  ['who may search all of the type has what nothing limited', grantOf('system/*.rs'), undefined, true],
  ['whatever context it was begun in', grantOf('user/Observation.s'), grantOf('system/*.rs'), true],
  ['who may read and not search has nothing', grantOf('system/*.r'), grantOf('system/*.rs'), false],
  ['nor who may search another type', grantOf('system/Patient.rs'), grantOf('system/*.rs'), false],
  [
    'a part covers that part',
    grantOf(`system/Observation.rs${LABORATORY}`),
    grantOf(`system/Observation.s${LABORATORY} system/Patient.rs`),
    true,
  ],
  ['and not the whole', grantOf(`system/Observation.rs${LABORATORY}`), grantOf('system/Observation.s'), false],
  ['nor what nothing limited', grantOf(`system/Observation.rs${LABORATORY}`), undefined, false],
  ['nor another part', grantOf(`user/Observation.rs${LABORATORY}`), grantOf('user/Observation.s?status=final'), false],
  ['a patient covers that patient', grantOf('patient/*.rs', 'a'), grantOf('patient/Observation.rs', 'a'), true],
  ['by searching that type alone', grantOf('patient/Observation.s', 'a'), grantOf('patient/*.rs', 'a'), true],
  ['and parts', grantOf('patient/*.rs', 'a'), grantOf(`patient/Observation.rs${LABORATORY}`, 'a'), true],
  ['and no other', grantOf('patient/*.rs', 'a'), grantOf('patient/Observation.rs', 'b'), false],
  ['nor everybody', grantOf('patient/*.rs', 'a'), grantOf('system/Observation.rs'), false],
  ['nor what nothing limited', grantOf('patient/*.rs', 'a'), undefined, false],
];

for (const [what, now, then, expected] of CASES) {
  test(`${what}: ${expected}`, () => assert.equal(coversFile(now, then, 'Observation'), expected));
}
