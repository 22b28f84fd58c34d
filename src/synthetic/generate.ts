import type { Bundle, Patient } from '@medplum/fhirtypes';
import { createBody } from './body.ts';
import { dateToDay, dayToDate } from './calendar.ts';
import { addAllergies } from './care.ts';
import { createChart } from './chart.ts';
import { hl7Concept, profiled } from './coding.ts';
import { drawOnsets, writeCourse } from './course.ts';
import { generateStaff, type OrganisationOptions } from './organisation.ts';
import { generateAddress, generateDemographics, generateMaritalStatus, generateName, generatePhone } from './people.ts';
import { createRandom, type Random } from './random.ts';

export interface PatientsOptions {
  readonly seed: string;
  readonly count: number;
  /** The day that the records are of, `YYYY-MM-DD`: the last visits lie shortly before it. */
  readonly asOf: string;
  /** Where they are patients; by default an organisation of the same seed. */
  readonly organisation?: OrganisationOptions;
}

const SMOKING = [
  ['266919005', 'Never smoked tobacco'],
  ['266919005', 'Never smoked tobacco'],
  ['266919005', 'Never smoked tobacco'],
  ['8517006', 'Ex-smoker'],
  ['449868002', 'Smokes tobacco daily'],
] as const;

/**
 * Invented people, one transaction Bundle of US Core 6.1.0 resources (FHIR R4) each, about 60 of them. The same
 * options give the same bundles; the n-th patient does not depend on `count`. References are `urn:uuid` and resolve
 * within the bundle: it brings the organisation and practitioners that it names, created once however often they come
 * (`ifNoneExist`). Write them with `bundleToText`, which keeps decimals as they were measured.
 * Throws RangeError when `asOf` is no date.
 */
export function* generatePatients(options: PatientsOptions): Generator<Bundle, void, undefined> {
  const today = dateToDay(options.asOf);
  const staff = generateStaff(options.organisation ?? { seed: options.seed });
  for (let index = 0; index < options.count; index++) {
    const random = createRandom(`patient ${index} of ${options.seed}`);
    const gender = random.chance(0.51) ? 'female' : 'male';
    const birthDay = drawBirthDay(random, today);
    const onset = drawOnsets(random, gender, birthDay, today);
    const mrn = { system: staff.mrnSystem, value: `${String(index + 1).padStart(6, '0')}-${random.integer(10, 99)}` };
    const chart = createChart(random, staff, generatePatient(random, gender, birthDay, today, mrn));
    addAllergies(chart, random, Math.max(birthDay, today - random.integer(400, 2000)));
    writeCourse(
      chart,
      random,
      { body: createBody(random, gender, onset), birthDay, smoking: random.pick(SMOKING) },
      today,
    );
    yield chart.toBundle();
  }
}

/** Ages up to 95, all about as frequent up to 60 and then ever rarer. */
function drawBirthDay(random: Random, today: number): number {
  const years = random.chance(0.78) ? random.next() * 60 : 60 + 35 * random.next() * random.next();
  return today - 30 - Math.floor(years * 365.25);
}

function generatePatient(
  random: Random,
  gender: 'female' | 'male',
  birthDay: number,
  today: number,
  mrn: { readonly system: string; readonly value: string },
): Patient {
  return {
    resourceType: 'Patient',
    id: random.uuid(),
    meta: profiled('us-core-patient'),
    extension: generateDemographics(random, gender),
    identifier: [{ use: 'usual', type: hl7Concept('v2-0203', 'MR', 'Medical Record Number'), ...mrn }],
    active: true,
    name: [generateName(random, gender)],
    telecom: [{ system: 'phone', value: generatePhone(random), use: 'home' }],
    gender,
    birthDate: dayToDate(birthDay),
    address: [generateAddress(random)],
    ...(today - birthDay > 20 * 365 && { maritalStatus: generateMaritalStatus(random) }),
    communication: [
      {
        language: {
          coding: [{ system: 'urn:ietf:bcp:47', code: 'en-US', display: 'English (United States)' }],
          text: 'English',
        },
      },
    ],
  };
}
