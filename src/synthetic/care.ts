import type {
  AllergyIntolerance,
  Condition,
  Immunization,
  MedicationRequest,
  Procedure,
  Reference,
} from '@medplum/fhirtypes';
import { dayToDate, dayToDateTime } from './calendar.ts';
import type { Chart, Visit } from './chart.ts';
import { CVX, concept, hl7Concept, ICD10CM, profiled, RXNORM, SNOMED } from './coding.ts';
import type { Disease, Medicine } from './condition-catalogue.ts';
import type { Random } from './random.ts';

/** A diagnosis made at a visit; `abatedDay` for one that has passed. */
export function addCondition(
  chart: Chart,
  random: Random,
  visit: Visit,
  disease: Disease,
  abatedDay?: number,
): Reference<Condition> {
  const isChronic = abatedDay === undefined;
  const [code, display] = disease.snomed;
  return chart.add<Condition>({
    resourceType: 'Condition',
    id: random.uuid(),
    meta: profiled(
      isChronic ? 'us-core-condition-problems-health-concerns' : 'us-core-condition-encounter-diagnosis',
      disease.sensitivity,
    ),
    clinicalStatus: hl7Concept('condition-clinical', isChronic ? 'active' : 'resolved'),
    verificationStatus: hl7Concept('condition-ver-status', 'confirmed'),
    category: [hl7Concept('condition-category', isChronic ? 'problem-list-item' : 'encounter-diagnosis')],
    code: {
      coding: [
        { system: SNOMED, code, display },
        { system: ICD10CM, code: disease.icd[0], display: disease.icd[1] },
      ],
      text: display,
    },
    subject: chart.subject,
    encounter: visit.encounter,
    onsetDateTime: dayToDate(visit.day),
    ...(!isChronic && { abatementDateTime: dayToDate(abatedDay) }),
    recordedDate: visit.at,
  });
}

/** A prescription made at a visit for a condition. */
export function addPrescription(
  chart: Chart,
  random: Random,
  visit: Visit,
  medicine: Medicine,
  reason: Reference<Condition>,
  isCurrent: boolean,
): void {
  chart.add<MedicationRequest>({
    resourceType: 'MedicationRequest',
    id: random.uuid(),
    meta: profiled('us-core-medicationrequest', visit.sensitivity),
    status: isCurrent ? 'active' : 'completed',
    intent: 'order',
    category: [hl7Concept('medicationrequest-category', 'community', 'Community')],
    medicationCodeableConcept: concept(RXNORM, medicine.code, medicine.display),
    subject: chart.subject,
    encounter: visit.encounter,
    authoredOn: visit.at,
    requester: visit.practitioner,
    reasonReference: [reason],
    dosageInstruction: [{ text: medicine.instruction }],
  });
}

/** A procedure done within a visit: SNOMED CT code and display. */
export function addProcedure(chart: Chart, random: Random, visit: Visit, code: readonly [string, string]): void {
  chart.add<Procedure>({
    resourceType: 'Procedure',
    id: random.uuid(),
    meta: profiled('us-core-procedure', visit.sensitivity),
    status: 'completed',
    code: concept(SNOMED, code[0], code[1]),
    subject: chart.subject,
    encounter: visit.encounter,
    performedDateTime: visit.at,
    performer: [{ actor: visit.practitioner }],
  });
}

/** A vaccine given within a visit: CVX code and display. */
export function addImmunization(
  chart: Chart,
  random: Random,
  visit: Visit,
  vaccine: readonly [code: string, display: string],
): void {
  chart.add<Immunization>({
    resourceType: 'Immunization',
    id: random.uuid(),
    meta: profiled('us-core-immunization'),
    status: 'completed',
    vaccineCode: concept(CVX, vaccine[0], vaccine[1]),
    patient: chart.subject,
    encounter: visit.encounter,
    occurrenceDateTime: visit.at,
    primarySource: true,
  });
}

const ALLERGIES = [
  {
    code: '91936005',
    display: 'Allergy to penicillin',
    category: 'medication',
    reaction: ['271807003', 'Eruption of skin'],
    severe: false,
  },
  {
    code: '300913006',
    display: 'Shellfish allergy',
    category: 'food',
    reaction: ['126485001', 'Urticaria'],
    severe: false,
  },
  {
    code: '91935009',
    display: 'Allergy to peanut',
    category: 'food',
    reaction: ['39579001', 'Anaphylaxis'],
    severe: true,
  },
  {
    code: '232350006',
    display: 'House dust mite allergy',
    category: 'environment',
    reaction: ['49727002', 'Cough'],
    severe: false,
  },
  {
    code: '418689008',
    display: 'Allergy to grass pollen',
    category: 'environment',
    reaction: ['76067001', 'Sneezing'],
    severe: false,
  },
  {
    code: '300916003',
    display: 'Latex allergy',
    category: 'environment',
    reaction: ['126485001', 'Urticaria'],
    severe: false,
  },
] as const;

/** One allergy in three people or so; for the others the statement that none is known. */
export function addAllergies(chart: Chart, random: Random, recordedDay: number): void {
  const common = {
    resourceType: 'AllergyIntolerance',
    meta: profiled('us-core-allergyintolerance'),
    clinicalStatus: hl7Concept('allergyintolerance-clinical', 'active'),
    verificationStatus: hl7Concept('allergyintolerance-verification', 'confirmed'),
    patient: chart.subject,
    recordedDate: dayToDateTime(recordedDay, 600),
  } as const;
  const found = ALLERGIES.filter(() => random.chance(0.07));
  for (const { code, display, category, reaction, severe } of found) {
    chart.add<AllergyIntolerance>({
      ...common,
      id: random.uuid(),
      type: 'allergy',
      category: [category],
      criticality: severe ? 'high' : 'low',
      code: concept(SNOMED, code, display),
      reaction: [{ manifestation: [concept(SNOMED, reaction[0], reaction[1])], severity: severe ? 'severe' : 'mild' }],
    });
  }
  if (found.length > 0) return;
  chart.add<AllergyIntolerance>({
    ...common,
    id: random.uuid(),
    code: concept(SNOMED, '716186003', 'No known allergy'),
  });
}
