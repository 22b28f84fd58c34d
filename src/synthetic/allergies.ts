import type { AllergyIntolerance } from '@medplum/fhirtypes';
import { dayToDateTime } from './calendar.ts';
import type { Chart } from './chart.ts';
import { concept, hl7Concept, profiled, SNOMED } from './coding.ts';
import type { Random } from './random.ts';

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
