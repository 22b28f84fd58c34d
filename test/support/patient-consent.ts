import type { Consent } from '@medplum/fhirtypes';
import { memberReference } from '../../src/capabilities/consent/api/member-reference.ts';
import { PATIENT } from './hospital-node.ts';

/** Role of those whom a Consent is about: recipients of information. */
export const RECIPIENT = {
  coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: 'IRCP' }],
};
const TREAT = { system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: 'TREAT' };

/** A Consent of the hospital's patient that permits or denies a member treatment, but for `exceptions`. */
export function consentFor(
  member: string,
  type: 'permit' | 'deny',
  exceptions: NonNullable<Consent['provision']>['provision'] = [],
): Consent {
  return {
    resourceType: 'Consent',
    status: 'active',
    scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
    category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
    patient: { reference: `Patient/${PATIENT}` },
    policyRule: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'OPTIN' }] },
    provision: {
      ...{ type, purpose: [TREAT], actor: [{ role: RECIPIENT, reference: memberReference(member) }] },
      ...(exceptions.length === 0 ? {} : { provision: exceptions }),
    },
  };
}
