import type { Body } from './body.ts';
import { ageOn, yearOf } from './calendar.ts';
import { addCondition, addImmunization, addPrescription, addProcedure } from './care.ts';
import type { Chart } from './chart.ts';
import { addLabs, addSensitiveMeasurement, addSmokingStatus, addVitals } from './checkup.ts';
import { ACUTE, CHRONIC, type ChronicName, type Disease } from './condition-catalogue.ts';
import type { Random } from './random.ts';

/** What is known of a person before the first visit is written down. */
export interface Person {
  readonly body: Body;
  readonly birthDay: number;
  readonly smoking: readonly [code: string, display: string];
}

/** One thing that happens on a day. */
interface Happening {
  readonly day: number;
  write(): void;
}

const CHECKUP = ['185349003', 'Encounter for check up'] as const;
const PROBLEM = ['185347001', 'Encounter for problem'] as const;
const FOLLOW_UP = ['390906007', 'Follow-up encounter'] as const;
const SYMPTOM = ['185345009', 'Encounter for symptom'] as const;

const ACUTE_YEARS = 5;
const YEAR_DAYS = 365;

/** Days of onset of the chronic diseases that somebody born on `birthDay` has by `today`. */
export function drawOnsets(
  random: Random,
  gender: 'female' | 'male',
  birthDay: number,
  today: number,
): Map<ChronicName, number> {
  const onset = new Map<ChronicName, number>();
  for (const [name, disease] of Object.entries(CHRONIC) as [ChronicName, Disease][]) {
    // The chance grows evenly from the youngest age to the age at which the share is reached.
    const atAge = disease.fromAge + random.next() * (disease.peakAge - disease.fromAge);
    const day = Math.floor(birthDay + atAge * 365.25);
    const isSusceptible = random.chance(disease.share);
    if (isSusceptible && day <= today && (disease.sex === undefined || disease.sex === gender)) onset.set(name, day);
  }
  return onset;
}

/** Writes a person's course up to `today` into a chart, visits in order of time. */
export function writeCourse(chart: Chart, random: Random, person: Person, today: number): void {
  const happenings = [
    ...onsets(chart, random, person, today),
    ...acuteEpisodes(chart, random, person, today),
    ...checkups(chart, random, person, today),
  ];
  // Array.prototype.sort is stable: what falls on one day keeps the order above.
  happenings.sort((a, b) => a.day - b.day);
  for (const happening of happenings) happening.write();
}

function onsets(chart: Chart, random: Random, { body, birthDay }: Person, today: number): Happening[] {
  return [...body.onset].flatMap(([name, day]) => {
    const disease: Disease = CHRONIC[name];
    const diagnosis: Happening = {
      day,
      write() {
        const visit = chart.visit(day, PROBLEM, { reason: disease.snomed, sensitivity: disease.sensitivity });
        const condition = addCondition(chart, random, visit, disease);
        if (disease.medicine !== undefined) addPrescription(chart, random, visit, disease.medicine, condition, true);
        addSensitiveMeasurement(chart, body, visit, ageOn(birthDay, day));
        if (name === 'asthma' || name === 'copd') addProcedure(chart, random, visit, ['127783003', 'Spirometry']);
        if (name === 'coronary' || name === 'fibrillation') {
          addProcedure(chart, random, visit, ['29303009', 'Electrocardiographic procedure']);
        }
      },
    };
    if (disease.sensitivity === undefined) return [diagnosis];
    const later = today - random.integer(20, 300);
    if (later <= day) return [diagnosis];
    const followUp: Happening = {
      day: later,
      write() {
        const visit = chart.visit(later, FOLLOW_UP, { reason: disease.snomed, sensitivity: disease.sensitivity });
        addSensitiveMeasurement(chart, body, visit, ageOn(birthDay, later));
      },
    };
    return [diagnosis, followUp];
  });
}

