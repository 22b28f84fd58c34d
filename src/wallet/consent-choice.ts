import type { Coding, Consent, ConsentProvision } from '@medplum/fhirtypes';
import { memberReference } from '../capabilities/consent/api/member-reference.ts';
import { ACT_REASON } from '../capabilities/consent/contract/purposes.ts';

const CONSENT_SCOPE = 'http://terminology.hl7.org/CodeSystem/consentscope';
const PARTICIPATION = 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType';

/** What people mostly decide: one organisation may, or may not, for these purposes, these labels left out. */
export interface ConsentChoice {
  /** Id of the Patient resource at the custodian. */
  readonly patient: string;
  readonly sense: 'permit' | 'deny';
  /** Member account. */
  readonly member: string;
  /** ActReason codes; none means any purpose. */
  readonly purposes: readonly string[];
  /** Sensitivity labels of what the choice does not cover. */
  readonly exceptLabels: readonly Coding[];
}

/**
 * A choice as a FHIR R4 Consent of IHE PCF's form. Its policy names the member, so that a later choice about the same
 * member supersedes it, and one about another does not.
 */
export function choiceToConsent({ patient, sense, member, purposes, exceptLabels }: ConsentChoice): Consent {
  const exception: ConsentProvision = {
    type: sense === 'permit' ? 'deny' : 'permit',
    securityLabel: [...exceptLabels],
  };
  return {
    resourceType: 'Consent',
    status: 'active',
    scope: { coding: [{ system: CONSENT_SCOPE, code: 'patient-privacy' }] },
    category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
    patient: { reference: `Patient/${patient}` },
    policy: [{ uri: `urn:aceso:choice:${member}` }],
    provision: {
      type: sense,
      actor: [{ role: { coding: [{ system: PARTICIPATION, code: 'IRCP' }] }, reference: memberReference(member) }],
      ...(purposes.length === 0 ? {} : { purpose: purposes.map((code) => ({ system: ACT_REASON, code })) }),
      ...(exceptLabels.length === 0 ? {} : { provision: [exception] }),
    },
  };
}
