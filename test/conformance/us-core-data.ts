import { type GivenResource, givenResource } from './loaded-text.ts';

// What US Core's examples lack to tell a right answer from a wrong one: each has about one resource of a type, about
// one patient. These are made from them, still follow the profiles, and differ in patient, time, status and identifiers.

type Json = Record<string, unknown>;

const PROFILE = 'http://hl7.org/fhir/us/core/StructureDefinition';
const TERMINOLOGY = 'http://terminology.hl7.org/CodeSystem';
/** Examples of one profile that are varied. */
const MOVED = 3;

/** Another status that the type has and the profile allows. */
const OTHER_STATUS: Readonly<Record<string, string>> = {
  active: 'completed',
  completed: 'stopped',
  final: 'amended',
  current: 'superseded',
  finished: 'in-progress',
};
const OTHER_STATUS_OF: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  CareTeam: { active: 'inactive' },
  Coverage: { active: 'cancelled' },
  Device: { active: 'inactive' },
  Immunization: { completed: 'not-done' },
  Location: { active: 'inactive' },
  Procedure: { completed: 'not-done' },
  QuestionnaireResponse: { completed: 'amended' },
  ServiceRequest: { completed: 'revoked' },
};

/** Examples told of another patient, and as they were years before: up to three of each profile. */
export function variationsOf(examples: readonly GivenResource[]): GivenResource[] {
  const counts = new Map<string, number>();
  return examples.flatMap((example) => {
    const resource = JSON.parse(example.text) as Json;
    const { type } = example;
    if (type === 'Bundle' || type === 'Questionnaire') return [];
    const key = `${type} ${String((resource.meta as { profile?: string[] } | undefined)?.profile?.[0])}`;
    const count = counts.get(key) ?? 0;
    if (count >= MOVED) return [];
    counts.set(key, count + 1);
    return [aboutAnother(example, resource), before(example, resource)];
  });
}

function aboutAnother({ id, type }: GivenResource, resource: Json): GivenResource {
  const text = JSON.stringify({ ...resource, id: `${id}-other` });
  // A Patient refers to no other.
  return givenResource(type === 'Patient' ? text : text.replace(/"Patient\/[^"]+"/g, '"Patient/infant-example"'));
}

function before({ id, type }: GivenResource, resource: Json): GivenResource {
  // Smoking status is final, or was entered in error.
  const isFixed = JSON.stringify(resource.meta ?? {}).includes('smokingstatus');
  const status = isFixed ? undefined : resource.status;
  const other = OTHER_STATUS_OF[type]?.[String(status)] ?? OTHER_STATUS[String(status)];
  const text = JSON.stringify({ ...resource, id: `${id}-before`, ...(other === undefined ? {} : { status: other }) });
  return givenResource(text.replace(/"20(\d\d-\d\d)/g, '"19$1').replaceAll('"gender":"female"', '"gender":"male"'));
}

const coding = (system: string, code: string): Json => ({ coding: [{ system, code }] });

function practitionerRole(id: string, practitioner: string, specialty: string): Json {
  return {
    ...{ resourceType: 'PractitionerRole', id, meta: { profile: [`${PROFILE}/us-core-practitionerrole`] } },
    practitioner: { reference: `Practitioner/${practitioner}` },
    organization: { reference: 'Organization/saint-luke-w-endpoint' },
    specialty: [coding('http://nucc.org/provider-taxonomy', specialty)],
    telecom: [{ system: 'phone', value: '(555) 123-4567' }],
  };
}

/** Examples with elements that no example has, or with other values. */
const CHANGED: readonly (readonly [address: string, changes: Json])[] = [
  ['AllergyIntolerance/example', { clinicalStatus: coding(`${TERMINOLOGY}/allergyintolerance-clinical`, 'resolved') }],
  [
    'CarePlan/colonoscopy',
    {
      period: { start: '2016-01-01', end: '2016-06-30' },
      category: [
        coding('http://hl7.org/fhir/us/core/CodeSystem/careplan-category', 'assess-plan'),
        coding('http://snomed.info/sct', '736271009'),
      ],
    },
  ],
  [
    'Device/udi-1',
    { distinctIdentifier: 'A9999XYZ100T0474', manufactureDate: '2013-11-20', expirationDate: '2014-11-20' },
  ],
  ['DocumentReference/episode-summary', { category: [{ text: 'Note' }, coding('http://loinc.org', '11488-4')] }],
  ['Encounter/example-1', { identifier: [{ system: 'http://hospital.example/visits', value: '7001' }] }],
  ['Goal/goal-1', { lifecycleStatus: 'completed' }],
  [
    'MedicationDispense/medicationdispense-example',
    {
      medicationCodeableConcept: undefined,
      medicationReference: { reference: 'Medication/uscore-med1' },
      type: coding(`${TERMINOLOGY}/v3-ActCode`, 'RF'),
    },
  ],
];

function changedExamples(examples: readonly GivenResource[]): Json[] {
  return CHANGED.map(([address, changes]) => {
    const example = examples.find((one) => one.address === address);
    if (example === undefined) throw new Error(`US Core has no ${address}`);
    return { ...(JSON.parse(example.text) as Json), ...changes, id: `${example.id}-changed` };
  });
}

/** US Core has no example of these. */
const ENDPOINT: Json = {
  ...{ resourceType: 'Endpoint', id: 'conformance', status: 'active' },
  connectionType: { system: 'http://terminology.hl7.org/CodeSystem/endpoint-connection-type', code: 'hl7-fhir-rest' },
  ...{ payloadType: [{ text: 'any' }], address: 'https://hospital.example/fhir' },
};

function provenanceOf(type: string, id: string): Json {
  const agent = { who: { reference: 'Practitioner/practitioner-1' } };
  const party = 'http://terminology.hl7.org/CodeSystem/provenance-participant-type';
  return {
    ...{ resourceType: 'Provenance', id: `of-${type}`, meta: { profile: [`${PROFILE}/us-core-provenance`] } },
    ...{ target: [{ reference: `${type}/${id}` }], recorded: '2023-02-28T15:26:23.217+00:00' },
    agent: [
      { ...agent, type: coding(party, 'author'), onBehalfOf: { reference: 'Organization/saint-luke-w-endpoint' } },
      {
        who: { reference: 'Organization/saint-luke-w-endpoint' },
        type: coding('http://hl7.org/fhir/us/core/CodeSystem/us-core-provenance-participant-type', 'transmitter'),
      },
    ],
  };
}

/** Resources of our own: roles of practitioners, an endpoint, examples with other elements, and who wrote the first example of each of `types`. */
export function ownResources(examples: readonly GivenResource[], types: readonly string[]): GivenResource[] {
  const written = types.flatMap((type) => {
    const example = examples.find((one) => one.type === type);
    return example === undefined ? [] : [provenanceOf(type, example.id)];
  });
  return [
    practitionerRole('cardiologist', 'practitioner-1', '207RC0000X'),
    practitionerRole('paediatrician', 'practitioner-2', '208000000X'),
    practitionerRole('surgeon', 'practitioner-1', '208600000X'),
    ENDPOINT,
    ...changedExamples(examples),
    ...written,
  ].map((resource) => givenResource(JSON.stringify(resource)));
}
