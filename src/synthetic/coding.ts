import type { CodeableConcept, Coding, Meta } from '@medplum/fhirtypes';

export const SNOMED = 'http://snomed.info/sct';
export const LOINC = 'http://loinc.org';
export const ICD10CM = 'http://hl7.org/fhir/sid/icd-10-cm';
export const RXNORM = 'http://www.nlm.nih.gov/research/umls/rxnorm';
export const CVX = 'http://hl7.org/fhir/sid/cvx';
const ACT_CODE = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';
const CONFIDENTIALITY = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality';

/** Sensitivity labels of HL7 v3 ActCode that the generator puts on what concerns them. */
export type Sensitivity = 'ETH' | 'HIV' | 'PSY' | 'STD';

const SENSITIVITY_DISPLAY: Readonly<Record<Sensitivity, string>> = {
  ETH: 'substance abuse information sensitivity',
  HIV: 'HIV/AIDS information sensitivity',
  PSY: 'psychiatry disorder information sensitivity',
  STD: 'sexually transmitted disease information sensitivity',
};

/** A concept with one coding; `text` is the display. */
export function concept(system: string, code: string, display: string): CodeableConcept {
  return { coding: [{ system, code, display }], text: display };
}

/** A concept of one of HL7's own code systems below terminology.hl7.org, without text. */
export function hl7Concept(system: string, code: string, display?: string): CodeableConcept {
  return { coding: [hl7Coding(system, code, display)] };
}

export function hl7Coding(system: string, code: string, display?: string): Coding {
  return { system: `http://terminology.hl7.org/CodeSystem/${system}`, code, ...(display !== undefined && { display }) };
}

/** `meta` with a US Core profile (canonical by its last segment) and, for what is sensitive, its labels. */
export function profiled(profile: string, sensitivity?: Sensitivity): Meta {
  const meta: Meta = { profile: [`http://hl7.org/fhir/us/core/StructureDefinition/${profile}`] };
  if (sensitivity !== undefined) {
    meta.security = [
      { system: CONFIDENTIALITY, code: 'R', display: 'restricted' },
      { system: ACT_CODE, code: sensitivity, display: SENSITIVITY_DISPLAY[sensitivity] },
    ];
  }
  return meta;
}
