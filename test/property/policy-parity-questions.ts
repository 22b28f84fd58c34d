import fc from 'fast-check';
import { CODINGS, FAMILIES, LABELS } from './policy-parity-store.ts';

/** A search as its URL has it. */
export interface Question {
  readonly type: string;
  readonly parameters: readonly (readonly [name: string, value: string])[];
}

const ids = fc.constantFrom('r0', 'r1', 'r2', 'r3', 'r4', 'r7', 'nobody');
const pick = <Value>(...values: readonly Value[]) => fc.constantFrom(...values);
const join = (part: fc.Arbitrary<string>) =>
  fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(','));
const as = (name: string | fc.Arbitrary<string>, value: fc.Arbitrary<string>) =>
  fc.tuple(typeof name === 'string' ? fc.constant(name) : name, value);

const code = join(pick(...CODINGS, 'x', 'y', 'urn:two|', '|x'));
const family = pick(...FAMILIES, 'a', 'AME', 'be', 'z');
const prefix = pick('', 'eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb');
const day = (from: string) =>
  fc.tuple(prefix, fc.integer({ min: 1, max: 7 })).map(([before, n]) => `${before}${from}-0${n}`);
const born = day('2020-01');
const patient = fc.oneof(
  ids,
  ids.map((id) => `Patient/${id}`),
);
const missing = pick('true', 'false');

type Asked = fc.Arbitrary<[string, string]>;

const common: Asked[] = [
  as('_id', join(ids)),
  as('_lastUpdated', day('2026-01')),
  as(pick('_security', '_security:not'), pick(...LABELS)),
];
const about: Asked[] = [
  as(pick('subject', 'patient'), patient),
  as('subject:Patient', ids),
  as('subject:Patient.family', family),
  as('patient.birthdate', born),
  as('patient.general-practitioner:Practitioner.family', family),
  as('patient.organization.name', family),
  as('patient.organization.partof.name', family),
  as('patient._has:Condition:subject:code', code),
];
const within: Asked[] = [
  as('encounter.status', pick('finished', 'planned')),
  as('encounter.part-of.status', pick('finished', 'planned')),
  as('encounter.part-of.service-provider.name', family),
  as('encounter:missing', missing),
];

/** Shapes of condition by type: each search parameter of each kind, chains forward and back to depth 3. */
const CONDITIONS: Readonly<Record<string, readonly Asked[]>> = {
  Organization: [
    as(pick('name', 'name:contains', 'name:exact'), family),
    as('partof.name', family),
    as('_has:Patient:organization:family', family),
    as('_has:Encounter:service-provider:status', pick('finished', 'planned')),
    as('_has:Patient:organization:_has:Observation:subject:code', code),
  ],
  Practitioner: [
    as('family', family),
    as('_has:Observation:performer:code', code),
    as('_has:Patient:general-practitioner:_has:Condition:subject:code', code),
  ],
  Patient: [
    as(pick('family', 'family:exact', 'family:contains'), family),
    as(pick('family:missing', 'birthdate:missing', 'gender:missing'), missing),
    as('birthdate', born),
    as('gender', pick('female', 'male,female')),
    as(
      'identifier',
      ids.map((id) => `urn:mrn|${id}`),
    ),
    as(
      'general-practitioner',
      ids.map((id) => `Practitioner/${id}`),
    ),
    as('general-practitioner:Practitioner.family', family),
    as('organization.partof.name', family),
    as('_has:Observation:patient:code', code),
    as('_has:Observation:subject:date', born),
    as('_has:Encounter:patient:_has:Observation:encounter:code', code),
    as('_has:Observation:patient:_has:Observation:derived-from:status', pick('final', 'preliminary')),
  ],
  Encounter: [
    as(pick('status', 'status:not'), pick('finished', 'planned')),
    ...about,
    as('part-of.part-of.status', pick('finished', 'planned')),
    as('_has:Observation:encounter:code', code),
    as(
      'part-of',
      ids.map((id) => `Encounter/${id}`),
    ),
  ],
  Condition: [as(pick('code', 'code:not'), code), as('recorded-date', born), ...about, ...within],
  Observation: [
    as(pick('code', 'code:not'), code),
    as('status', pick('final', 'preliminary')),
    as('date', born),
    as(pick('date:missing', 'category:missing'), missing),
    as('derived-from:Observation.code', code),
    as('derived-from:Observation.subject:Patient.family', family),
    as('_has:Observation:derived-from:code', code),
    as('performer:Practitioner.family', family),
    ...about,
    ...within,
  ],
  MedicationRequest: [
    as('code', code),
    as('authoredon', born),
    as('requester:Practitioner.family', family),
    ...about,
    ...within,
  ],
};

