import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { Bundle, Observation, Patient, Resource } from '@medplum/fhirtypes';
import { ageOn, dateToDay } from './calendar.ts';
import { CHRONIC, type ChronicName } from './condition-catalogue.ts';
import { generatePatients } from './generate.ts';
import { TESTS } from './measurement-catalogue.ts';
import { MEDICINES, type MedicineName } from './medicine-catalogue.ts';

/* What 2,000 generated people look like together, read from their charts alone. */

const PEOPLE = 2000;
const AS_OF = '2026-01-15';
const YEARS = 4;

interface Person {
  readonly gender: 'female' | 'male';
  readonly birthDate: string;
  readonly deceased: string | undefined;
  /** At the day of the records, or at death. */
  readonly age: number;
  readonly count: number;
  readonly types: ReadonlySet<string>;
  readonly labels: ReadonlySet<string>;
  /** SNOMED CT codes of conditions → clinical status. */
  readonly conditions: ReadonlyMap<string, string>;
  /** RxNorm codes that are prescribed and in force. */
  readonly medicines: ReadonlySet<string>;
  /** Readings by LOINC code, in order of time. */
  readonly readings: ReadonlyMap<string, readonly { readonly day: string; readonly value: number }[]>;
  /** Every date and instant of the chart. */
  readonly dates: readonly string[];
}

let people: readonly Person[] = [];

before(() => {
  people = [...generatePatients({ seed: 'census', count: PEOPLE, asOf: AS_OF, years: YEARS })].map(read);
});

function read(bundle: Bundle): Person {
  const all = (bundle.entry ?? []).map(({ resource }) => resource as Resource);
  const resources = all.filter(
    ({ resourceType }) => resourceType !== 'Organization' && resourceType !== 'Practitioner',
  );
  const patient = resources.find(({ resourceType }) => resourceType === 'Patient') as Patient;
  const conditions = new Map<string, string>();
  const medicines = new Set<string>();
  const readings = new Map<string, { day: string; value: number }[]>();
  for (const resource of resources) {
    if (resource.resourceType === 'Condition') {
      conditions.set(codeOf(resource.code), codeOf(resource.clinicalStatus));
    } else if (resource.resourceType === 'MedicationRequest') {
      if (resource.status === 'active') medicines.add(codeOf(resource.medicationCodeableConcept));
    } else if (resource.resourceType === 'Observation') {
      for (const [code, value] of valuesOf(resource)) {
        const list = readings.get(code) ?? [];
        list.push({ day: (resource.effectiveDateTime as string).slice(0, 10), value });
        readings.set(code, list);
      }
    }
  }
  const lastDay = dateToDay((patient.deceasedDateTime ?? AS_OF).slice(0, 10));
  return {
    gender: patient.gender as 'female' | 'male',
    birthDate: patient.birthDate as string,
    deceased: patient.deceasedDateTime,
    age: ageOn(dateToDay(patient.birthDate as string), lastDay),
    count: resources.length,
    types: new Set(resources.map(({ resourceType }) => resourceType)),
    labels: new Set(resources.flatMap(({ meta }) => (meta?.security ?? []).map(({ code }) => code as string))),
    conditions,
    medicines,
    readings,
    dates: datesOf(resources),
  };
}

function codeOf(concept: { coding?: { code?: string }[] } | undefined): string {
  return concept?.coding?.[0]?.code as string;
}

function valuesOf({ code, valueQuantity, component = [] }: Observation): (readonly [string, number])[] {
  const own = valueQuantity?.value === undefined ? [] : [[codeOf(code), valueQuantity.value] as const];
  return [...own, ...component.map((part) => [codeOf(part.code), part.valueQuantity?.value as number] as const)];
}

/** All but what looks forward: when a goal is due. */
function datesOf(value: unknown, name = ''): string[] {
  if (typeof value === 'string') return /^\d{4}-\d\d-\d\d/.test(value) && name !== 'dueDate' ? [value] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([member, inner]) => datesOf(inner, Array.isArray(value) ? name : member));
}

const has = (name: ChronicName) => (person: Person) => person.conditions.has(CHRONIC[name].snomed[0]);
const isOn = (name: MedicineName) => (person: Person) => person.medicines.has(MEDICINES[name].code);
const aged = (from: number, to: number) => (person: Person) => person.age >= from && person.age < to;
const of = (gender: Person['gender']) => (person: Person) => person.gender === gender;

