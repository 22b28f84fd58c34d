import { pathBelow } from '../../../std/loopback-address.ts';
import { instant } from '../../resource-text.ts';
import { type ChartRecord, listOf } from './chart-record.ts';
import { narrative, sectionNarrative } from './section-narrative.ts';
import type { ChosenSection } from './summary-sections.ts';

export const COMPOSITION_PROFILE = 'http://hl7.org/fhir/uv/ips/StructureDefinition/Composition-uv-ips';
const BUNDLE_PROFILE = 'http://hl7.org/fhir/uv/ips/StructureDefinition/Bundle-uv-ips';

export interface SummaryParts {
  readonly patient: ChartRecord;
  readonly sections: readonly ChosenSection[];
  /** What patient and entries refer to, directly and by way of each other; none of them twice, none of the entries. */
  readonly supporting: readonly ChartRecord[];
  /** Address of the service, without a slash at its end. */
  readonly baseUrl: string;
  readonly timeMs: number;
  readonly newUuid: () => string;
}

/**
 * International Patient Summary (IPS 2.0): text of a Bundle of type document. Resources go in as they are stored;
 * Composition and the device that stands for this server as its author are made here. A required section without an
 * entry says `unavailable` (R4 list-empty-reason): that nothing is known here, not that there is nothing.
 */
export function buildSummary(parts: SummaryParts): string {
  const { patient, sections, supporting, baseUrl, timeMs, newUuid } = parts;
  const entries = new Map<string, ChartRecord>([[patient.name, patient]]);
  for (const section of sections) for (const record of section.entries) entries.set(record.name, record);
  for (const record of supporting) entries.set(record.name, record);
  const urlOf = (name: string) => `${baseUrl}/${name}`;
  const [authorId, compositionId, bundleId] = [newUuid(), newUuid(), newUuid()];
  const composition = {
    resourceType: 'Composition',
    id: compositionId,
    ...profiled(patient, COMPOSITION_PROFILE),
    text: { status: 'generated', div: narrative(`<p>International Patient Summary, ${instant(timeMs)}</p>`) },
    status: 'final',
    type: loinc('60591-5'),
    // Absolute, since the Composition's own address gives relative references no base (R4 Bundle, "Resolving references in Bundles").
    subject: { reference: urlOf(patient.name) },
    date: instant(timeMs),
    author: [{ reference: `urn:uuid:${authorId}` }],
    title: 'International Patient Summary',
    section: sections.map((chosen) => sectionJson(chosen, urlOf, (name) => found(name, entries, baseUrl))),
  };
  const author = {
    resourceType: 'Device',
    id: authorId,
    deviceName: [{ name: 'Aceso', type: 'user-friendly-name' }],
  };
  const head = {
    resourceType: 'Bundle',
    id: bundleId,
    ...profiled(patient, BUNDLE_PROFILE),
    identifier: { system: 'urn:ietf:rfc:3986', value: `urn:uuid:${bundleId}` },
    type: 'document',
    timestamp: instant(timeMs),
  };
  const texts = [
    entryText(`urn:uuid:${compositionId}`, JSON.stringify(composition)),
    ...[...entries.values()].map(({ name, text }) => entryText(urlOf(name), text)),
    entryText(`urn:uuid:${authorId}`, JSON.stringify(author)),
  ];
  return `${JSON.stringify(head).slice(0, -1)},"entry":[${texts.join(',')}]}`;
}

function entryText(fullUrl: string, resource: string): string {
  return `{"fullUrl":${JSON.stringify(fullUrl)},"resource":${resource}}`;
}

/** The profile is claimed only where the patient has what it asks of one (Patient-uv-ips: name and birth date). */
function profiled({ json }: ChartRecord, profile: string): object {
  const conforms = listOf(json.name).length > 0 && typeof json.birthDate === 'string';
  return conforms ? { meta: { profile: [profile] } } : {};
}

function found(reference: string, entries: ReadonlyMap<string, ChartRecord>, baseUrl: string): ChartRecord | undefined {
  return entries.get(pathBelow(reference, baseUrl) ?? reference);
}

function sectionJson(
  chosen: ChosenSection,
  urlOf: (name: string) => string,
  find: (name: string) => ChartRecord | undefined,
): object {
  const { section, entries } = chosen;
  return {
    title: section.title,
    code: loinc(section.code),
    text: { status: 'generated', div: sectionNarrative(chosen, find) },
    ...(entries.length > 0
      ? { entry: entries.map(({ name }) => ({ reference: urlOf(name) })) }
      : { emptyReason: { coding: [{ system: EMPTY_REASONS, code: 'unavailable', display: 'Unavailable' }] } }),
  };
}

const EMPTY_REASONS = 'http://terminology.hl7.org/CodeSystem/list-empty-reason';

function loinc(code: string): object {
  return { coding: [{ system: 'http://loinc.org', code }] };
}