const include = (source: string, ...by: readonly string[]) => by.map((one) => `${source}:${one}`);
/** Includes and reverse includes that a search of the type may begin with, and those that go on from what it adds. */
const INCLUDES: Readonly<Record<string, readonly [name: string, value: string][]>> = {
  Organization: [
    ...named('_include', include('Organization', 'partof')),
    ...named('_revinclude', ['Patient:organization', 'Encounter:service-provider']),
  ],
  Practitioner: named('_revinclude', ['Patient:general-practitioner', 'Observation:performer']),
  Patient: [
    ...named('_include', include('Patient', 'general-practitioner', 'organization', '*')),
    ...named('_revinclude', [
      'Observation:subject',
      'Encounter:patient',
      'Condition:subject',
      'MedicationRequest:patient',
    ]),
  ],
  Encounter: [
    ...named('_include', include('Encounter', 'subject', 'part-of', '*')),
    ...named('_revinclude', ['Observation:encounter', 'Encounter:part-of']),
  ],
  Condition: named('_include', include('Condition', 'subject', 'encounter')),
  Observation: [
    ...named(
      '_include',
      include('Observation', 'subject', 'encounter', 'performer', 'derived-from', '*', 'subject:Patient'),
    ),
    ...named('_revinclude', ['Observation:derived-from']),
  ],
  MedicationRequest: named('_include', include('MedicationRequest', 'patient', 'encounter', 'requester')),
};
const ITERATED: readonly [string, string][] = [
  ...named('_include:iterate', [
    'Patient:organization',
    'Patient:general-practitioner',
    'Organization:partof',
    'Encounter:part-of',
    'Encounter:subject',
    'Observation:derived-from',
  ]),
  ...named('_revinclude:iterate', [
    'Observation:encounter',
    'Observation:derived-from',
    'Encounter:part-of',
    'Condition:subject:Patient',
    'Patient:organization',
  ]),
];

function named(name: string, values: readonly string[]): [string, string][] {
  return values.map((value) => [name, value]);
}

const SORTS: Readonly<Record<string, readonly string[]>> = {
  Organization: ['name', '-name', '_id'],
  Practitioner: ['family', '-family,_id'],
  Patient: ['family', '-family', 'birthdate,-family', '-birthdate'],
  Encounter: ['_id', '-_id'],
  Condition: ['recorded-date', '-recorded-date,_id'],
  Observation: ['date', '-date', '-date,_id', '_id'],
  MedicationRequest: ['authoredon', '-authoredon'],
};

/** Searches of every shape, most with a page so short that they go over several. */
export const question: fc.Arbitrary<Question> = fc
  .constantFrom(...Object.keys(CONDITIONS), 'Observation', 'Observation', 'Patient', 'Encounter')
  .chain((type) => {
    const conditions = fc.array(fc.oneof(...common, ...(CONDITIONS[type] as Asked[])), { maxLength: 2 });
    const includes = fc.array(fc.oneof(pick(...(INCLUDES[type] as [string, string][])), pick(...ITERATED)), {
      maxLength: 3,
    });
    const optional = (name: string, values: readonly string[]) =>
      fc
        .option(pick(...values), { nil: undefined })
        .map((value) => (value === undefined ? [] : [[name, value] as [string, string]]));
    return fc
      .tuple(
        conditions,
        fc.oneof({ weight: 1, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: includes }),
        optional('_sort', [...(SORTS[type] as string[]), '_lastUpdated', '-_lastUpdated']),
        optional('_count', ['1', '2', '3', '5', '0', '100']),
        optional('_total', ['accurate', 'accurate', 'none', 'estimate']),
        fc.oneof(
          { weight: 8, arbitrary: fc.constant([]) },
          { weight: 1, arbitrary: fc.constant([['_summary', 'count'] as [string, string]]) },
        ),
      )
      .map((parts) => ({ type, parameters: parts.flat() as [string, string][] }));
  });
