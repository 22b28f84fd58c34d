import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testTag, testTags } from '../../../../test/support/care-chain.ts';
import { type DecisionRequest, decide } from './decide.ts';
import type { VersionFacts } from './match.ts';
import { type Policy, type Provision, policyFault } from './policy.ts';
import { isPurpose, PURPOSES, purposeIsNamed } from './purposes.ts';

const A = 'a'.repeat(32);
const B = 'b'.repeat(32);
const label = (code: string) => testTag('ada', 'label', code);
const labels = (...codes: readonly string[]) => testTags('ada', 'label', ...codes);

let made = 0;
function policy(sense: 'permit' | 'deny', root: Provision, more: Partial<Policy> = {}): Policy {
  made += 1;
  const id = made.toString(16).padStart(64, '0');
  return {
    id,
    status: 'active',
    grantor: A,
    scope: `adr:${id.slice(32)}`,
    sequence: made,
    sense,
    root,
    exceptions: [],
    ...more,
  };
}

function version(more: Partial<VersionFacts> = {}): VersionFacts {
  return { categoryTags: [], labelTags: [], dataTags: [], ...more };
}

function request(more: Partial<DecisionRequest> = {}): DecisionRequest {
  const asker = {
    atMs: 100,
    purpose: 'TREAT',
    purposeTags: [],
    organisation: A,
    actorTags: [],
    relation: 'other',
  } as const;
  return { ...asker, versions: [version()], ...more } as DecisionRequest;
}

test('by labels a deny matches on any of a version’s, a permit only when it names them all', () => {
  const [permit, deny] = [
    policy('permit', { labelTags: labels('N', 'R') }),
    policy('deny', { labelTags: labels('HIV') }),
  ];
  const open = policy('permit', {});
  const table: readonly (readonly [policies: readonly Policy[], carried: readonly string[], expected: string])[] = [
    [[permit], ['N'], 'permit'],
    [[permit], ['N', 'R'], 'permit'],
    [[permit], ['N', 'HIV'], 'deny'],
    [[permit], [], 'deny'],
    [[open, deny], ['N', 'HIV'], 'deny'],
    [[open, deny], ['N'], 'permit'],
    [[open, deny], [], 'permit'],
  ];
  for (const [policies, carried, expected] of table) {
    const decision = decide(policies, request({ versions: [version({ labelTags: carried.map(label) })] }));
    assert.equal(decision.decision, expected, carried.join());
  }
});

test('versions are decided one by one, and what is denied is withheld', () => {
  const [permit, deny] = [policy('permit', {}), policy('deny', { labelTags: labels('PSY') })];
  const versions = [version(), version({ labelTags: [label('PSY')] }), version({ labelTags: [label('N')] })];
  const decision = decide([permit, deny], request({ versions }));
  assert.deepEqual(decision, {
    decision: 'permit',
    rules: [`${permit.id}#0`],
    obligations: ['withhold'],
    versions: [
      { decision: 'permit', rules: [`${permit.id}#0`] },
      { decision: 'deny', rules: [`${deny.id}#0`] },
      { decision: 'permit', rules: [`${permit.id}#0`] },
    ],
  });
  assert.deepEqual(decide([permit], request({ versions: [] })).rules, ['default:nothing-asked']);
});

test('an exception beats its root, and is named by its place', () => {
  const narrowed = policy('permit', {}, { exceptions: [{ members: [B] }, { purposes: ['HRESCH'] }] });
  assert.deepEqual(decide([narrowed], request()).rules, [`${narrowed.id}#0`]);
  assert.deepEqual(decide([narrowed], request({ organisation: B, purpose: 'HRESCH' })).rules, [
    `${narrowed.id}#1`,
    `${narrowed.id}#2`,
  ]);
  const opened = policy('deny', { purposes: ['HRESCH'] }, { exceptions: [{ purposes: ['HRESCH'], members: [B] }] });
  assert.deepEqual(decide([opened], request({ organisation: B, purpose: 'HRESCH' })).rules, [`${opened.id}#1`]);
  assert.deepEqual(decide([opened], request({ purpose: 'HRESCH' })).rules, [`${opened.id}#0`]);
  // Another Consent's denial still beats the exception's permit.
  const deny = policy('deny', {});
  assert.deepEqual(decide([opened, deny], request({ organisation: B, purpose: 'HRESCH' })).rules, [`${deny.id}#0`]);
});

test('every kind of criterion that a provision names has to match', () => {
  const root = { purposes: ['TREAT'], members: [A], labelTags: labels('N'), dataFromMs: 10, dataToMs: 20 };
  const fitting = { labelTags: [label('N')], authoredMs: 15 };
  const decides = (asker: Partial<DecisionRequest>, facts: Partial<VersionFacts>) =>
    decide(
      [policy('permit', root)],
      request({ ...asker, versions: [version({ ...fitting, ...facts })] } as Partial<DecisionRequest>),
    ).decision;
  assert.equal(decides({}, {}), 'permit');
  for (const asker of [{ purpose: 'HPAYMT' }, { organisation: B }]) assert.equal(decides(asker, {}), 'deny');
  for (const facts of [{ labelTags: [label('R')] }, { authoredMs: 9 }, { authoredMs: 21 }])
    assert.equal(decides({}, facts), 'deny');
});

test('an unknown authored time never helps a permit and never escapes a deny', () => {
  const open = policy('permit', {});
  assert.equal(decide([policy('permit', { dataFromMs: 0 })], request()).decision, 'deny');
  assert.equal(decide([open, policy('deny', { dataFromMs: 0 })], request()).decision, 'deny');
});

