import { addCondition, addProcedure } from './care.ts';
import { type Visit, valued } from './chart.ts';
import { addTests } from './checkup.ts';
import { concept, LOINC, SNOMED } from './coding.ts';
import { type Curve, curveAt } from './curve.ts';
import type { Diagnosis } from './disease.ts';
import { type Happening, type Telling, yearsOn } from './happening.ts';
import { addImmunization } from './immunization-schedule.ts';
import { VITALS } from './vital-catalogue.ts';
import { quantity } from './written-number.ts';

const FIRST_VISIT = ['424441002', 'Prenatal initial visit'] as const;
const PRENATAL = ['424619006', 'Prenatal visit'] as const;
const POSTNATAL = ['169762003', 'Postnatal visit'] as const;
const DELIVERY = ['183460006', 'Obstetric emergency hospital admission'] as const;
const VISIT_WEEKS = [8, 12, 16, 20, 26, 31, 36, 38];

/** Births per woman and year by age (CDC National Vital Statistics 2021, rounded). */
const BIRTHS: Curve = [
  [15, 0],
  [18, 0.02],
  [22, 0.062],
  [28, 0.095],
  [33, 0.095],
  [38, 0.05],
  [42, 0.012],
  [46, 0],
];

const PREGNANCY: Diagnosis = {
  snomed: ['72892002', 'Normal pregnancy'],
  icd: ['Z34.90', 'Encounter for supervision of normal pregnancy, unspecified, unspecified trimester'],
};
const MISCARRIAGE: Diagnosis = {
  snomed: ['17369002', 'Miscarriage'],
  icd: ['O03.9', 'Complete or unspecified spontaneous abortion without complication'],
};
const GESTATIONAL_DIABETES: Diagnosis = {
  snomed: ['11687002', 'Gestational diabetes mellitus'],
  icd: ['O24.419', 'Gestational diabetes mellitus in pregnancy, unspecified control'],
};
const PRE_ECLAMPSIA: Diagnosis = {
  snomed: ['398254007', 'Pre-eclampsia'],
  icd: ['O14.90', 'Unspecified pre-eclampsia, unspecified trimester'],
};

/** Pregnancies since everything is recorded, each with its visits, its end, and what may go with it. */
export function pregnancies(telling: Telling): Happening[] {
  const { random, history, firstDay } = telling;
  if (history.gender !== 'female') return [];
  const happenings: Happening[] = [];
  for (let day = firstDay; day <= history.lastDay; day += 365) {
    const conceived = day + random.integer(0, 364);
    const isExpecting = random.chance(1.15 * curveAt(BIRTHS, yearsOn(telling, conceived)));
    if (!isExpecting || conceived + 7 * 7 > history.lastDay) continue;
    happenings.push(...pregnancy(telling, conceived));
    // None within a year after.
    day += 365;
  }
  return happenings.filter((happening) => happening.day <= history.lastDay);
}

function pregnancy(telling: Telling, conceived: number): Happening[] {
  const { chart, random, history } = telling;
  const isLost = random.chance(0.12);
  const endDay = conceived + (isLost ? 63 : 7 * 37 + random.integer(0, 24));
  const isComplicated = { sugar: random.chance(0.08), pressure: random.chance(0.04), surgery: random.chance(0.32) };
  const isOver = endDay <= history.lastDay;
  const during = (week: number) => Math.min(conceived + 7 * week + random.integer(-3, 3), endDay - 1);
  const weeks = VISIT_WEEKS.filter((week) => conceived + 7 * week + 3 < endDay);
  const happenings: Happening[] = weeks.map((week, at) => {
    const day = during(week);
    return {
      day,
      write() {
        const visit = chart.visit(day, at === 0 ? FIRST_VISIT : PRENATAL, { reason: PREGNANCY.snomed });
        const diagnose = (diagnosis: Diagnosis) =>
          addCondition(chart, random, visit, diagnosis, { isProblem: true, abatedDay: isOver ? endDay : undefined });
        if (at === 0) diagnose(PREGNANCY);
        if (week === 26 && isComplicated.sugar) diagnose(GESTATIONAL_DIABETES);
        if (week === 31 && isComplicated.pressure) diagnose(PRE_ECLAMPSIA);
        writePrenatal(telling, visit, week, isComplicated.pressure && week >= 31 ? 32 : 0);
      },
    };
  });
  return [...happenings, ...(isLost ? [loss(telling, endDay)] : birth(telling, endDay, isComplicated.surgery))];
}

function writePrenatal({ chart, random, body }: Telling, visit: Visit, week: number, raised: number): void {
  const { day } = visit;
  const component = ([VITALS.systolic, VITALS.diastolic] as const).map((part, at) => ({
    code: concept(LOINC, part.loinc, part.display),
    ...valued(quantity(body.read(part, day) + (at === 0 ? raised : raised / 2), 0, part.unit, part.ucum)),
  }));
  chart.observe(
    visit,
    'us-core-blood-pressure',
    'vital-signs',
    ['85354-9', 'Blood pressure panel with all children optional'],
    { component },
  );
  // Some twelve kilograms are gained by the end.
  const gained = Math.max(0, week - 8) * 0.4;
  const weight = valued(quantity(body.weightKg(day) + gained, 1, 'kg'));
  chart.observe(visit, 'us-core-body-weight', 'vital-signs', ['29463-7', 'Body weight'], weight);
  if (week === 8 || week === 26) addTests(chart, random, body, visit, ['bloodCount']);
  if (week === 8) {
    chart.observe(visit, 'us-core-observation-pregnancystatus', 'social-history', ['82810-3', 'Pregnancy status'], {
      valueCodeableConcept: concept(SNOMED, '77386006', 'Pregnant'),
    });
  }
  if (week === 20) addProcedure(chart, random, visit, ['271442007', 'Fetal anatomy study']);
  if (week === 31) addImmunization(chart, random, ['115', 'Tdap'], { visit, day });
}

function loss({ chart, random }: Telling, day: number): Happening {
  return {
    day,
    write() {
      const visit = chart.visit(day, ['50849002', 'Emergency room admission'], {
        reason: MISCARRIAGE.snomed,
        setting: 'emergency',
      });
      addCondition(chart, random, visit, MISCARRIAGE, { isProblem: false, abatedDay: undefined });
    },
  };
}

function birth({ chart, random, history }: Telling, day: number, isSurgical: boolean): Happening[] {
  return [
    {
      day,
      write() {
        const untilDay = Math.min(history.lastDay, day + (isSurgical ? 4 : 2));
        const visit = chart.visit(day, DELIVERY, { reason: PREGNANCY.snomed, setting: 'inpatient', untilDay });
        const normal = ['177184002', 'Normal delivery procedure'] as const;
        addProcedure(chart, random, visit, isSurgical ? ['11466000', 'Cesarean section'] : normal);
      },
    },
    {
      day: day + 42,
      write: () => void chart.visit(day + 42, POSTNATAL, { reason: PREGNANCY.snomed }),
    },
  ];
}
