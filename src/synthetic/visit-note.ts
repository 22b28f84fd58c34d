import type { DocumentReference } from '@medplum/fhirtypes';
import { bytesToBase64, utf8 } from '../std/bytes.ts';
import type { Chart, Visit } from './chart.ts';
import { concept, LOINC, profiled } from './coding.ts';
import type { Random } from './random.ts';

const NOTES = {
  progress: ['11506-3', 'Progress note'],
  discharge: ['18842-5', 'Discharge summary'],
} as const;

/** A note in plain text about a visit. */
export function addNote(chart: Chart, random: Random, visit: Visit, kind: keyof typeof NOTES, text: string): void {
  const bytes = utf8(text);
  chart.add<DocumentReference>({
    resourceType: 'DocumentReference',
    id: random.uuid(),
    meta: profiled('us-core-documentreference', visit.sensitivity),
    status: 'current',
    type: concept(LOINC, NOTES[kind][0], NOTES[kind][1]),
    category: [
      {
        coding: [
          {
            system: 'http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category',
            code: 'clinical-note',
            display: 'Clinical Note',
          },
        ],
      },
    ],
    subject: chart.subject,
    date: visit.at,
    author: [visit.practitioner],
    content: [
      {
        attachment: { contentType: 'text/plain; charset=utf-8', data: bytesToBase64(bytes), size: bytes.length },
      },
    ],
    context: { encounter: [visit.encounter], period: { start: visit.at } },
  });
}