test('validity is counted to the millisecond, exceptions included', () => {
  const limited = policy('deny', { periodFromMs: 50, periodToMs: 100 }, { exceptions: [{ members: [A] }] });
  for (const [atMs, expected] of [
    [49, 'default:no-permit'],
    [50, `${limited.id}#1`],
    [100, `${limited.id}#1`],
    [101, 'default:no-permit'],
  ] as const) {
    assert.deepEqual(decide([limited], request({ atMs })).rules, [expected]);
  }
});

test('revoked, superseded and contradictory policies', () => {
  const slot = { scope: 'research' };
  const [older, newer] = [policy('permit', {}, slot), policy('deny', { members: [B] }, slot)];
  assert.equal(decide([older], request()).decision, 'permit');
  assert.deepEqual(decide([newer, older], request()).rules, ['default:no-permit']);
  assert.deepEqual(decide([older, { ...newer, status: 'revoked' }], request()).rules, ['default:no-permit']);
  // Another grantor's policy in the same scope stands beside it.
  assert.equal(decide([older, { ...newer, grantor: B }], request()).decision, 'permit');
  const rival = { ...older, id: 'c'.repeat(64) };
  assert.deepEqual(decide([older, rival], request()).rules, [`${older.id}#CONTRADICTORY`, `${rival.id}#CONTRADICTORY`]);
});

test('a malformed policy denies whatever another permits, and names the reason', () => {
  const permit = policy('permit', {});
  const sound = policy('permit', { labelTags: labels('N') }) as unknown as Record<string, unknown>;
  const breaks: readonly (readonly [fault: string, policy: unknown])[] = [
    ['status', { ...sound, status: 'draft' }],
    ['sense', { ...sound, sense: 'maybe' }],
    ['unknown-member', { ...sound, unless: {} }],
    ['root.unknown-member', { ...sound, root: { practitioner: A } }],
    ['root.purposes', { ...sound, root: { purposes: ['XYZ'] } }],
    ['root.purposes', { ...sound, root: { purposes: [] } }],
    ['root.purposes', { ...sound, root: { purposes: ['constructor'] } }],
    ['root.members', { ...sound, root: { members: ['clinic'] } }],
    ['root.labelTags', { ...sound, root: { labelTags: labels('N').slice(1) } }],
    ['root.labelTags', { ...sound, root: { labelTags: 'N' } }],
    ['root.periodToMs', { ...sound, root: { periodFromMs: 5, periodToMs: 4 } }],
    ['root.periodFromMs', { ...sound, root: { periodFromMs: 0.5 } }],
    ['root.provision', { ...sound, root: null }],
    ['exceptions', { ...sound, exceptions: {} }],
    ['exceptions', { ...sound, exceptions: Array.from({ length: 9 }, () => ({})) }],
    ['exceptions.0.wider-than-root.label', { ...sound, sense: 'deny', exceptions: [{}] }],
    ['exceptions.0.wider-than-root.dataPeriod', { ...sound, sense: 'deny', root: { dataToMs: 1 }, exceptions: [{}] }],
    ['sequence', { ...sound, sequence: -1 }],
    ['scope', { ...sound, scope: 'HIV' }],
    ['grantor', { ...sound, grantor: 'ada' }],
    ['document', { ...sound, document: 'x' }],
    ['attestedBy', { ...sound, attestedBy: 'x' }],
    ['inexpressible', { ...sound, inexpressible: 'X' }],
    ['id', { ...sound, id: 'x' }],
    ['policy', null],
    ['policy', []],
  ];
  for (const [fault, broken] of breaks) {
    assert.equal(policyFault(broken), fault);
    const { decision, rules } = decide([permit, broken as Policy], request());
    const name = fault === 'id' || fault === 'policy' ? 'default:unknown' : sound.id;
    assert.deepEqual([decision, rules], ['deny', [`${name}#MALFORMED`]], fault);
  }
});

test('purposes: kinds of a named one are named, BTG is a kind of nothing', () => {
  const table: readonly (readonly [named: string, asked: string, expected: boolean])[] = [
    ['TREAT', 'TREAT', true],
    ['TREAT', 'ETREAT', true],
    ['TREAT', 'ERTREAT', true],
    ['ETREAT', 'TREAT', false],
    ['TREAT', 'BTG', false],
    ['ETREAT', 'BTG', false],
    ['HRESCH', 'CLINTRCHPC', true],
    ['HPAYMT', 'ELIGVER', true],
    ['HOPERAT', 'HRESCH', false],
    ['PATRQT', 'FAMRQT', true],
  ];
  for (const [named, asked, expected] of table)
    assert.equal(purposeIsNamed([named], asked), expected, `${named} ${asked}`);
  for (const code of PURPOSES) assert.ok(isPurpose(code) && purposeIsNamed([code], code));
  for (const code of ['', 'treat', 'toString', '__proto__']) assert.equal(isPurpose(code), false);
});

test('actors: a member in clear or anybody by tag', () => {
  const permit = policy('permit', { members: [B], actorTags: testTags('ada', 'actor', 'Practitioner/1') });
  const named = testTag('ada', 'actor', 'Practitioner/1');
  assert.equal(decide([permit], request({ organisation: B })).decision, 'permit');
  assert.equal(decide([permit], request({ actorTags: [named] })).decision, 'permit');
  assert.equal(decide([permit], request({ actorTags: [testTag('ada', 'author', 'Practitioner/1')] })).decision, 'deny');
});
