/*
 * Whose a record of each R4 type is. In order:
 *
 * (a) a reference that puts it into a Patient's compartment names the patient (definitions, `compartment`);
 * (b) what it is about belongs to one patient: the references below, or the entries of a Bundle;
 * (c) it is administrative, or a definition: nobody's, and for everybody whom the custodian let in (`SHARED`);
 * (d) all else is the custodian's own, and its own staff's alone.
 */

/**
 * References by which a record is about what somebody else's record is. They are followed to one patient; where they
 * lead to several, as a Person or a Linkage of two, the record is nobody's (d). Groups stay out: a cohort is the
 * custodian's, also while it has one member.
 */
const ABOUT: Readonly<Record<string, readonly string[]>> = {
  AppointmentResponse: ['appointment'],
  AuditEvent: ['entity.what'],
  // R4 binary.html: the access rules of this resource apply to the content.
  Binary: ['securityContext'],
  BiologicallyDerivedProduct: ['collection.source', 'request', 'parent'],
  Communication: ['about'],
  CommunicationRequest: ['about'],
  DeviceMetric: ['source', 'parent'],
  DocumentManifest: ['content', 'related.ref'],
  DocumentReference: ['context.encounter', 'context.related'],
  EnrollmentResponse: ['request'],
  Linkage: ['item.resource'],
  List: ['entry.item'],
  MeasureReport: ['evaluatedResource'],
  MessageHeader: ['focus'],
  PaymentNotice: ['request', 'response'],
  PaymentReconciliation: ['request', 'detail.request', 'detail.response'],
  Person: ['link.target'],
  Provenance: ['target'],
  Schedule: ['actor'],
  Slot: ['schedule'],
  Specimen: ['parent'],
  VerificationResult: ['target'],
};

/** The same of all types that have them. */
const ABOUT_ALL = ['subject', 'encounter', 'context', 'focus', 'basedOn', 'partOf'] as const;

const ADMINISTRATIVE = [
  ...['Endpoint', 'HealthcareService', 'InsurancePlan', 'Location', 'Organization', 'OrganizationAffiliation'],
  ...['Practitioner', 'PractitionerRole', 'Schedule', 'Slot'],
];

/** Kinds of things, not things: a Device or a specimen without a patient is somebody's all the same. */
const PRODUCTS = [
  ...['CatalogEntry', 'DeviceDefinition', 'Medication', 'MedicationKnowledge', 'MedicinalProduct'],
  ...['MedicinalProductAuthorization', 'MedicinalProductContraindication', 'MedicinalProductIndication'],
  ...['MedicinalProductIngredient', 'MedicinalProductInteraction', 'MedicinalProductManufactured'],
  ...['MedicinalProductPackaged', 'MedicinalProductPharmaceutical', 'MedicinalProductUndesirableEffect'],
  ...['Substance', 'SubstanceNucleicAcid', 'SubstancePolymer', 'SubstanceProtein', 'SubstanceReferenceInformation'],
  ...['SubstanceSourceMaterial', 'SubstanceSpecification'],
];

const DEFINITIONS = [
  ...['ActivityDefinition', 'CapabilityStatement', 'ChargeItemDefinition', 'CodeSystem', 'CompartmentDefinition'],
  ...['ConceptMap', 'EffectEvidenceSynthesis', 'EventDefinition', 'Evidence', 'EvidenceVariable', 'ExampleScenario'],
  ...['GraphDefinition', 'ImplementationGuide', 'Library', 'Measure', 'MessageDefinition', 'NamingSystem'],
  ...['ObservationDefinition', 'OperationDefinition', 'PlanDefinition', 'Questionnaire', 'ResearchDefinition'],
  ...['ResearchElementDefinition', 'RiskEvidenceSynthesis', 'SearchParameter', 'SpecimenDefinition'],
  ...['StructureDefinition', 'StructureMap', 'TerminologyCapabilities', 'TestScript', 'ValueSet'],
];

/** What nobody but its owner sees is decided beyond this list, by the rule of the type (subscriptions/own-subscriptions.ts). */
const OF_OWNERS: readonly string[] = ['Subscription'];

const SHARED: ReadonlySet<string> = new Set([...ADMINISTRATIVE, ...PRODUCTS, ...DEFINITIONS, ...OF_OWNERS]);

/**
 * Whether records of a type that are no patient's are for everybody whom the custodian let in. Of all other types, also of
 * those that are yet to come, they are the custodian's own staff's.
 */
export function isShared(type: string): boolean {
  return SHARED.has(type);
}

/** Whether records of a type look absent to all but their owner, whoever else may see what is beside them. */
export function isOfOwner(type: string): boolean {
  return OF_OWNERS.includes(type);
}

/** Paths of references that say what a record of the type is about, the most telling first. */
export function aboutPaths(type: string): readonly string[] {
  return isShared(type) && ABOUT[type] === undefined ? [] : [...(ABOUT[type] ?? []), ...ABOUT_ALL];
}
