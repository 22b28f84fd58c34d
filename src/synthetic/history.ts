import { CHRONIC, type ChronicName } from './condition-catalogue.ts';
import { type Curve, whenReached } from './curve.ts';
import type { Disease } from './disease.ts';
import type { MedicineName } from './medicine-catalogue.ts';
import { drawSexAndAge, drawSmoking, mortality, type Smoking, YEAR_DAYS } from './population.ts';
import type { Random } from './random.ts';

/** A medicine that somebody takes for a disease. */
export interface Treatment {
  readonly medicine: MedicineName;
  readonly fromDay: number;
  /** First day without it; undefined while it is taken. */
  readonly untilDay: number | undefined;
  /** How much of its full effect it has in this person. */
  readonly strength: number;
}

/** A chronic disease of somebody. */
export interface Illness {
  readonly name: ChronicName;
  readonly disease: Disease;
  readonly onsetDay: number;
  /** Day of remission. */
  readonly endDay: number | undefined;
  /** 1 is an average case. */
  readonly severity: number;
  readonly treatments: readonly Treatment[];
}

/** Somebody's life up to a day, drawn before anything of it is written down. */
export interface History {
  readonly gender: 'female' | 'male';
  readonly birthDay: number;
  readonly deathDay: number | undefined;
  /** Day of death, or the day that the records are of. */
  readonly lastDay: number;
  readonly smoking: Smoking;
  readonly illnesses: ReadonlyMap<ChronicName, Illness>;
}

const DISEASES = Object.entries(CHRONIC) as readonly (readonly [ChronicName, Disease])[];

/** Draws a life: who, which diseases from when, how treated, and whether it ended since `firstDay`. */
export function drawHistory(random: Random, firstDay: number, today: number): History {
  const { gender, years } = drawSexAndAge(random);
  const birthDay = today - 1 - Math.floor(years * YEAR_DAYS);
  const smoking = drawSmoking(random, gender);
  const illnesses = new Map<ChronicName, Illness>();
  for (const [name, disease] of DISEASES) {
    const illness = drawIllness(random, { name, disease, gender, birthDay, smoking, illnesses, today });
    if (illness !== undefined) illnesses.set(name, illness);
  }
  const deathDay = drawDeath(random, { gender, birthDay, illnesses, firstDay, today });
  if (deathDay !== undefined) cutShort(illnesses, deathDay);
  return { gender, birthDay, deathDay, lastDay: deathDay ?? today, smoking, illnesses };
}

interface Circumstances {
  readonly name: ChronicName;
  readonly disease: Disease;
  readonly gender: 'female' | 'male';
  readonly birthDay: number;
  readonly smoking: Smoking;
  readonly illnesses: ReadonlyMap<string, Illness>;
  readonly today: number;
}

function drawIllness(random: Random, circumstances: Circumstances): Illness | undefined {
  const { name, disease, birthDay, illnesses, today } = circumstances;
  const draw = random.next() / riskOf(circumstances);
  const years = whenReached(curveOf(disease, circumstances.gender), draw);
  const severity = random.normal(1, 0.18);
  if (years === undefined) return undefined;
  const sinceDay = disease.after === undefined ? birthDay : illnesses.get(disease.after)?.onsetDay;
  if (sinceDay === undefined) return undefined;
  const onsetDay = sinceDay + Math.floor(years * YEAR_DAYS) + 1;
  if (onsetDay > today) return undefined;
  const { remission } = disease;
  const lasts = Math.floor((0.2 + 0.8 * random.next()) * (remission?.years ?? 0) * YEAR_DAYS);
  const ends = random.chance(remission?.chance ?? 0) ? onsetDay + lasts : undefined;
  const endDay = ends !== undefined && ends <= today ? ends : undefined;
  const treatments = drawTreatments(random, circumstances, onsetDay, endDay);
  return { name, disease, onsetDay, endDay, severity, treatments };
}

const NEVER: Curve = [[0, 0]];

function curveOf({ ever }: Disease, gender: 'female' | 'male'): Curve {
  return 'length' in ever ? ever : (ever[gender] ?? NEVER);
}

function riskOf({ disease, smoking, illnesses }: Circumstances): number {
  let risk = 1;
  for (const factor of disease.factors ?? []) {
    const has = factor.of === 'smoking' ? smoking !== 'never' : illnesses.has(factor.of);
    risk *= has ? factor.with : factor.without;
  }
  return risk;
}

function drawTreatments(
  random: Random,
  { disease, illnesses, today }: Circumstances,
  onsetDay: number,
  endDay: number | undefined,
): Treatment[] {
  const treatments: Treatment[] = [];
  for (const { medicine, afterYears, chance } of disease.treatments ?? []) {
    const isChosen = random.chance(chance);
    const late = afterYears === 0 ? 0 : Math.floor(afterYears * YEAR_DAYS * (0.6 + 0.8 * random.next()));
    const strength = 0.75 + 0.35 * random.next();
    const fromDay = onsetDay + late;
    if (!isChosen || fromDay > today || (endDay !== undefined && fromDay >= endDay)) continue;
    // Two diseases may call for one medicine; it is taken once.
    const isTaken = [...illnesses.values()].some((one) => one.treatments.some((other) => other.medicine === medicine));
    if (!isTaken) treatments.push({ medicine, fromDay, untilDay: endDay, strength });
  }
  return treatments;
}

/** Year by year through the time that the records cover: the sicker, the likelier. */
function drawDeath(
  random: Random,
  {
    gender,
    birthDay,
    illnesses,
    firstDay,
    today,
  }: {
    gender: 'female' | 'male';
    birthDay: number;
    illnesses: ReadonlyMap<string, Illness>;
    firstDay: number;
    today: number;
  },
): number | undefined {
  for (let day = Math.max(firstDay, birthDay); day < today; day += 365) {
    let chance = mortality(gender, (day - birthDay) / YEAR_DAYS);
    for (const { disease, onsetDay, endDay } of illnesses.values()) {
      if (onsetDay <= day && (endDay === undefined || endDay > day)) chance *= disease.hazard ?? 1;
    }
    const deathDay = day + 1 + random.integer(0, 363);
    if (random.chance(Math.min(0.7, chance)) && deathDay <= today) return deathDay;
  }
  return undefined;
}

/** Nothing begins after death or ends by it: who dies with a disease has it to the end. */
function cutShort(illnesses: Map<ChronicName, Illness>, deathDay: number): void {
  for (const [name, illness] of [...illnesses]) {
    if (illness.onsetDay >= deathDay) {
      illnesses.delete(name);
      continue;
    }
    const until = (day: number | undefined) => (day !== undefined && day < deathDay ? day : undefined);
    const treatments = illness.treatments
      .filter(({ fromDay }) => fromDay < deathDay)
      .map((treatment) => ({ ...treatment, untilDay: until(treatment.untilDay) }));
    illnesses.set(name, { ...illness, endDay: until(illness.endDay), treatments });
  }
}

/** Whether an illness is active on a day. */
export function isActive({ onsetDay, endDay }: Illness, day: number): boolean {
  return onsetDay <= day && (endDay === undefined || endDay > day);
}
