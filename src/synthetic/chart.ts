import type {
  Bundle,
  BundleEntry,
  Encounter,
  Observation,
  Organization,
  Patient,
  Practitioner,
  Quantity,
  Reference,
  Resource,
} from '@medplum/fhirtypes';
import { dayToDateTime } from './calendar.ts';
import { concept, hl7Coding, hl7Concept, LOINC, profiled, type Sensitivity, SNOMED } from './coding.ts';
import type { Staff } from './organisation.ts';
import type { Random } from './random.ts';

/** A visit and what is needed to write down what happened in it. */
export interface Visit {
  readonly day: number;
  /** When it began, FHIR dateTime. */
  readonly at: string;
  readonly encounter: Reference<Encounter>;
  readonly practitioner: Reference<Practitioner>;
  readonly sensitivity: Sensitivity | undefined;
}

export interface VisitOptions {
  readonly reason?: readonly [code: string, display: string];
  readonly sensitivity?: Sensitivity | undefined;
  /** Ambulatory unless given. */
  readonly setting?: 'emergency' | 'inpatient';
  /** Last day, of a stay; the day of the visit itself unless given. */
  readonly untilDay?: number;
  /** The stay ended with death. */
  readonly isLast?: boolean;
}

/** Collects one patient's resources under `urn:uuid` references, in the order in which they are written. */
export interface Chart {
  readonly subject: Reference<Patient>;
  readonly organisation: Reference<Organization>;
  /** Who cares for the patient most of the time. */
  readonly family: Reference<Practitioner>;
  add<T extends Resource>(resource: T): Reference<T>;
  visit(day: number, type: readonly [code: string, display: string], options?: VisitOptions): Visit;
  /** An Observation of a visit: the profile's last segment, a category of HL7's list, code and content. */
  observe(
    visit: Visit,
    profile: string,
    category: string,
    code: readonly [string, string],
    content: Partial<Observation>,
  ): Reference<Observation>;
  toBundle(): Bundle;
}

const CLASSES = {
  ambulatory: ['AMB', 'ambulatory'],
  emergency: ['EMER', 'emergency'],
  inpatient: ['IMP', 'inpatient encounter'],
} as const;

export function createChart(random: Random, staff: Staff, patient: Patient): Chart {
  const entries: BundleEntry[] = [];
  const seen = new Set<string>();
  const family = random.pick(staff.practitioners);

  function add<T extends Resource>(resource: T): Reference<T> {
    const fullUrl = `urn:uuid:${resource.id}`;
    entries.push({ fullUrl, resource, request: { method: 'POST', url: resource.resourceType } });
    return { reference: fullUrl } as Reference<T>;
  }

  const subject = add(patient);
  seen.add(staff.organisation.reference as string);
  seen.add(family.reference as string);

  function visit(day: number, type: readonly [string, string], options: VisitOptions = {}): Visit {
    const practitioner = random.chance(0.8) ? family : random.pick(staff.practitioners);
    seen.add(practitioner.reference as string);
    const minute = 8 * 60 + 15 * random.integer(0, 36);
    const at = dayToDateTime(day, minute);
    const { reason, setting, untilDay = day, isLast = false } = options;
    const end = untilDay > day ? dayToDateTime(untilDay, 11 * 60) : dayToDateTime(day, minute + random.integer(15, 45));
    const [code, display] = CLASSES[setting ?? 'ambulatory'];
    const encounter = add<Encounter>({
      resourceType: 'Encounter',
      id: random.uuid(),
      meta: profiled('us-core-encounter', options.sensitivity),
      status: 'finished',
      class: hl7Coding('v3-ActCode', code, display),
      type: [concept(SNOMED, type[0], type[1])],
      subject,
      participant: [{ individual: practitioner }],
      period: { start: at, end },
      ...(reason !== undefined && { reasonCode: [concept(SNOMED, reason[0], reason[1])] }),
      ...(setting === 'inpatient' && { hospitalization: { dischargeDisposition: disposition(isLast) } }),
      serviceProvider: staff.organisation,
    });
    return { day, at, encounter, practitioner, sensitivity: options.sensitivity };
  }

  function observe(
    where: Visit,
    profile: string,
    category: string,
    code: readonly [string, string],
    content: Partial<Observation>,
  ): Reference<Observation> {
    return add<Observation>({
      resourceType: 'Observation',
      id: random.uuid(),
      meta: profiled(profile, where.sensitivity),
      status: 'final',
      category: [hl7Concept('observation-category', category)],
      code: concept(LOINC, code[0], code[1]),
      subject,
      encounter: where.encounter,
      effectiveDateTime: where.at,
      performer: [where.practitioner],
      ...content,
    });
  }

  function toBundle(): Bundle {
    const shared = [...seen].map((reference) => staff.entries.get(reference) as BundleEntry);
    return { resourceType: 'Bundle', type: 'transaction', entry: [...shared, ...entries] };
  }

  return { subject, organisation: staff.organisation, family, add, visit, observe, toBundle };
}

function disposition(isLast: boolean) {
  return isLast
    ? hl7Concept('discharge-disposition', 'exp', 'Expired')
    : hl7Concept('discharge-disposition', 'home', 'Home');
}

/** The value of an Observation. */
export function valued(valueQuantity: Quantity): Partial<Observation> {
  return { valueQuantity };
}
