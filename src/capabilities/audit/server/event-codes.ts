import type { Coding } from '@medplum/fhirtypes';

/* Codes of IHE BALP 1.1 (ITI Basic Audit Log Patterns) and of the code systems that it takes its own from. */

const BALP = 'https://profiles.ihe.net/ITI/BALP';
const DCM = 'http://dicom.nema.org/resources/ontology/DCM';
const LIFECYCLE = 'http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle';
const ENTITY_TYPE = 'http://terminology.hl7.org/CodeSystem/audit-entity-type';
const OBJECT_ROLE = 'http://terminology.hl7.org/CodeSystem/object-role';
const PARTICIPATION = 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType';
const SUBTYPES = 'http://hl7.org/fhir/restful-interaction';

/** Canonical of a BALP profile. */
export function balpProfile(name: string): string {
  return `${BALP}/StructureDefinition/IHE.BasicAudit.${name}`;
}

export const TYPES = {
  rest: {
    system: 'http://terminology.hl7.org/CodeSystem/audit-event-type',
    code: 'rest',
    display: 'RESTful Operation',
  },
  alert: { system: DCM, code: '110113', display: 'Security Alert' },
  exported: { system: DCM, code: '110106', display: 'Export' },
  imported: { system: DCM, code: '110107', display: 'Import' },
  amend: { system: LIFECYCLE, code: 'amend', display: 'Amend (Update) Record Lifecycle Event' },
  destroy: { system: LIFECYCLE, code: 'destroy', display: 'Destroy/Delete Record Lifecycle Event' },
} as const satisfies Record<string, Coding>;

export const SUB = {
  disclose: { system: LIFECYCLE, code: 'disclose', display: 'Disclose Record Lifecycle Event' },
  consentDecision: { system: `${BALP}/CodeSystem/AuthZsubType`, code: 'AuthZ-Consent' },
  roleDecision: { system: `${BALP}/CodeSystem/AuthZsubType`, code: 'AuthZ-Role' },
  emergency: { system: DCM, code: '110127', display: 'Emergency Override Started' },
} as const satisfies Record<string, Coding>;

/** Code of an interaction; an operation by its own name beside R4's code for all of them. */
export function interactionCodings(interaction: string): Coding[] {
  if (interaction === '') return [];
  if (!interaction.startsWith('$')) return [{ system: SUBTYPES, code: interaction }];
  return [
    { system: SUBTYPES, code: 'operation' },
    { system: 'urn:aceso:operation', code: interaction },
  ];
}

export const AGENTS = {
  application: { system: DCM, code: '110150', display: 'Application' },
  destination: { system: DCM, code: '110152', display: 'Destination Role ID' },
  source: { system: DCM, code: '110153', display: 'Source Role ID' },
  custodian: {
    system: 'http://terminology.hl7.org/CodeSystem/provenance-participant-type',
    code: 'custodian',
    display: 'Custodian',
  },
  recipient: { system: PARTICIPATION, code: 'IRCP', display: 'information recipient' },
  author: { system: PARTICIPATION, code: 'AUT', display: 'author (originator)' },
  organisation: {
    system: 'http://terminology.hl7.org/CodeSystem/v3-RoleClass',
    code: 'PROV',
    display: 'healthcare provider',
  },
  authorizer: {
    system: 'http://terminology.hl7.org/CodeSystem/extra-security-role-type',
    code: 'authserver',
    display: 'authorization server',
  },
} as const satisfies Record<string, Coding>;

export const ENTITIES = {
  person: { system: ENTITY_TYPE, code: '1', display: 'Person' },
  object: { system: ENTITY_TYPE, code: '2', display: 'System Object' },
  other: { system: ENTITY_TYPE, code: '4', display: 'Other' },
  consent: { system: 'http://hl7.org/fhir/resource-types', code: 'Consent', display: 'Consent' },
  request: { system: `${BALP}/CodeSystem/BasicAuditEntityType`, code: 'XrequestId' },
} as const satisfies Record<string, Coding>;

export const ROLES = {
  patient: { system: OBJECT_ROLE, code: '1', display: 'Patient' },
  resource: { system: OBJECT_ROLE, code: '4', display: 'Domain Resource' },
  query: { system: OBJECT_ROLE, code: '24', display: 'Query' },
} as const satisfies Record<string, Coding>;

export const APPLICATION_SERVER: Coding = {
  system: 'http://terminology.hl7.org/CodeSystem/security-source-type',
  code: '4',
  display: 'Application Server',
};

/** HL7 v3 ActReason, of which purposes of use are. */
export const PURPOSES = 'http://terminology.hl7.org/CodeSystem/v3-ActReason';
