import type { Bundle, Patient } from '@medplum/fhirtypes';
import { addAllergies } from './allergies.ts';
import { createBody } from './body.ts';
import { dateToDay, dayToDate, dayToDateTime } from './calendar.ts';
import { createChart } from './chart.ts';
import { hl7Concept, profiled } from './coding.ts';
import { writeCourse } from './course.ts';
import { drawHistory, type History } from './history.ts';
import { generateStaff, type OrganisationOptions } from './organisation.ts';
import { generateAddress, generateDemographics, generateMaritalStatus, generateName, generatePhone } from './people.ts';
import { YEAR_DAYS } from './population.ts';
import { createPrescriptions } from './prescriptions.ts';
import { createRandom, type Random } from './random.ts';

export interface PatientsOptions {
  readonly seed: string;
  readonly count: number;
  /** The day that the records are of, `YYYY-MM-DD`: the last visits lie shortly before it. */
  readonly asOf: string;
  /** How many years before it everything is recorded; 4 by default. */
  readonly years?: number;
  /** Where they are patients; by default an organisation of the same seed. */
  readonly organisation?: OrganisationOptions;
  /** Number of the first patient, from 0 on: to go on where another call ended. */
  readonly from?: number;
}

/** Years recorded unless asked for otherwise: an adult’s chart then has some 100 resources on average. */
export const DEFAULT_YEARS = 4;

/**
 * Invented people, one transaction Bundle of US Core 6.1.0 resources (FHIR R4) each. Ages, diseases, medicines and what
 * is measured are those of a plausible population; who dies within the recorded years is among them. The same options
 * give the same bundles; the n-th patient does not depend on `count` or `from`. References are `urn:uuid` and resolve
 * within the bundle: it brings the organisation and practitioners that it names, created once however often they come
 * (`ifNoneExist`). Write them with `bundleToText`, which keeps decimals as they were measured.
 * Throws RangeError when `asOf` is no date.
 */
export function* generatePatients(options: PatientsOptions): Generator<Bundle, void, undefined> {
  const today = dateToDay(options.asOf) - 1;
  const firstDay = today - Math.floor((options.years ?? DEFAULT_YEARS) * YEAR_DAYS);
  const staff = generateStaff(options.organisation ?? { seed: options.seed });
  const from = options.from ?? 0;
  for (let index = from; index < from + options.count; index++) {
    const random = createRandom(`patient ${index} of ${options.seed}`);
    const history = drawHistory(random, firstDay, today);
    const mrn = { system: staff.mrnSystem, value: `${String(index + 1).padStart(6, '0')}-${random.integer(10, 99)}` };
    const chart = createChart(random, staff, generatePatient(random, history, mrn));
    const { birthDay, lastDay } = history;
    addAllergies(chart, random, Math.max(birthDay, Math.min(lastDay, firstDay + random.integer(-1000, 400))));
    const prescriptions = createPrescriptions(chart, random, history, firstDay);
    const body = createBody(random, history);
    writeCourse({ chart, random, history, body, firstDay, prescriptions, problems: new Map() });
    yield chart.toBundle();
  }
}

function generatePatient(
  random: Random,
  { gender, birthDay, deathDay, lastDay }: History,
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
    ...(deathDay !== undefined && { deceasedDateTime: dayToDateTime(deathDay, 23 * 60 + 30) }),
    address: [generateAddress(random)],
    ...(lastDay - birthDay > 20 * YEAR_DAYS && { maritalStatus: generateMaritalStatus(random) }),
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
