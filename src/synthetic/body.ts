import type { ChronicName } from './condition-catalogue.ts';
import { type Curve, curveAt } from './curve.ts';
import { medianBmi, medianHeadCm, medianHeightCm } from './growth.ts';
import { type History, type Illness, isActive, type Treatment } from './history.ts';
import type { Effect, Measurement } from './measurement.ts';
import { YEAR_DAYS } from './population.ts';
import type { Random } from './random.ts';

/** What somebody's body is like: stable over the years, moved by age, diseases and medicines. */
export interface Body {
  heightCm(day: number): number;
  weightKg(day: number): number;
  headCm(day: number): number;
  /** One reading on a day, within the measurement's bounds. */
  read(measurement: Measurement, day: number): number;
  /** Glomerular filtration rate without the day's chance (mL/min/1.73 m²). */
  filtration(day: number): number;
}

/** Days that a medicine takes to work in full. */
const FULL_EFFECT_DAYS = 90;

/** Filtration of the healthy by age. */
const FILTRATION: Curve = [
  [18, 112],
  [40, 100],
  [60, 86],
  [80, 72],
  [95, 62],
];

/** Where chronic kidney disease of stage 3 is found. */
const FILTRATION_AT_STAGE_3 = 54;

export function createBody(random: Random, history: History): Body {
  const { gender, birthDay, illnesses } = history;
  const tallness = random.normal(1, 0.036);
  const heaviness = illnesses.has('obesity')
    ? Math.max(1.1, random.normal(1.18, 0.06))
    : Math.min(1.34, Math.max(0.92, random.normal(1.12, 0.075)));
  const kidneyHabit = random.normal(0, 5);
  const headHabit = random.normal(1, 0.02);
  // How this person's readings differ from the average, by LOINC code: the same at every visit.
  const habit = new Map<string, number>();
  const treatments = new Map<string, Treatment>();
  for (const { treatments: taken } of illnesses.values()) {
    for (const treatment of taken)
      if (!treatments.has(treatment.medicine)) treatments.set(treatment.medicine, treatment);
  }
  let filtrationToday = { day: Number.NaN, value: 0 };
  const yearsOn = (day: number) => (day - birthDay) / YEAR_DAYS;

  function filtration(day: number): number {
    const healthy = curveAt(FILTRATION, yearsOn(day)) + kidneyHabit;
    const illness = illnesses.get('kidney');
    if (illness === undefined) return Math.max(64, healthy);
    const years = (day - illness.onsetDay) / YEAR_DAYS;
    // The year before it is found it falls to where it is found.
    if (years < 0) return years < -1 ? Math.max(62, healthy) : FILTRATION_AT_STAGE_3 - 9 * years;
    const slope = Math.max(0.3, 1.6 * (illness.severity * 3 - 2));
    return Math.max(5, FILTRATION_AT_STAGE_3 - slope * years);
  }

  /** One value a day, so that creatinine and the rate that is computed from it agree. */
  function filtrationRead(day: number): number {
    if (filtrationToday.day !== day)
      filtrationToday = { day, value: Math.round(filtration(day) * random.normal(1, 0.035)) };
    return filtrationToday.value;
  }

  function read(measurement: Measurement, day: number): number {
    if (measurement.from === 'filtration') return bounded(measurement, filtrationRead(day));
    if (measurement.from === 'creatinine') {
      return bounded(measurement, creatinineOf(filtrationRead(day), gender, yearsOn(day)));
    }
    const { mean, deviation } = measurement;
    let own = habit.get(measurement.loinc);
    if (own === undefined) {
      own = random.normal(0, deviation * 0.8);
      habit.set(measurement.loinc, own);
    }
    let value = (typeof mean === 'number' ? mean : mean[gender]) + own + random.normal(0, deviation * 0.6);
    if (measurement.age !== undefined) value += curveAt(measurement.age, yearsOn(day));
    for (const [cause, effect] of measurement.effects ?? []) value = moved(value, cause, effect, day);
    return bounded(measurement, value);
  }

  function moved(value: number, cause: string, effect: Effect, day: number): number {
    const illness = illnesses.get(cause as ChronicName);
    if (illness !== undefined) return isActive(illness, day) ? byIllness(value, illness, effect, day) : value;
    const treatment = treatments.get(cause);
    if (treatment === undefined || treatment.fromDay >= day) return value;
    if (treatment.untilDay !== undefined && treatment.untilDay <= day) return value;
    const share = Math.min(1, (day - treatment.fromDay) / (effect.overDays ?? FULL_EFFECT_DAYS)) * treatment.strength;
    return (value + (effect.add ?? 0) * share) * (1 - (1 - (effect.times ?? 1)) * Math.min(1, share));
  }

  return {
    heightCm: (day) => medianHeightCm(gender, yearsOn(day)) * tallness,
    headCm: (day) => medianHeadCm(gender, yearsOn(day)) * headHabit,
    weightKg(day) {
      const years = yearsOn(day);
      const metres = (medianHeightCm(gender, years) * tallness) / 100;
      const stoutness = obesityOf(illnesses.get('obesity'), day);
      // Heaviness shows with the years: babies differ less than adults.
      const shown = 1 + (heaviness - 1) * Math.min(1, years / 25);
      // Weight goes up and down by three per cent over two years.
      const swing = Math.abs((((day % 730) + 730) % 730) - 365) / 365 - 0.5;
      return medianBmi(gender, years) * shown * stoutness * metres * metres * (1 + 0.06 * (years < 18 ? 0 : swing));
    },
    read,
    filtration,
  };
}

function bounded({ low, high }: Measurement, value: number): number {
  return Math.min(high, Math.max(low, value));
}

function byIllness(value: number, { onsetDay, severity }: Illness, effect: Effect, day: number): number {
  const grown = (effect.add ?? 0) + ((effect.perYear ?? 0) * (day - onsetDay)) / YEAR_DAYS;
  const { most } = effect;
  const amount = most === undefined ? grown : most < 0 ? Math.max(most, grown) : Math.min(most, grown);
  return (value + amount * severity) * (effect.times ?? 1);
}

/** How much heavier obesity makes: when it is found a third, later more; before and after a tenth. */
function obesityOf(illness: Illness | undefined, day: number): number {
  if (illness === undefined) return 1;
  const { onsetDay, endDay, severity } = illness;
  if (day < onsetDay - 400 || (endDay !== undefined && day >= endDay)) return 1.08;
  if (day < onsetDay) return 1.2;
  return 1.3 + (0.1 * severity * Math.min(1500, day - onsetDay)) / 1500;
}

/**
 * Creatinine in mg/dL that CKD-EPI 2021 computes a filtration rate from (Inker et al., N Engl J Med 2021;385:1737),
 * solved for it: one power holds below κ, another above.
 */
export function creatinineOf(filtration: number, gender: 'female' | 'male', years: number): number {
  const [kappa, alpha, factor] = gender === 'female' ? [0.7, 0.241, 1.012] : [0.9, 0.302, 1];
  const atKappa = 142 * 0.9938 ** years * factor;
  return kappa * (atKappa / filtration) ** (1 / (filtration > atKappa ? alpha : 1.2));
}