function acuteEpisodes(chart: Chart, random: Random, { body, birthDay }: Person, today: number): Happening[] {
  const happenings: Happening[] = [];
  for (const episode of ACUTE) {
    if (episode.sex !== undefined && episode.sex !== body.gender) continue;
    for (let year = 0; year < ACUTE_YEARS; year++) {
      const day = today - year * YEAR_DAYS - random.integer(1, YEAR_DAYS);
      const isStruck = random.chance(episode.share);
      const age = ageOn(birthDay, day);
      if (!isStruck || day <= birthDay || age < episode.fromAge || age > episode.peakAge) continue;
      happenings.push({
        day,
        write() {
          const visit = chart.visit(day, SYMPTOM, { reason: episode.snomed, sensitivity: episode.sensitivity });
          // One that is not over yet is taken to end today.
          const abatedDay = Math.min(today, day + episode.days);
          const condition = addCondition(chart, random, visit, episode, abatedDay);
          if (episode.medicine !== undefined) {
            addPrescription(chart, random, visit, episode.medicine, condition, day + episode.days > today);
          }
        },
      });
    }
  }
  return happenings;
}

/** Check-ups: often in the first years, then every second year, yearly for the old and the chronically ill. */
function checkups(chart: Chart, random: Random, person: Person, today: number): Happening[] {
  const { birthDay, body } = person;
  const ageNow = ageOn(birthDay, today);
  const isYearly = ageNow >= 65 || body.onset.size >= 3;
  const gap = ageNow < 4 ? 120 : isYearly ? YEAR_DAYS : 2 * YEAR_DAYS;
  const given = new Set<string>();
  const happenings: Happening[] = [];
  const count = ageNow < 4 ? 6 : isYearly ? 4 : 3;
  for (let i = 0; i < count; i++) {
    const day = today - random.integer(3, 100) - i * gap;
    if (day < birthDay + 14) break;
    happenings.push({ day, write: () => writeCheckup(chart, random, person, day, given) });
  }
  return happenings;
}

function writeCheckup(
  chart: Chart,
  random: Random,
  { body, birthDay, smoking }: Person,
  day: number,
  given: Set<string>,
): void {
  const age = ageOn(birthDay, day);
  const visit = chart.visit(day, CHECKUP);
  addVitals(chart, body, visit, age);
  addLabs(chart, body, visit, age, random);
  if (age >= 18) addSmokingStatus(chart, visit, smoking);
  for (const vaccine of vaccinesDue(age, day, given)) addImmunization(chart, random, visit, vaccine);
  for (const procedure of screeningsDue(body, age, given)) addProcedure(chart, random, visit, procedure);
  if (body.onset.size > 0) addProcedure(chart, random, visit, ['430193006', 'Medication reconciliation']);
}

type Vaccine = readonly [code: string, display: string];

const CHILD_VACCINES: readonly (readonly [fromAge: number, toAge: number, vaccine: Vaccine])[] = [
  [0, 1, ['119', 'rotavirus, monovalent']],
  [0, 4, ['20', 'DTaP']],
  [0, 4, ['10', 'IPV']],
  [0, 4, ['08', 'Hep B, adolescent or pediatric']],
  [1, 6, ['03', 'MMR']],
  [1, 6, ['21', 'varicella']],
  [11, 17, ['115', 'Tdap']],
  [11, 17, ['62', 'HPV, quadrivalent']],
];

function vaccinesDue(age: number, day: number, given: Set<string>): Vaccine[] {
  const due: Vaccine[] = [];
  const once = (vaccine: Vaccine) => {
    if (given.has(vaccine[0])) return;
    given.add(vaccine[0]);
    due.push(vaccine);
  };
  for (const [fromAge, toAge, vaccine] of CHILD_VACCINES) if (age >= fromAge && age <= toAge) once(vaccine);
  if (age >= 50) once(['187', 'zoster recombinant']);
  if (age >= 65) once(['33', 'pneumococcal polysaccharide PPV23']);
  if (age >= 18) once(['113', 'Td (adult) preservative free']);
  if (age >= 12 && yearOf(day) >= 2021) once(['208', 'COVID-19, mRNA, LNP-S, PF, 30 mcg/0.3 mL dose']);
  if (age >= 1) due.push(['140', 'Influenza, seasonal, injectable, preservative free']);
  return due;
}

function screeningsDue(body: Body, age: number, given: Set<string>): (readonly [string, string])[] {
  const due: (readonly [string, string])[] = [];
  if (age >= 50 && !given.has('colonoscopy')) {
    given.add('colonoscopy');
    due.push(['73761001', 'Colonoscopy']);
  }
  if (age >= 45 && body.gender === 'female') due.push(['71651007', 'Mammography']);
  return due;
}
