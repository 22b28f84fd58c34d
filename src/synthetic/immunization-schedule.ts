import type { Immunization } from '@medplum/fhirtypes';
import { dayToDate, yearOf } from './calendar.ts';
import type { Chart, Visit } from './chart.ts';
import { CVX, concept, profiled } from './coding.ts';
import type { Random } from './random.ts';

type Vaccine = readonly [code: string, display: string];

const MONTH_DAYS = 30.44;

/** The routine doses of childhood by age in months (CDC child and adolescent schedule, simplified). */
const CHILDHOOD: readonly (readonly [vaccine: Vaccine, ...months: number[]])[] = [
  [['08', 'Hep B, adolescent or pediatric'], 1, 2, 6],
  [['119', 'rotavirus, monovalent'], 2, 4],
  [['20', 'DTaP'], 2, 4, 6, 15, 54],
  [['49', 'Hib (PRP-OMP)'], 2, 4, 12],
  [['133', 'Pneumococcal conjugate PCV 13'], 2, 4, 6, 12],
  [['10', 'IPV'], 2, 4, 6, 54],
  [['03', 'MMR'], 12, 54],
  [['21', 'varicella'], 12, 54],
  [['83', 'Hep A, ped/adol, 2 dose'], 12, 18],
  [['115', 'Tdap'], 132],
  [['165', 'HPV9'], 132, 138],
  [['114', 'meningococcal MCV4P'], 132, 192],
];

/** Doses of childhood with the day on which they were due, up to `lastDay`, in order of time. */
export function childhoodDoses(
  random: Random,
  birthDay: number,
  lastDay: number,
): { readonly day: number; readonly vaccine: Vaccine }[] {
  const doses = CHILDHOOD.flatMap(([vaccine, ...months]) =>
    months.map((month) => ({ vaccine, day: birthDay + Math.floor(month * MONTH_DAYS) + random.integer(0, 20) })),
  );
  return doses.filter(({ day }) => day <= lastDay && random.chance(0.93)).sort((a, b) => a.day - b.day);
}

/** What an adult is due for at a check-up; `given` remembers the year of each code across visits. */
export function adultDoses(random: Random, years: number, day: number, given: Map<string, number>): Vaccine[] {
  const due: Vaccine[] = [];
  const year = yearOf(day);
  const every = (vaccine: Vaccine, gap: number, willing: number) => {
    const last = given.get(vaccine[0]);
    if (last !== undefined && year - last < gap) return;
    given.set(vaccine[0], year);
    if (random.chance(willing)) due.push(vaccine);
  };
  // CDC FluVaxView 2022–23: half of adults, two thirds of the old.
  every(['140', 'Influenza, seasonal, injectable, preservative free'], 1, years >= 65 ? 0.68 : 0.42);
  if (years >= 18) every(['113', 'Td (adult) preservative free'], 10, 0.25);
  if (years >= 50) every(['187', 'zoster recombinant'], 100, 0.3);
  if (years >= 65) every(['33', 'pneumococcal polysaccharide PPV23'], 100, 0.6);
  if (years >= 18 && (year === 2021 || year === 2022)) {
    every(['208', 'COVID-19, mRNA, LNP-S, PF, 30 mcg/0.3 mL dose'], 1, 0.7);
  }
  return due;
}

/** A vaccine given at a visit, or elsewhere on a day, as its record says. */
export function addImmunization(
  chart: Chart,
  random: Random,
  vaccine: Vaccine,
  { visit, day }: { readonly visit?: Visit; readonly day: number },
): void {
  chart.add<Immunization>({
    resourceType: 'Immunization',
    id: random.uuid(),
    meta: profiled('us-core-immunization'),
    status: 'completed',
    vaccineCode: concept(CVX, vaccine[0], vaccine[1]),
    patient: chart.subject,
    ...(visit !== undefined && { encounter: visit.encounter }),
    occurrenceDateTime: visit?.at ?? dayToDate(day),
    primarySource: visit !== undefined,
  });
}
