import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHospitalNode } from '../../../../test/support/hospital-node.ts';
import type { Caller } from '../../../auth/caller.ts';
import { type AccessGrant, parseResourceScope } from '../../../auth/scopes.ts';
import type { OrganisationContext } from '../../../server/organisation.ts';
import { type Delegation, delegations } from '../../consent/contract/state.ts';
import { auditView } from './audit-view.ts';

const [PATIENT, OTHER, OFFICER] = ['a', 'b', 'f'].map((digit) => digit.repeat(32)) as [string, string, string];

function callerOf(account: string, kind: Caller['kind'], scopes?: readonly string[]): Caller {
  const custodian = 'c'.repeat(32);
  const grant: AccessGrant | undefined = scopes && {
    scopes: scopes.map((text) => {
      const scope = parseResourceScope(text);
      assert.ok(scope, text);
      return scope;
    }),
    patient: { id: 'p', account: PATIENT },
  };
  const caller = { custodian, account, kind, organisation: custodian, roles: [], purpose: 'TREAT' };
  return grant === undefined ? caller : { ...caller, grant };
}

test('who sees what, by who it is, what is asked for and what the token is for', async (t) => {
  const { hospital } = await createHospitalNode(t);
  const see = (caller: Caller, account?: string, permission: 'r' | 's' = 's') => {
    const view = auditView(hospital, caller, (one) => one.account === OFFICER, permission, account);
    return view.of === 'account' ? view.account : view.of;
  };
  const table: readonly (readonly [name: string, seen: string, is: string])[] = [
    ['the patient, of all', see(callerOf(PATIENT, 'patient')), PATIENT],
    ['the patient, of herself', see(callerOf(PATIENT, 'patient'), PATIENT), PATIENT],
    ['the patient, of another', see(callerOf(PATIENT, 'patient'), OTHER), 'nothing'],
    ['a clinician', see(callerOf(OTHER, 'practitioner')), 'nothing'],
    ['a clinician, of a patient', see(callerOf(OTHER, 'practitioner'), PATIENT), 'nothing'],
    ['a clinician with the patient’s account', see(callerOf(PATIENT, 'practitioner'), PATIENT), 'nothing'],
    ['the officer', see(callerOf(OFFICER, 'practitioner')), 'all'],
    ['the officer, of a patient', see(callerOf(OFFICER, 'practitioner'), PATIENT), PATIENT],
    ['an app without the scope', see(callerOf(PATIENT, 'patient', ['patient/Observation.rs'])), 'nothing'],
    ['an app with the scope', see(callerOf(PATIENT, 'patient', ['patient/AuditEvent.rs'])), PATIENT],
    ['an app with all of the patient', see(callerOf(PATIENT, 'patient', ['patient/*.rs'])), PATIENT],
    ['an app that may only read', see(callerOf(PATIENT, 'patient', ['patient/AuditEvent.r'])), 'nothing'],
    [
      'an app that may only read, and does',
      see(callerOf(PATIENT, 'patient', ['patient/AuditEvent.r']), PATIENT, 'r'),
      PATIENT,
    ],
    [
      'an app with a restricted scope',
      see(callerOf(PATIENT, 'patient', ['patient/AuditEvent.rs?action=R'])),
      'nothing',
    ],
    ['the officer’s app, for all', see(callerOf(OFFICER, 'practitioner', ['user/AuditEvent.rs'])), 'all'],
    ['the officer’s app, for a patient', see(callerOf(OFFICER, 'practitioner', ['patient/AuditEvent.rs'])), PATIENT],
    [
      'the officer’s app, of another',
      see(callerOf(OFFICER, 'practitioner', ['patient/AuditEvent.rs']), OTHER),
      'nothing',
    ],
    ['the officer’s app without it', see(callerOf(OFFICER, 'practitioner', ['user/Patient.rs'])), 'nothing'],
  ];
  for (const [name, seen, is] of table) assert.equal(seen, is, name);
});

test('a delegate with power of access sees the patient’s while it lasts, and one with another power does not', async (t) => {
  const { hospital } = await createHospitalNode(t);
  const nowMs = hospital.clock();
  const see = (powers: Delegation['powers'], endsAtMs: number): string => {
    const delegation: Delegation = { role: 'proxy', powers, fromMs: 0, endsAtMs, givenBy: PATIENT };
    const state = {
      get: (map: unknown, ...key: string[]) =>
        map === delegations && key.join() === [PATIENT, OTHER].join() ? delegation : undefined,
    };
    const ledger = { ...hospital.ledger, read: () => ({ state, release() {} }) };
    const here = { ...hospital, ledger } as unknown as OrganisationContext;
    const view = auditView(here, callerOf(OTHER, 'patient'), () => false, 's', PATIENT);
    return view.of === 'account' ? `${view.account} ${view.rule}` : view.of;
  };
  assert.equal(see(['access'], nowMs + 60_000), `${PATIENT} default:delegate`);
  assert.equal(see(['access'], nowMs - 60_000), 'nothing');
  assert.equal(see(['consent'], nowMs + 60_000), 'nothing');
});
