import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditEvent } from '@medplum/fhirtypes';
import { isReject } from '../../../std/reject.ts';
import { parseAuditSearch } from './audit-search.ts';

const EVENT: AuditEvent = {
  resourceType: 'AuditEvent',
  id: '0-1',
  type: { system: 'http://terminology.hl7.org/CodeSystem/audit-event-type', code: 'rest' },
  subtype: [{ system: 'http://hl7.org/fhir/restful-interaction', code: 'read' }],
  action: 'R',
  outcome: '0',
  recorded: '2026-01-02T03:04:05.006Z',
  purposeOfEvent: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: 'TREAT' }] }],
  agent: [{ who: { identifier: { system: 'urn:aceso:account', value: 'abc' } }, requestor: true }],
  source: { observer: { identifier: { system: 'urn:aceso:account', value: 'def' }, display: 'x' } },
  entity: [
    {
      what: { reference: 'http://node/fhir/Observation/o1/_history/2' },
      type: { system: 'http://terminology.hl7.org/CodeSystem/audit-entity-type', code: '2' },
      role: { system: 'http://terminology.hl7.org/CodeSystem/object-role', code: '4' },
    },
    { what: { identifier: { value: 'req-1' } } },
    { what: { type: 'Patient', identifier: { system: 'urn:aceso:account', value: 'ghi' } } },
  ],
};

const matches = (query: string): boolean => parseAuditSearch(new URLSearchParams(query)).matches(EVENT);

test('each parameter finds the event that has it, and no other', () => {
  const table: readonly (readonly [query: string, is: boolean])[] = [
    ...([
      ['', true],
      ['_id=0-1', true],
      ['_id=0-2', false],
    ] as const),
    ...([
      ['action=R', true],
      ['action=C,R', true],
      ['action=C', false],
    ] as const),
    ...([
      ['type=rest', true],
      ['type=http://terminology.hl7.org/CodeSystem/audit-event-type|rest', true],
    ] as const),
    ...([
      ['type=urn:x|rest', false],
      ['type=|rest', false],
      ['subtype=read', true],
      ['subtype=vread', false],
    ] as const),
    ...([
      ['outcome=0', true],
      ['outcome=4,8', false],
      ['purpose=TREAT', true],
      ['purpose=BTG', false],
    ] as const),
    ...([
      ['agent=abc', true],
      ['agent=urn:aceso:account|abc', true],
      ['agent.identifier=x|abc', false],
    ] as const),
    ...([
      ['entity=Observation/o1', true],
      ['entity=http://node/fhir/Observation/o1', true],
      ['entity=req-1', true],
    ] as const),
    ...([
      ['entity=Observation/o1/_history/2', true],
      ['entity=Observation/o1/_history/1', false],
      ['entity-type=2', true],
      ['entity-type=1', false],
      ['entity-role=http://terminology.hl7.org/CodeSystem/object-role|4', true],
      ['entity-role=1', false],
      ['source=urn:aceso:account|def', true],
      ['source.identifier=abc', false],
      ['patient.identifier=urn:aceso:account|ghi', true],
      ['patient.identifier=req-1', false],
    ] as const),
    ...([
      ['entity=Observation/o', false],
      ['date=2026', true],
      ['date=2026-01-03', false],
    ] as const),
    ...([
      ['date=ge2026-01-02&date=lt2026-01-03', true],
      ['date=gt2026-01-02', false],
      ['date=le2026-01-02', true],
    ] as const),
    ...([
      ['date=sa2026-01-01', true],
      ['date=eb2026-01-02', false],
      ['action=R&outcome=4', false],
    ] as const),
  ];
  for (const [query, is] of table) assert.equal(matches(query), is, query);
});

test('what is not served is refused, and so is what cannot be read', () => {
  const table: readonly (readonly [query: string, code: string])[] = [
    ...['policy=x', '_include=AuditEvent:patient', 'toString=x', '_lastUpdated=2026', 'agent:contains=x'].map(
      (query) => [query, 'AUDIT_PARAMETER_UNKNOWN'] as const,
    ),
    ...[
      'date=x',
      'date=ne2026',
      'date=ap2026',
      '_sort=date',
      '_total=accurate',
      '_count=x',
      'action=',
      'patient=a b',
    ].map((query) => [query, 'AUDIT_PARAMETER_INVALID'] as const),
    ['address=x', 'AUDIT_PARAMETER_UNANSWERABLE'],
    [`entity=${'x'.repeat(600)}`, 'AUDIT_PARAMETER_INVALID'],
    [Array.from({ length: 40 }, () => 'action=R').join('&'), 'AUDIT_PARAMETER_INVALID'],
    ['patient=a&patient=b', 'AUDIT_PARAMETER_INVALID'],
  ];
  for (const [query, code] of table) {
    assert.throws(
      () => parseAuditSearch(new URLSearchParams(query)),
      (thrown) => isReject(thrown) && thrown.code === code,
      query,
    );
  }
});

test('a patient is named by id or by reference', () => {
  for (const text of ['p1', 'Patient/p1', 'http://node/fhir/Patient/p1']) {
    assert.equal(parseAuditSearch(new URLSearchParams({ patient: text })).patient, 'p1', text);
  }
});
