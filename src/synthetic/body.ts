import type { ChronicName } from './condition-catalogue.ts';
import type { Measurement } from './measurement-catalogue.ts';
import type { Random } from './random.ts';

/** What somebody's body is like: stable over the years, moved by diseases. */
export interface Body {
  readonly gender: 'female' | 'male';
  /** Day of onset by chronic disease. */
  readonly onset: ReadonlyMap<ChronicName, number>;
  heightCm(ageYears: number): number;
  weightKg(ageYears: number, day: number): number;
  /** One reading on a day, within the measurement's bounds. */
  read(measurement: Measurement, ageYears: number, day: number): number;
}

/** Share of the adult height reached at an age. */
const GROWTH: readonly (readonly [age: number, share: number])[] = [
  [0, 0.3],
  [1, 0.44],
  [2, 0.51],
  [4, 0.6],
  [8, 0.74],
  [12, 0.87],
  [15, 0.96],
  [18, 1],
];

function growthAt(age: number): number {
  for (let i = 1; i < GROWTH.length; i++) {
    const [[fromAge, from], [toAge, to]] = [
      GROWTH[i - 1] as (typeof GROWTH)[number],
      GROWTH[i] as (typeof GROWTH)[number],
    ];
    if (age < toAge) return from + ((to - from) * (age - fromAge)) / (toAge - fromAge);
  }
  return 1;
}

const BLOOD_PRESSURE = ['8480-6', '8462-4'];

export function createBody(random: Random, gender: 'female' | 'male', onset: ReadonlyMap<ChronicName, number>): Body {
  const adultHeightCm = random.normal(gender === 'female' ? 162 : 176, 6);
  const adultBmi = random.normal(onset.has('obesity') ? 34 : 24.5, 2.2);
  // How this person's readings differ from the average, by LOINC code: the same at every visit.
  const habit = new Map<string, number>();
  const has = (name: ChronicName, day: number) => (onset.get(name) ?? Number.POSITIVE_INFINITY) <= day;

  function read(measurement: Measurement, age: number, day: number): number {
    let own = habit.get(measurement.loinc);
    if (own === undefined) {
      own = random.normal(0, measurement.deviation * 0.8);
      habit.set(measurement.loinc, own);
    }
    let value = measurement.mean + own + random.normal(0, measurement.deviation * 0.5);
    for (const [name, shift] of Object.entries(measurement.shift ?? {})) {
      if (has(name as ChronicName, day)) value += shift;
    }
    if (age < 18 && BLOOD_PRESSURE.includes(measurement.loinc)) value -= (18 - age) * 1.4;
    return Math.min(measurement.high, Math.max(measurement.low, value));
  }

  return {
    gender,
    onset,
    heightCm: (age) => adultHeightCm * growthAt(age),
    weightKg(age, day) {
      const metres = (adultHeightCm * growthAt(age)) / 100;
      const youth = age < 18 ? age / 18 : 1;
      const bmi = 15.5 + (adultBmi - 15.5) * youth * youth;
      // Weight goes up and down by three per cent over two years.
      const swing = Math.abs((day % 730) - 365) / 365 - 0.5;
      return bmi * metres * metres * (1 + 0.06 * swing);
    },
    read,
  };
}
