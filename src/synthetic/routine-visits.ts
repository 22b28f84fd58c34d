import { addProcedure } from './care.ts';
import type { Visit } from './chart.ts';
import { addSmokingStatus, addTests, addVitals } from './checkup.ts';
import { type Happening, type Telling, yearsOn } from './happening.ts';
import { type Illness, isActive } from './history.ts';
import { prescribe } from './illness-visits.ts';
import { addImmunization, adultDoses, childhoodDoses } from './immunization-schedule.ts';
import type { TestName } from './measurement.ts';
import { TESTS } from './measurement-catalogue.ts';
import { addNote } from './visit-note.ts';

const CHECKUP = ['185349003', 'Encounter for check up'] as const;

/** Well-child visits of the first years, by age in months. */
const WELL_CHILD_MONTHS = [0.5, 1, 2, 4, 6, 9, 12, 15, 18, 24, 30, 36];
const MONTH_DAYS = 30.44;

/** Nobody is measured by a machine or a device more often than yearly. */
const DEVICE_DAYS = 330;

/** What was done when, so that the next check-up does not repeat it. */
interface Memory {
  readonly tests: Map<string, number>;
  readonly doses: Map<string, number>;
}

/** Check-ups: by the calendar for children, for adults as age and diseases ask, and the vaccines of childhood. */
export function routineVisits(telling: Telling): Happening[] {
  const { chart, random, history } = telling;
  const memory: Memory = { tests: new Map(), doses: new Map() };
  const visits = checkupDays(telling).map((day) => ({ day, write: () => writeCheckup(telling, day, memory) }));
  if (yearsOn(telling, history.lastDay) >= 19) return visits;
  const doses = childhoodDoses(random, history.birthDay, history.lastDay).map(({ day, vaccine }) => ({
    day,
    write: () => addImmunization(chart, random, vaccine, { day }),
  }));
  return [...visits, ...doses];
}

function checkupDays(telling: Telling): number[] {
  const { random, history, firstDay } = telling;
  const { birthDay, lastDay } = history;
  const early = WELL_CHILD_MONTHS.map((month) => birthDay + Math.floor(month * MONTH_DAYS) + random.integer(0, 9));
  const days = early.filter((day) => day >= firstDay && day <= lastDay);
  // One in seven of the healthy young does not come unless ill.
  const comes = random.chance(0.86);
  let day = Math.max(firstDay, birthDay + 40 * MONTH_DAYS) + random.integer(5, 300);
  while (day <= lastDay) {
    const gap = gapAt(telling, day);
    if (comes || gap < 400) days.push(Math.floor(day));
    day += gap * (0.88 + 0.24 * random.next());
  }
  return days;
}

/** Days until the next check-up: by age, or as often as the most demanding disease asks. */
function gapAt(telling: Telling, day: number): number {
  const years = yearsOn(telling, day);
  let gap = years < 18 ? 365 : years < 40 ? 760 : years < 65 ? 540 : 360;
  for (const { everyDays } of cared(telling, day).map(({ disease }) => disease)) gap = Math.min(gap, everyDays ?? gap);
  return gap;
}

/** Illnesses that a check-up looks after: the active ones that are not kept confidential. */
function cared({ history }: Telling, day: number): Illness[] {
  return [...history.illnesses.values()].filter(
    (illness) => illness.disease.sensitivity === undefined && isActive(illness, day),
  );
}

function writeCheckup(telling: Telling, day: number, memory: Memory): void {
  const { chart, random, history, body } = telling;
  const years = yearsOn(telling, day);
  const illnesses = cared(telling, day);
  const visit = chart.visit(day, CHECKUP);
  const isBreathless = illnesses.some(({ name }) => name === 'copd' || name === 'asthma' || name === 'heartFailure');
  addVitals(chart, body, visit, years, isBreathless);
  addTests(chart, random, body, visit, testsDue(telling, illnesses, day, memory));
  if (years >= 18 && isDue(memory, 'smoking', day, DEVICE_DAYS)) addSmokingStatus(chart, visit, history.smoking);
  if (years >= 7) {
    for (const vaccine of adultDoses(random, years, day, memory.doses)) {
      addImmunization(chart, random, vaccine, { visit, day });
    }
  }
  for (const procedure of screeningsDue(telling, day, memory)) addProcedure(chart, random, visit, procedure);
  for (const illness of illnesses) prescribe(telling, visit, illness);
  if (illnesses.length > 0) summarize(telling, visit, illnesses, memory);
}

function isDue(memory: Memory, name: string, day: number, gapDays: number): boolean {
  const last = memory.tests.get(name);
  if (last !== undefined && day - last < gapDays) return false;
  memory.tests.set(name, day);
  return true;
}

/** What diseases call for, and what somebody of the age is screened for. */
function testsDue(telling: Telling, illnesses: readonly Illness[], day: number, memory: Memory): TestName[] {
  const { random, history } = telling;
  const gaps = new Map<TestName, number>();
  for (const { disease } of illnesses) {
    for (const test of disease.tests ?? []) {
      const gap = 0.8 * (disease.everyDays ?? 365);
      const least = TESTS[test].kind === 'clinical-result' ? Math.max(gap, DEVICE_DAYS) : gap;
      gaps.set(test, Math.min(gaps.get(test) ?? Number.POSITIVE_INFINITY, least));
    }
  }
  const years = yearsOn(telling, day);
  const screen = (test: TestName, chance: number) => {
    if (random.chance(chance) && !gaps.has(test)) gaps.set(test, 700);
  };
  screen('lipids', years >= 40 ? 0.4 : years >= 20 ? 0.12 : 0);
  screen('metabolic', years >= 40 ? 0.3 : years >= 18 ? 0.1 : 0);
  screen('hba1c', years >= 40 ? 0.3 : 0);
  screen('bloodCount', years >= 18 ? 0.15 : years < 2 ? 0.2 : 0);
  screen('psa', history.gender === 'male' && years >= 55 && years < 75 ? 0.3 : 0);
  return [...gaps].filter(([test, gap]) => isDue(memory, test, day, gap)).map(([test]) => test);
}

function screeningsDue(telling: Telling, day: number, memory: Memory): (readonly [string, string])[] {
  const { random, history } = telling;
  const years = yearsOn(telling, day);
  const due: (readonly [string, string])[] = [];
  if (years >= 45 && years < 80 && random.chance(0.2) && isDue(memory, 'colonoscopy', day, 3650)) {
    due.push(['73761001', 'Colonoscopy']);
  }
  const isWoman = history.gender === 'female';
  if (isWoman && years >= 45 && years < 75 && random.chance(0.7) && isDue(memory, 'mammography', day, 600)) {
    due.push(['71651007', 'Mammography']);
  }
  return due;
}

/** A line for each disease, in a progress note once a year. */
function summarize(telling: Telling, visit: Visit, illnesses: readonly Illness[], memory: Memory): void {
  const { chart, random } = telling;
  if (!isDue(memory, 'note', visit.day, DEVICE_DAYS)) return;
  const lines = illnesses.map(({ disease, treatments }) => {
    const taken = treatments.filter(({ fromDay }) => fromDay <= visit.day).map(({ medicine }) => medicine);
    return `- ${disease.snomed[1]}: ${taken.length === 0 ? 'no medicine' : `on ${taken.join(', ')}`}.`;
  });
  addProcedure(chart, random, visit, ['430193006', 'Medication reconciliation']);
  addNote(
    chart,
    random,
    visit,
    'progress',
    `Check-up.\n${lines.join('\n')}\nPlan: continue, next visit as arranged.\n`,
  );
}