function share(group: readonly Person[], test: (person: Person) => boolean): number {
  return group.filter(test).length / group.length;
}

function mean(values: readonly number[]): number {
  assert.ok(values.length >= 8, `only ${values.length} values`);
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Newest reading of each person who has one. */
function latest(group: readonly Person[], code: string): number[] {
  return group.flatMap((person) => person.readings.get(code)?.at(-1)?.value ?? []);
}

function within(value: number, low: number, high: number, what: string): void {
  assert.ok(value >= low && value <= high, `${what}: ${value.toFixed(3)} is not within ${low} and ${high}`);
}

test('ages and sexes are a population’s', () => {
  within(share(people, aged(0, 18)), 0.18, 0.26, 'children');
  within(share(people, aged(65, 130)), 0.13, 0.21, 'from 65 on');
  within(share(people.filter(aged(0, 40)), of('female')), 0.45, 0.53, 'women among the young');
  within(share(people.filter(aged(80, 130)), of('female')), 0.52, 0.75, 'women among the old');
});

/** Bands wide enough for 2,000 people and narrow enough to notice a curve that was mistyped. */
const PREVALENCE: readonly (readonly [ChronicName, Person['gender'] | undefined, number, number, number, number])[] = [
  ['hypertension', undefined, 18, 40, 0.02, 0.13],
  ['hypertension', undefined, 45, 65, 0.3, 0.48],
  ['hypertension', undefined, 65, 120, 0.48, 0.72],
  ['diabetes', undefined, 18, 45, 0.005, 0.06],
  ['diabetes', undefined, 45, 65, 0.08, 0.2],
  ['diabetes', undefined, 65, 120, 0.16, 0.32],
  ['hyperlipidemia', undefined, 65, 120, 0.4, 0.62],
  ['obesity', undefined, 20, 120, 0.34, 0.48],
  ['obesity', undefined, 6, 18, 0.1, 0.27],
  ['asthma', undefined, 5, 18, 0.04, 0.15],
  ['copd', undefined, 18, 45, 0, 0.025],
  ['copd', undefined, 65, 120, 0.07, 0.19],
  ['kidney', undefined, 0, 40, 0, 0],
  ['kidney', undefined, 70, 120, 0.12, 0.32],
  ['depression', 'female', 25, 70, 0.13, 0.26],
  ['depression', 'male', 25, 70, 0.05, 0.16],
  ['dementia', undefined, 0, 60, 0, 0],
  ['dementia', undefined, 80, 120, 0.1, 0.4],
  ['osteoporosis', 'female', 65, 120, 0.15, 0.38],
  ['osteoporosis', 'male', 65, 120, 0, 0.13],
  ['hypothyroidism', 'female', 45, 120, 0.05, 0.17],
  ['breastCancer', 'male', 0, 120, 0, 0],
  ['breastCancer', 'female', 60, 120, 0.02, 0.12],
  ['prostateCancer', 'female', 0, 120, 0, 0],
  ['prostateCancer', 'male', 65, 120, 0.03, 0.16],
  ['attention', 'male', 10, 18, 0.05, 0.22],
  ['fibrillation', undefined, 0, 45, 0, 0],
  ['fibrillation', undefined, 75, 120, 0.05, 0.2],
  ['coronary', 'male', 65, 120, 0.1, 0.3],
];

test('diseases are as frequent as they are at an age and in a sex', () => {
  for (const [name, gender, from, to, low, high] of PREVALENCE) {
    const group = people.filter((person) => aged(from, to)(person) && (gender === undefined || of(gender)(person)));
    within(share(group, has(name)), low, high, `${name} ${gender ?? 'all'} ${from}–${to} of ${group.length}`);
  }
});

test('one disease brings another', () => {
  const old = people.filter(aged(50, 120));
  for (const [cause, effect] of [
    ['obesity', 'diabetes'],
    ['diabetes', 'kidney'],
    ['hypertension', 'stroke'],
    ['coronary', 'heartFailure'],
  ] as const) {
    const [exposed, others] = [old.filter(has(cause)), old.filter((person) => !has(cause)(person))];
    const ratio = share(exposed, has(effect)) / share(others, has(effect));
    assert.ok(ratio > 1.3, `${effect} with ${cause}: ratio ${ratio}`);
  }
});

test('women of the age for it get pregnant, nobody else does', () => {
  const isExpecting = (person: Person) => person.conditions.has('72892002');
  assert.equal(people.filter((person) => of('male')(person) && isExpecting(person)).length, 0);
  assert.equal(people.filter((person) => !aged(15, 51)(person) && isExpecting(person)).length, 0);
  within(
    share(
      people.filter((person) => of('female')(person) && aged(22, 40)(person)),
      isExpecting,
    ),
    0.15,
    0.45,
    'rate',
  );
});

/** Where a medicine is taken, the newest reading is on this side of those who do not take it. */
const TREATED: readonly (readonly [ChronicName, MedicineName, string, 'higher' | 'lower', number])[] = [
  ['diabetes', 'metformin', '4548-4', 'lower', 0.6],
  ['hyperlipidemia', 'atorvastatin', '13457-7', 'lower', 35],
  ['hypertension', 'lisinopril', '8480-6', 'lower', 5],
  ['fibrillation', 'warfarin', '6301-6', 'higher', 0.9],
];

test('medicines work: who takes them reads better than who has the disease and does not', () => {
  for (const [disease, medicine, code, side, atLeast] of TREATED) {
    const ill = people.filter(has(disease));
    const treated = mean(latest(ill.filter(isOn(medicine)), code));
    const untreated = mean(
      latest(
        ill.filter((person) => !isOn(medicine)(person)),
        code,
      ),
    );
    const difference = side === 'lower' ? untreated - treated : treated - untreated;
    assert.ok(difference > atLeast, `${code} under ${medicine}: ${treated} and ${untreated}`);
  }
  const within = people.filter(isOn('warfarin')).flatMap((person) => latest([person], '6301-6'));
  assert.ok(within.filter((value) => value >= 2 && value <= 3.5).length / within.length > 0.8, 'INR in range');
});

test('labs follow diseases: from the healthy to the ill, and within a person from before to under treatment', () => {
  const adults = people.filter(aged(40, 120));
  const without = (name: ChronicName) => adults.filter((person) => !has(name)(person));
  for (const [name, code, factor] of [
    ['kidney', '2160-0', 1.3],
    ['heartFailure', '33762-6', 1],
    ['diabetes', '2345-7', 1.15],
    ['hypothyroidism', '3016-3', 1],
  ] as const) {
    const ill = mean(latest(adults.filter(has(name)), code));
    const healthy = latest(without(name), code);
    if (healthy.length > 8) assert.ok(ill > mean(healthy) * factor, `${code} with ${name}`);
  }
  const filtration = latest(adults.filter(has('kidney')), '98979-8');
  within(mean(filtration), 20, 55, 'filtration rate with kidney disease');
  within(mean(latest(without('kidney'), '98979-8')), 75, 110, 'filtration rate without');
  const falls = adults
    .filter((person) => has('diabetes')(person) && isOn('metformin')(person))
    .flatMap((person) => {
      const readings = person.readings.get('4548-4') ?? [];
      return readings.length < 2 ? [] : [(readings[0]?.value as number) - (readings.at(-1)?.value as number)];
    });
  assert.ok(mean(falls) > 0.5, `hemoglobin A1c falls by ${mean(falls)}`);
});

test('creatinine and the filtration rate agree by the formula that laboratories use', () => {
  for (const { readings, gender, birthDate } of people) {
    for (const [at, { value, day }] of (readings.get('2160-0') ?? []).entries()) {
      const rate = readings.get('98979-8')?.[at]?.value as number;
      const years = (dateToDay(day) - dateToDay(birthDate)) / 365.25;
      const [kappa, alpha, factor] = gender === 'female' ? [0.7, -0.241, 1.012] : [0.9, -0.302, 1];
      const computed =
        142 * Math.min(value / kappa, 1) ** alpha * Math.max(value / kappa, 1) ** -1.2 * 0.9938 ** years * factor;
      assert.ok(Math.abs(computed - rate) < 0.06 * rate + 1, `${value} mg/dL, ${rate} and ${computed}`);
    }
  }
});

test('children grow, and the body mass index follows from height and weight', () => {
  for (const { readings, birthDate } of people) {
    const heights = readings.get('8302-2') ?? [];
    for (const [at, { value }] of heights.entries()) assert.ok(value >= (heights[at - 1]?.value ?? 0) - 0.2);
    const first = heights[0];
    if (first === undefined) continue;
    const years = (dateToDay(first.day) - dateToDay(birthDate)) / 365.25;
    if (years < 1) within(first.value, 42, 86, 'length in the first year');
    for (const { day, value } of readings.get('39156-5') ?? []) {
      const metres = (heights.find((height) => height.day === day)?.value as number) / 100;
      // Somebody expecting may be weighed twice on a day.
      const weights = (readings.get('29463-7') ?? []).filter((one) => one.day === day);
      assert.ok(weights.some((one) => Math.abs(one.value / metres / metres - value) < 0.01));
      within(value, 11, 62, 'body mass index');
    }
  }
  within(
    mean(
      latest(
        people.filter((person) => aged(25, 70)(person) && has('obesity')(person)),
        '39156-5',
      ),
    ),
    30,
    38,
    'obese',
  );
  within(
    mean(
      latest(
        people.filter((person) => aged(25, 70)(person) && !has('obesity')(person)),
        '39156-5',
      ),
    ),
    22,
    28,
    'others',
  );
});

test('nothing happens before birth, after death or in the future', () => {
  let deaths = 0;
  for (const { birthDate, deceased, dates } of people) {
    if (deceased !== undefined) deaths++;
    const last = deceased ?? AS_OF;
    for (const date of dates) {
      assert.ok(date.slice(0, 10) >= birthDate, `${date} before birth ${birthDate}`);
      assert.ok(date <= last || date === last.slice(0, 10), `${date} after ${last}`);
    }
  }
  within(deaths / PEOPLE, 0.012, 0.06, 'deaths in four years');
  const [dead, alive] = [people.filter(({ deceased }) => deceased), people.filter(({ deceased }) => !deceased)];
  assert.ok(mean(dead.map(({ age }) => age)) > mean(alive.map(({ age }) => age)) + 20);
});

test('charts are full, not endless, and hold what a chart holds', () => {
  const adults = people.filter(aged(18, 130)).map(({ count }) => count);
  within(mean(adults), 60, 120, 'resources of an adult');
  assert.ok(Math.max(...people.map(({ count }) => count)) < 1500);
  const types = new Set(people.flatMap((person) => [...person.types]));
  for (const type of [
    ...[
      'AllergyIntolerance',
      'CarePlan',
      'CareTeam',
      'Condition',
      'DiagnosticReport',
      'DocumentReference',
      'Encounter',
    ],
    ...['Goal', 'Immunization', 'MedicationDispense', 'MedicationRequest', 'Observation', 'Patient', 'Procedure'],
  ]) {
    assert.ok(types.has(type), `no ${type}`);
  }
  const labels = new Set(people.flatMap((person) => [...person.labels]));
  for (const label of ['R', 'ETH', 'PSY', 'HIV', 'STD']) assert.ok(labels.has(label), `no ${label}`);
});

test('more years give more of a chart, of the same person', () => {
  const [few, many] = [1, 8].map((years) => [...generatePatients({ seed: 'y', count: 60, asOf: AS_OF, years })]);
  const size = (bundles: readonly Bundle[] = []) => bundles.reduce((sum, { entry = [] }) => sum + entry.length, 0);
  assert.ok(size(many) > 2 * size(few), `${size(few)} and ${size(many)}`);
});

test('what catalogues name is there', () => {
  const known = new Set<string>([...Object.keys(CHRONIC), ...Object.keys(MEDICINES)]);
  const measurements = Object.values(TESTS).flatMap((panel) => panel.measurements);
  for (const { effects = [] } of measurements) for (const [cause] of effects) assert.ok(known.has(cause), cause);
  const names = Object.keys(CHRONIC);
  for (const [at, disease] of Object.values(CHRONIC).entries()) {
    const causes = 'factors' in disease ? disease.factors.map((factor: { of: string }) => factor.of) : [];
    for (const cause of [...causes, ...('after' in disease ? [disease.after] : [])]) {
      assert.ok(cause === 'smoking' || names.slice(0, at).includes(cause), `${names[at]} needs ${cause} before it`);
    }
  }
});
