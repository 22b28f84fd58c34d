import type { Condition, MedicationDispense, MedicationRequest, Procedure, Reference } from '@medplum/fhirtypes';
import { dayToDate, dayToDateTime } from './calendar.ts';
import type { Chart, Visit } from './chart.ts';
import { concept, hl7Concept, ICD10CM, profiled, RXNORM, SNOMED } from './coding.ts';
import type { Diagnosis } from './disease.ts';
import { MEDICINES, type MedicineName } from './medicine-catalogue.ts';
import type { Random } from './random.ts';
import { quantity } from './written-number.ts';

/** How a diagnosis went on. */
export interface Outcome {
  /** Stands on the problem list; otherwise the visit's own diagnosis. */
  readonly isProblem: boolean;
  /** Day from which it is over. */
  readonly abatedDay: number | undefined;
  readonly abatedAs?: 'inactive' | 'remission' | 'resolved';
}

/** A diagnosis made at a visit. */
export function addCondition(
  chart: Chart,
  random: Random,
  visit: Visit,
  { snomed, icd }: Diagnosis,
  { isProblem, abatedDay, abatedAs = 'resolved' }: Outcome,
): Reference<Condition> {
  const [code, display] = snomed;
  return chart.add<Condition>({
    resourceType: 'Condition',
    id: random.uuid(),
    meta: profiled(
      isProblem ? 'us-core-condition-problems-health-concerns' : 'us-core-condition-encounter-diagnosis',
      visit.sensitivity,
    ),
    clinicalStatus: hl7Concept('condition-clinical', abatedDay === undefined ? 'active' : abatedAs),
    verificationStatus: hl7Concept('condition-ver-status', 'confirmed'),
    category: [hl7Concept('condition-category', isProblem ? 'problem-list-item' : 'encounter-diagnosis')],
    code: {
      coding: [
        { system: SNOMED, code, display },
        { system: ICD10CM, code: icd[0], display: icd[1] },
      ],
      text: display,
    },
    subject: chart.subject,
    encounter: visit.encounter,
    onsetDateTime: dayToDate(visit.day),
    ...(abatedDay !== undefined && { abatementDateTime: dayToDate(abatedDay) }),
    recordedDate: visit.at,
  });
}

/** A prescription made at a visit for a condition. It comes back, since what follows decides how it ends. */
export function addPrescription(
  chart: Chart,
  random: Random,
  visit: Visit,
  name: MedicineName,
  reason: Reference<Condition>,
  status: 'active' | 'completed',
): MedicationRequest {
  const { code, display, instruction, supplyDays } = MEDICINES[name];
  const request: MedicationRequest = {
    resourceType: 'MedicationRequest',
    id: random.uuid(),
    meta: profiled('us-core-medicationrequest', visit.sensitivity),
    status,
    intent: 'order',
    category: [hl7Concept('medicationrequest-category', 'community', 'Community')],
    medicationCodeableConcept: concept(RXNORM, code, display),
    subject: chart.subject,
    encounter: visit.encounter,
    authoredOn: visit.at,
    requester: visit.practitioner,
    reasonReference: [reason],
    dosageInstruction: [{ text: instruction }],
    dispenseRequest: {
      numberOfRepeatsAllowed: supplyDays >= 60 ? 3 : 0,
      expectedSupplyDuration: quantity(supplyDays, 0, 'days', 'd'),
    },
  };
  chart.add(request);
  return request;
}

/** What a pharmacy hands over for a prescription: the first time, or again. */
export function addDispense(
  chart: Chart,
  random: Random,
  request: MedicationRequest,
  name: MedicineName,
  { day, isRefill }: { readonly day: number; readonly isRefill: boolean },
): void {
  const { perDay, supplyDays, instruction } = MEDICINES[name] as (typeof MEDICINES)[MedicineName] & { perDay?: number };
  const [code, display] = isRefill ? ['RF', 'Refill'] : ['FF', 'First Fill'];
  chart.add<MedicationDispense>({
    resourceType: 'MedicationDispense',
    id: random.uuid(),
    meta: { ...request.meta, ...profiled('us-core-medicationdispense') },
    status: 'completed',
    type: hl7Concept('v3-ActCode', code, display),
    ...(request.medicationCodeableConcept && { medicationCodeableConcept: request.medicationCodeableConcept }),
    subject: chart.subject,
    performer: [{ actor: chart.organisation }],
    authorizingPrescription: [{ reference: `urn:uuid:${request.id}` }],
    ...(perDay !== undefined && { quantity: quantity(Math.ceil(perDay * supplyDays), 0, 'tablets', '{tbl}') }),
    daysSupply: quantity(supplyDays, 0, 'days', 'd'),
    whenHandedOver: dayToDateTime(day, 16 * 60 + random.integer(0, 120)),
    dosageInstruction: [{ text: instruction }],
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
