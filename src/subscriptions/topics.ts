import type { InteractionHeader } from '../chain/journal-leaf.ts';

/** Resource types of US Core 6.1, and Provenance. */
const US_CORE_TYPES = [
  ...['AllergyIntolerance', 'CarePlan', 'CareTeam', 'Condition', 'Coverage', 'Device', 'DiagnosticReport'],
  ...['DocumentReference', 'Encounter', 'Endpoint', 'Goal', 'Immunization', 'Location', 'Media', 'Medication'],
  ...['MedicationDispense', 'MedicationRequest', 'Observation', 'Organization', 'Patient', 'Practitioner'],
  ...['PractitionerRole', 'Procedure', 'Provenance', 'QuestionnaireResponse', 'RelatedPerson', 'ServiceRequest'],
  'Specimen',
] as const;

/** What happens that one may be told of. */
export type Topic = { readonly url: string } & (
  | {
      /** A resource of the type is created, updated or deleted. */
      readonly kind: 'resource';
      readonly type: string;
    }
  | {
      /** Somebody asked for a patient's records: an interaction of one of these kinds. */
      readonly kind: 'interaction';
      readonly of: readonly InteractionHeader['kind'][];
    }
);

/**
 * Canonical URL of a topic: a URN, so that what is subscribed to does not change with the server's address. `observation`
 * for Observation, `care-plan` for CarePlan.
 */
function topicUrl(name: string): string {
  return `urn:aceso:topic:${name.replace(/(?<!^)([A-Z])/g, '-$1').toLowerCase()}`;
}

const ALL: readonly Topic[] = [
  ...US_CORE_TYPES.map((type) => ({ url: topicUrl(type), kind: 'resource', type }) as const),
  // What a patient permits and denies is kept as Consents.
  { url: topicUrl('consent'), kind: 'resource', type: 'Consent' },
  { url: topicUrl('access'), kind: 'interaction', of: ['read', 'release', 'refusal'] },
  { url: topicUrl('break-glass'), kind: 'interaction', of: ['break-glass'] },
];

const BY_URL: ReadonlyMap<string, Topic> = new Map(ALL.map((topic) => [topic.url, topic]));

/** Canonical URLs of all topics, for the capability statement. */
export const TOPIC_URLS: readonly string[] = ALL.map(({ url }) => url);

/** The topic of a canonical URL; undefined when it is none of this server. */
export function topicOf(url: string): Topic | undefined {
  return BY_URL.get(url);
}
