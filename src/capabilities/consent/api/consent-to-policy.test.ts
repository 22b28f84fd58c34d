import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Consent, ConsentProvision } from '@medplum/fhirtypes';
import { isReject } from '../../../std/reject.ts';
import { type Policy, policyFault, TAGS_PER_LIST } from '../contract/policy.ts';
import { ACT_REASON } from '../contract/purposes.ts';
import { tag } from '../contract/tags.ts';
import { consentToPolicy } from './consent-to-policy.ts';
import { periodToMs } from './fhir-period.ts';

const TAG_KEY = new Uint8Array(32).fill(3);
const CLINIC = 'c'.repeat(32);
const RECIPIENT = {
  coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: 'IRCP' }],
};

function consentOf(provision: ConsentProvision | undefined, more: Partial<Consent> = {}): Consent {
  return {
    resourceType: 'Consent',
    status: 'active',
    scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
    category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
    ...(provision === undefined ? {} : { provision }),
    ...more,
  };
}

function translate(provision: ConsentProvision | undefined, more: Partial<Consent> = {}) {
  let drawn = 0;
  return consentToPolicy(consentOf(provision, more), {
    tagKey: TAG_KEY,
    randomBytes: (length) => new Uint8Array(length).fill(++drawn),
    memberOf: (reference) => (reference === 'Organization/clinic' ? CLINIC : undefined),
  });
}

test('criteria stand blinded, members and purposes of use in clear', () => {
  const content = translate({
    type: 'permit',
    period: { start: '2026-01-01', end: '2026-12-31' },
    purpose: [
      { system: ACT_REASON, code: 'TREAT' },
      { system: ACT_REASON, code: 'HPAYMT' },
    ],
    actor: [
      { role: RECIPIENT, reference: { reference: 'Organization/clinic' } },
      { role: RECIPIENT, reference: { reference: 'Practitioner/1' } },
    ],
    class: [{ system: 'http://hl7.org/fhir/resource-types', code: 'Observation' }],
    provision: [{ type: 'deny', dataPeriod: { end: '2020' } }],
  });
  const { root } = content;
  assert.deepEqual([root.purposes, root.members], [['HPAYMT', 'TREAT'], [CLINIC]]);
  assert.ok(root.actorTags?.includes(tag(TAG_KEY, 'actor', 'Practitioner/1')));
  assert.ok(root.categoryTags?.includes(tag(TAG_KEY, 'category', 'http://hl7.org/fhir/resource-types|Observation')));
  assert.deepEqual([root.actorTags?.length, root.categoryTags?.length], [TAGS_PER_LIST, TAGS_PER_LIST]);
  assert.deepEqual([root.periodFromMs, root.periodToMs], [Date.UTC(2026, 0, 1), Date.UTC(2027, 0, 1) - 1]);
  assert.deepEqual(content.exceptions, [{ dataToMs: Date.UTC(2021, 0, 1) - 1 }]);
});

test('an exception that permits takes over the restrictions of the root that it does not name', () => {
  const { exceptions } = translate({
    type: 'deny',
    purpose: [{ system: ACT_REASON, code: 'HRESCH' }],
    provision: [{ type: 'permit', actor: [{ role: RECIPIENT, reference: { reference: 'Organization/clinic' } }] }],
  });
  assert.deepEqual(exceptions, [{ purposes: ['HRESCH'], members: [CLINIC] }]);
});

test('what is no policy is refused', () => {
  const code = (act: () => unknown) => {
    try {
      act();
      return 'none';
    } catch (error) {
      return isReject(error) ? error.code : String(error);
    }
  };
  for (const status of ['draft', 'proposed', 'rejected', 'inactive', 'entered-in-error'] as const) {
    assert.equal(
      code(() => translate({ type: 'permit' }, { status })),
      'CONSENT_NOT_ACTIVE',
    );
  }
  assert.equal(
    code(() => translate(undefined)),
    'CONSENT_PROVISION_MISSING',
  );
  assert.equal(
    code(() => translate({})),
    'CONSENT_PROVISION_MISSING',
  );
});

