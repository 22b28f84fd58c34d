import type { Bundle, BundleEntry, Organization, Practitioner, Reference } from '@medplum/fhirtypes';
import { hl7Concept, profiled } from './coding.ts';
import { generateAddress, generateName, generatePhone } from './people.ts';
import { createRandom } from './random.ts';

export interface OrganisationOptions {
  /** The organisation's own seed: the same one gives the same resources with the same ids. */
  readonly seed: string;
  readonly name?: string;
  /** How many practitioners work there; 6 by default. */
  readonly practitionerCount?: number;
}

/** An organisation and its people, and what patients' records refer to. */
export interface Staff {
  readonly organisation: Reference<Organization>;
  readonly practitioners: readonly Reference<Practitioner>[];
  /** Reference text → entry. */
  readonly entries: ReadonlyMap<string, BundleEntry>;
  /** System of the organisation's medical record numbers. */
  readonly mrnSystem: string;
}

/** A transaction Bundle of the organisation and its practitioners; each is created once however often it is sent. */
export function generateOrganisation(options: OrganisationOptions): Bundle {
  return { resourceType: 'Bundle', type: 'transaction', entry: [...generateStaff(options).entries.values()] };
}

export function generateStaff({
  seed,
  name = 'Riverside Community Hospital',
  practitionerCount = 6,
}: OrganisationOptions): Staff {
  const random = createRandom(`organisation ${seed}`);
  const entries = new Map<string, BundleEntry>();
  const domain = `https://${name.replace(/[^A-Za-z0-9]+/g, '-')}.example.org`;
  const address = generateAddress(random);

  function add<T extends Organization | Practitioner>(resource: T, display: string): Reference<T> {
    const reference = `urn:uuid:${resource.id}`;
    const identifier = resource.identifier?.[0];
    const url = resource.resourceType;
    const ifNoneExist = `identifier=${identifier?.system}|${identifier?.value}`;
    entries.set(reference, { fullUrl: reference, resource, request: { method: 'POST', url, ifNoneExist } });
    return { reference, display };
  }

  const organisation = add<Organization>(
    {
      resourceType: 'Organization',
      id: random.uuid(),
      meta: profiled('us-core-organization'),
      identifier: [{ system: `${domain}/organisation`, value: '1' }],
      active: true,
      type: [hl7Concept('organization-type', 'prov', 'Healthcare Provider')],
      name,
      telecom: [{ system: 'phone', value: generatePhone(random) }],
      address: [{ ...address, use: 'work' }],
    },
    name,
  );
  const practitioners = Array.from({ length: practitionerCount }, (_, index) => {
    const gender = random.chance(0.55) ? 'female' : 'male';
    const humanName = generateName(random, gender);
    return add<Practitioner>(
      {
        resourceType: 'Practitioner',
        id: random.uuid(),
        meta: profiled('us-core-practitioner'),
        // Real national identifiers begin with 1 or 2: these are nobody's.
        identifier: [
          {
            system: 'http://hl7.org/fhir/sid/us-npi',
            value: `9${random.integer(10_000_000, 99_999_999)}${index % 10}`,
          },
        ],
        active: true,
        name: [{ ...humanName, prefix: ['Dr.'] }],
        telecom: [{ system: 'phone', value: generatePhone(random), use: 'work' }],
        gender,
      },
      `Dr. ${humanName.given?.[0]} ${humanName.family}`,
    );
  });
  return { organisation, practitioners, entries, mrnSystem: `${domain}/mrn` };
}
