import { addCondition, addProcedure } from './care.ts';
import { addCarePlan, addCareTeam } from './care-plan.ts';
import type { Visit } from './chart.ts';
import { addTests } from './checkup.ts';
import type { Diagnosis } from './disease.ts';
import type { Happening, Telling } from './happening.ts';
import type { Illness } from './history.ts';
import { TESTS } from './measurement-catalogue.ts';
import { YEAR_DAYS } from './population.ts';

const PROBLEM = ['185347001', 'Encounter for problem'] as const;
const FOLLOW_UP = ['390906007', 'Follow-up encounter'] as const;
const ADMISSION = ['183452005', 'Emergency hospital admission'] as const;

/** Finding chronic diseases, beginning medicines for them, stages that follow, and looking after sensitive ones. */
export function illnessVisits(telling: Telling): Happening[] {
  return [...telling.history.illnesses.values()].flatMap((illness) => [
    diagnosis(telling, illness),
    ...laterSteps(telling, illness),
    ...stages(telling, illness),
    ...confidentialVisits(telling, illness),
  ]);
}

function diagnosis(telling: Telling, illness: Illness): Happening {
  const { chart, random, history, body, firstDay, problems } = telling;
  const { name, disease, onsetDay: day, endDay } = illness;
  const { sensitivity, snomed, admittedDays, planning, procedure } = disease;
  return {
    day,
    write() {
      const stay =
        admittedDays === undefined
          ? {}
          : { setting: 'inpatient' as const, untilDay: Math.min(history.lastDay, day + admittedDays) };
      const visit = chart.visit(day, admittedDays === undefined ? PROBLEM : ADMISSION, {
        reason: snomed,
        sensitivity,
        ...stay,
      });
      const next = stageDays(telling, illness)[0];
      const condition = addCondition(chart, random, visit, disease, {
        isProblem: true,
        abatedDay: next?.day ?? endDay,
        abatedAs: next !== undefined ? 'inactive' : disease.hazard === undefined ? 'resolved' : 'remission',
      });
      problems.set(name, condition);
      // Long ago only what tells how it began is still at hand.
      const found = (disease.tests ?? []).filter((test) => day >= firstDay || TESTS[test].measurements.length === 1);
      addTests(chart, random, body, visit, found);
      if (procedure !== undefined) addProcedure(chart, random, visit, procedure);
      prescribe(telling, visit, illness);
      if (planning === undefined || endDay !== undefined) return;
      const isOver = history.deathDay !== undefined;
      if (![...problems.keys()].some((other) => other !== name && isPlanned(telling, other))) {
        addCareTeam(chart, random, day, isOver);
      }
      addCarePlan(chart, random, planning, { day, condition, isOver });
    },
  };
}

function isPlanned({ history }: Telling, name: Illness['name']): boolean {
  const illness = history.illnesses.get(name);
  return illness?.disease.planning !== undefined && illness.endDay === undefined;
}

/** Prescribes, or renews, what an illness is treated with at a visit for it. */
export function prescribe({ prescriptions, problems }: Telling, visit: Visit, illness: Illness): void {
  const condition = problems.get(illness.name);
  if (condition === undefined) return;
  for (const treatment of illness.treatments) prescriptions.prescribe(visit, treatment, condition);
}

/** A medicine that is begun after a while has a visit of its own, if everything is recorded by then. */
function laterSteps(telling: Telling, illness: Illness): Happening[] {
  const { chart, history, firstDay } = telling;
  const { disease, onsetDay } = illness;
  return illness.treatments
    .filter(({ fromDay }) => fromDay > onsetDay && fromDay >= firstDay && fromDay < history.lastDay)
    .map(({ fromDay: day }) => ({
      day,
      write() {
        const { snomed: reason, sensitivity } = disease;
        prescribe(telling, chart.visit(day, FOLLOW_UP, { reason, sensitivity }), illness);
      },
    }));
}

/** Days on which worse stages are found, from the filtration rate's own course. */
function stageDays({ body, history }: Telling, { disease, onsetDay, name }: Illness) {
  const found: (Diagnosis & { readonly day: number })[] = [];
  if (name !== 'kidney') return found;
  for (const stage of disease.stages ?? []) {
    let day = found.at(-1)?.day ?? onsetDay + 180;
    while (day <= history.lastDay && body.filtration(day) >= stage.belowEgfr) day += 90;
    if (day > history.lastDay) break;
    found.push({ ...stage, day });
  }
  return found;
}

function stages(telling: Telling, illness: Illness): Happening[] {
  const { chart, random, body, problems } = telling;
  const found = stageDays(telling, illness);
  return found.map((stage, at) => ({
    day: stage.day,
    write() {
      const visit = chart.visit(stage.day, PROBLEM, { reason: stage.snomed });
      const abatedDay = found[at + 1]?.day;
      const outcome = { isProblem: true, abatedDay, abatedAs: 'inactive' } as const;
      problems.set(illness.name, addCondition(chart, random, visit, stage, outcome));
      addTests(chart, random, body, visit, ['metabolic']);
    },
  }));
}

/** What is sensitive is looked after at visits of its own: their label is on everything that they leave. */
function confidentialVisits(telling: Telling, illness: Illness): Happening[] {
  const { chart, random, history, body, firstDay } = telling;
  const { disease, onsetDay, endDay } = illness;
  const { sensitivity, everyDays = YEAR_DAYS, snomed, tests = [] } = disease;
  if (sensitivity === undefined) return [];
  const visits: Happening[] = [];
  const until = Math.min(endDay ?? history.lastDay, history.lastDay);
  let day = Math.max(onsetDay, firstDay) + random.integer(30, Math.floor(everyDays));
  while (day <= until) {
    const on = day;
    visits.push({
      day: on,
      write() {
        const visit = chart.visit(on, FOLLOW_UP, { reason: snomed, sensitivity });
        addTests(chart, random, body, visit, tests);
        prescribe(telling, visit, illness);
      },
    });
    day += Math.floor(everyDays * (0.85 + 0.3 * random.next()));
  }
  return visits;
}
