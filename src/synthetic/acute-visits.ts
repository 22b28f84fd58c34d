import { ACUTE } from './acute-catalogue.ts';
import { yearOf } from './calendar.ts';
import { addCondition, addDispense, addPrescription, addProcedure } from './care.ts';
import { addTemperature } from './checkup.ts';
import { curveAt } from './curve.ts';
import type { Episode } from './disease.ts';
import { type Happening, type Telling, yearsOn } from './happening.ts';
import { type Illness, isActive } from './history.ts';
import { YEAR_DAYS } from './population.ts';
import { addNote } from './visit-note.ts';

const SYMPTOM = ['185345009', 'Encounter for symptom'] as const;
const EMERGENCY = ['50849002', 'Emergency room admission'] as const;
const ADMISSION = ['183452005', 'Emergency hospital admission'] as const;

/** What comes and goes, attacks of chronic diseases, and the last days of who dies in hospital. */
export function acuteVisits(telling: Telling): Happening[] {
  const { history, firstDay } = telling;
  const from = Math.max(firstDay, history.birthDay + 10);
  const happenings: Happening[] = [];
  for (let day = from; day <= history.lastDay; day += Math.ceil(YEAR_DAYS)) {
    happenings.push(...strokesOfBadLuck(telling, day), ...attacks(telling, day));
  }
  return [...happenings.filter(({ day }) => day <= history.lastDay), ...lastStay(telling)];
}

function strokesOfBadLuck(telling: Telling, yearStart: number): Happening[] {
  const { random, history } = telling;
  const happenings: Happening[] = [];
  for (const episode of ACUTE) {
    const day = yearStart + random.integer(0, 364);
    const isStruck = random.chance(curveAt(episode.perYear, yearsOn(telling, day)));
    if (!isStruck || (episode.sex !== undefined && episode.sex !== history.gender)) continue;
    if (episode.fromYear !== undefined && yearOf(day) < episode.fromYear) continue;
    happenings.push({ day, write: () => writeEpisode(telling, episode, day) });
  }
  return happenings;
}

function attacks(telling: Telling, yearStart: number): Happening[] {
  const { random, history } = telling;
  const happenings: Happening[] = [];
  for (const illness of history.illnesses.values()) {
    for (const attack of illness.disease.attacks ?? []) {
      const day = yearStart + random.integer(0, 364);
      const isStruck = random.chance(attack.perYear);
      if (isStruck && illness.onsetDay < day && isActive(illness, day)) {
        happenings.push({ day, write: () => writeEpisode(telling, attack, day) });
      }
    }
  }
  return happenings;
}

function writeEpisode(telling: Telling, episode: Episode, day: number): void {
  const { chart, random, history, body } = telling;
  const { snomed: reason, sensitivity, admittedDays, medicine } = episode;
  const setting = admittedDays !== undefined ? 'inpatient' : episode.isEmergency === true ? 'emergency' : undefined;
  const type = setting === 'inpatient' ? ADMISSION : setting === 'emergency' ? EMERGENCY : SYMPTOM;
  const visit = chart.visit(day, type, {
    reason,
    sensitivity,
    ...(setting !== undefined && { setting }),
    ...(admittedDays !== undefined && {
      untilDay: Math.min(history.lastDay, day + admittedDays + random.integer(-1, 2)),
    }),
  });
  if (episode.hasFever === true) addTemperature(chart, body, visit, 0.5 + 1.5 * random.next());
  const overDay = day + episode.days;
  const isOver = overDay <= history.lastDay;
  const condition = addCondition(chart, random, visit, episode, {
    isProblem: false,
    abatedDay: isOver ? overDay : undefined,
  });
  if (episode.procedure !== undefined) addProcedure(chart, random, visit, episode.procedure);
  if (medicine !== undefined) {
    const request = addPrescription(chart, random, visit, medicine, condition, isOver ? 'completed' : 'active');
    addDispense(chart, random, request, medicine, { day, isRefill: false });
  }
  if (setting === 'inpatient') {
    addNote(chart, random, visit, 'discharge', `Admitted for ${reason[1]}. Treated, and discharged home.\n`);
  }
}

/** Half of those who die do so in hospital, of what endangered them most. */
function lastStay(telling: Telling): Happening[] {
  const { chart, random, history } = telling;
  const { deathDay, birthDay } = history;
  if (deathDay === undefined || random.chance(0.5)) return [];
  const day = Math.max(birthDay + 1, deathDay - random.integer(0, 6));
  const worst = gravest([...history.illnesses.values()].filter((illness) => illness.onsetDay <= day));
  return [
    {
      day,
      write() {
        const reason = worst?.disease.snomed;
        const visit = chart.visit(day, ADMISSION, {
          ...(reason !== undefined && { reason }),
          setting: 'inpatient',
          untilDay: deathDay,
          isLast: true,
        });
        addNote(chart, random, visit, 'discharge', `Admitted in grave condition. Died on the ward.\n`);
      },
    },
  ];
}

/** What is sensitive is not named: the stay carries no label. */
function gravest(illnesses: readonly Illness[]): Illness | undefined {
  return illnesses
    .filter(({ disease }) => disease.sensitivity === undefined)
    .sort((a, b) => (b.disease.hazard ?? 1) - (a.disease.hazard ?? 1))[0];
}