test('what cannot be expressed denies everything and names the reason', () => {
  const coding = { system: 'http://example.org', code: 'x' };
  const actor = (reference: string, role = RECIPIENT) => [{ role, reference: { reference } }];
  const many = Array.from({ length: TAGS_PER_LIST + 1 }, (_, n) => ({ ...coding, code: `x${n}` }));
  const extension = [{ url: 'http://example.org/unless', valueBoolean: true }];
  const table: readonly (readonly [reason: string, provision: ConsentProvision, more?: Partial<Consent>])[] = [
    ['CONSENT_EXCEPTION_SAME_SENSE', { provision: [{ type: 'permit' }] }],
    ['CONSENT_EXCEPTION_SAME_SENSE', { provision: [{}] }],
    ['CONSENT_NESTED_TOO_DEEP', { provision: [{ type: 'deny', provision: [{ type: 'permit' }] }] }],
    ['CONSENT_ACTION_UNSUPPORTED', { action: [{ coding: [coding] }] }],
    ['CONSENT_CODE_UNSUPPORTED', { code: [{ coding: [coding] }] }],
    ['CONSENT_DATA_UNSUPPORTED', { data: [{ meaning: 'dependents', reference: { reference: 'Encounter/1' } }] }],
    ['CONSENT_DATA_UNSUPPORTED', { data: [{ meaning: 'instance', reference: { reference: '#contained' } }] }],
    ['CONSENT_DATA_UNSUPPORTED', { data: [{ meaning: 'instance', reference: { display: 'my blood' } }] }],
    ['CONSENT_ACTOR_UNSUPPORTED', { actor: actor('Practitioner/1', { coding: [{ ...coding, code: 'CST' }] }) }],
    ['CONSENT_ACTOR_UNSUPPORTED', { actor: actor('urn:uuid:1') }],
    ['CONSENT_PURPOSE_UNSUPPORTED', { purpose: [{ system: ACT_REASON, code: 'CURIOSITY' }] }],
    ['CONSENT_PURPOSE_UNSUPPORTED', { purpose: [{ code: 'TREAT' }] }],
    ['CONSENT_CODING_INCOMPLETE', { securityLabel: [{ code: 'R' }] }],
    ['CONSENT_CODING_INCOMPLETE', { class: [{ system: 'http://example.org' }] }],
    ['CONSENT_PERIOD_INVALID', { period: { start: '2026-02-30' } }],
    ['CONSENT_PERIOD_INVALID', { dataPeriod: { start: '2026', end: '2025' } }],
    ['CONSENT_PERIOD_INVALID', { period: {} }],
    ['CONSENT_TOO_LARGE', { securityLabel: many }],
    ['CONSENT_TOO_LARGE', { provision: Array.from({ length: 9 }, () => ({ type: 'deny' as const })) }],
    ['CONSENT_MODIFIER_UNSUPPORTED', {}, { modifierExtension: extension }],
    ['CONSENT_MODIFIER_UNSUPPORTED', { provision: [{ type: 'deny', modifierExtension: extension }] }],
    ['CONSENT_MODIFIER_UNSUPPORTED', {}, { implicitRules: 'http://example.org/rules' }],
    ['CONSENT_MODIFIER_UNSUPPORTED', {}, { verification: [{ verified: false }] }],
    ['CONSENT_SCOPE_UNSUPPORTED', {}, { scope: { coding: [{ ...coding, code: 'patient-privacy' }] } }],
  ];
  for (const [reason, provision, more] of table) {
    const content = translate({ type: 'permit', ...provision }, more);
    const { sense, root, exceptions, inexpressible } = content;
    assert.deepEqual([sense, root, exceptions, inexpressible], ['deny', {}, [], reason]);
    const policy: Policy = { ...content, id: 'a'.repeat(64), status: 'active', grantor: CLINIC, sequence: 1 };
    assert.equal(policyFault(policy), undefined);
  }
});

test('bounds of a period in the precision that FHIR gives them', () => {
  const at = (...parts: readonly [number, number, number?, number?]) =>
    Date.UTC(parts[0], parts[1], parts[2] ?? 1, parts[3] ?? 0);
  const table: readonly (readonly [start: string | undefined, end: string | undefined, expected: unknown])[] = [
    ['2022', '2022', { fromMs: at(2022, 0), toMs: at(2023, 0) - 1 }],
    ['2024-02', '2024-02', { fromMs: at(2024, 1), toMs: at(2024, 2) - 1 }],
    ['2022-06-13', '2022-06-13', { fromMs: at(2022, 5, 13), toMs: at(2022, 5, 14) - 1 }],
    ['2022-06-13T01:00:00+01:00', undefined, { fromMs: at(2022, 5, 13) }],
    [undefined, '2022-06-13T01:00:00Z', { toMs: at(2022, 5, 13, 1) + 999 }],
    [undefined, '2022-06-13T01:00:00.250Z', { toMs: at(2022, 5, 13, 1) + 250 }],
    ['2023-02-29', undefined, undefined],
    [undefined, '2023-02-29', undefined],
    ['2023-13', undefined, undefined],
    ['2022-06-13T25:00:00Z', undefined, undefined],
    ['2022-06-13T01:00:00', undefined, undefined],
    ['tomorrow', undefined, undefined],
    ['2023', '2022', undefined],
    [undefined, undefined, undefined],
  ];
  for (const [start, end, expected] of table) {
    const period = { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) };
    assert.deepEqual(periodToMs(period), expected, `${start} ${end}`);
  }
});
