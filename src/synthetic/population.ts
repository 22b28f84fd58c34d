import { type Curve, curveAt } from './curve.ts';
import type { Random } from './random.ts';

/** Days of a year, leap years spread. */
export const YEAR_DAYS = 365.25;

/** Age bands and their shares of a population, as in the United States (Census 2020, five-year bands, rounded). */
const AGE_BANDS: readonly (readonly [fromAge: number, toAge: number, share: number])[] = [
  [0, 5, 0.056],
  [5, 10, 0.061],
  [10, 15, 0.065],
  [15, 20, 0.066],
  [20, 25, 0.066],
  [25, 30, 0.068],
  [30, 35, 0.069],
  [35, 40, 0.066],
  [40, 45, 0.062],
  [45, 50, 0.061],
  [50, 55, 0.063],
  [55, 60, 0.066],
  [60, 65, 0.064],
  [65, 70, 0.055],
  [70, 75, 0.045],
  [75, 80, 0.03],
  [80, 85, 0.019],
  [85, 90, 0.012],
  [90, 98, 0.006],
];

/** Women's share by age: boys are born more often, women live longer (Census 2020). */
const FEMALE: Curve = [
  [0, 0.488],
  [30, 0.495],
  [60, 0.515],
  [75, 0.55],
  [85, 0.62],
  [97, 0.72],
];

/** Somebody of the population: sex, and age in years with the part of one. */
export function drawSexAndAge(random: Random): { readonly gender: 'female' | 'male'; readonly years: number } {
  let left = random.next();
  let years = 50;
  for (const [fromAge, toAge, share] of AGE_BANDS) {
    if (left < share) {
      years = fromAge + ((toAge - fromAge) * left) / share;
      break;
    }
    left -= share;
  }
  return { gender: random.chance(curveAt(FEMALE, years)) ? 'female' : 'male', years };
}

/** Chance to die within a year by age, for somebody without the diseases below (Social Security life table 2020, ×0.6). */
const MORTALITY: Curve = [
  [0, 0.003],
  [1, 0.0002],
  [14, 0.0002],
  [25, 0.0006],
  [45, 0.0018],
  [60, 0.006],
  [70, 0.012],
  [80, 0.032],
  [90, 0.1],
  [100, 0.25],
];

/** Chance to die within the year after `years` of age; men's is half again as high as women's up to old age. */
export function mortality(gender: 'female' | 'male', years: number): number {
  return curveAt(MORTALITY, years) * (gender === 'male' ? 1.2 : 0.85);
}

/** Ever smoked, and smokes, of adults: 11 % and another 22 % (CDC, National Health Interview Survey 2022). */
export type Smoking = 'daily' | 'former' | 'never';

export function drawSmoking(random: Random, gender: 'female' | 'male'): Smoking {
  const draw = random.next() * (gender === 'female' ? 1.12 : 0.9);
  return draw < 0.12 ? 'daily' : draw < 0.34 ? 'former' : 'never';
}
