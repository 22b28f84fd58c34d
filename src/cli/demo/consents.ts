import type { Consent } from '@medplum/fhirtypes';
import { memberReference } from '../../capabilities/consent/api/member-reference.ts';

const ACT_REASON = 'http://terminology.hl7.org/CodeSystem/v3-ActReason';
const RECIPIENT = [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: 'IRCP' }];

interface ConsentChoice {
  readonly patientId: string;
  readonly dateTime: string;
  /** Tells Consents apart that stand side by side; a newer one of the same policy supersedes. */
  readonly policyUri: string;
  readonly provision: NonNullable<Consent['provision']>;
}

/** A FHIR R4 Consent as IHE PCF profiles it. */
function consentOf({ patientId, dateTime, policyUri, provision }: ConsentChoice): Consent {
  const patient = { reference: `Patient/${patientId}` };
  return {
    resourceType: 'Consent',
    status: 'active',
    scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
    category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
    patient,
    dateTime,
    performer: [patient],
    policy: [{ uri: policyUri }],
    provision,
  };
}

type Label = { readonly system: string; readonly code: string };

/** “That hospital may see my records for treatment, but nothing with this label.” */
export function treatmentConsent(options: {
  patientId: string;
  dateTime: string;
  member: string;
  except: Label;
}): Consent {
  const { patientId, dateTime, member, except } = options;
  return consentOf({
    patientId,
    dateTime,
    policyUri: 'urn:aceso:demo:treatment',
    provision: {
      type: 'permit',
      actor: [{ role: { coding: RECIPIENT }, reference: memberReference(member) }],
      purpose: [{ system: ACT_REASON, code: 'TREAT' }],
      provision: [{ type: 'deny', securityLabel: [except] }],
    },
  });
}

/** “Nobody sees records with this label, not even those who treat me here.” Break-glass passes it, and shows. */
export function labelDenial(options: { patientId: string; dateTime: string; label: Label }): Consent {
  const { patientId, dateTime, label } = options;
  return consentOf({
    patientId,
    dateTime,
    policyUri: 'urn:aceso:demo:label',
    provision: { type: 'deny', securityLabel: [label] },
  });
}
