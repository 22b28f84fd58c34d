import { type ChartRecord, listOf } from './chart-record.ts';
import type { ChosenSection } from './summary-sections.ts';

const MAX_CELL_CHARS = 300;
/** Elements that say when, the most telling first. */
const WHEN = [
  ...['effectiveDateTime', 'effectivePeriod', 'effectiveInstant', 'performedDateTime', 'performedPeriod'],
  ...['occurrenceDateTime', 'occurrenceString', 'onsetDateTime', 'onsetPeriod', 'onsetString', 'timingDateTime'],
  ...['timingPeriod', 'period', 'dateTime', 'date', 'authoredOn', 'recordedDate', 'issued'],
];
/** Elements that say what. */
const WHAT = ['medicationCodeableConcept', 'vaccineCode', 'code', 'category'];

type Json = Readonly<Record<string, unknown>>;
/** Finds a resource of the chart by `Type/id`. */
export type FindRecord = (name: string) => ChartRecord | undefined;

/** Narrative of a section: XHTML as R4 Narrative allows it, with every text of the chart's escaped. */
export function sectionNarrative({ section, entries, total }: ChosenSection, find: FindRecord): string {
  if (entries.length === 0)
    return narrative(`<p>No information about ${escaped(section.subject)} is available here.</p>`);
  const rows = entries.map((record) => {
    const cells = [whatOf(record, find), whenOf(record.json), detailOf(record.json)];
    return `<tr>${cells.map((cell) => `<td>${escaped(cell)}</td>`).join('')}</tr>`;
  });
  const more = total > entries.length ? `<p>The newest ${entries.length} of ${total} are shown.</p>` : '';
  const head = '<thead><tr><th>What</th><th>When</th><th>Details</th></tr></thead>';
  return narrative(`<table>${head}<tbody>${rows.join('')}</tbody></table>${more}`);
}

/** XHTML `content` as the div of a narrative. */
export function narrative(content: string): string {
  return `<div xmlns="http://www.w3.org/1999/xhtml">${content}</div>`;
}

/** Text as XHTML content. Control characters, which XML has no place for, are dropped. */
function escaped(text: string): string {
  const short = text.length > MAX_CELL_CHARS ? `${[...text].slice(0, MAX_CELL_CHARS).join('')}…` : text;
  return short
    .replace(/[\p{Cc}\p{Cs}\uFFFE\uFFFF]/gu, ' ')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')
    .replace(/'/g, '&#39;');
}

function whatOf({ json, type }: ChartRecord, find: FindRecord): string {
  for (const name of ['medicationReference', 'device']) {
    const [reference] = listOf(json[name]);
    if (reference === undefined) continue;
    const target = typeof reference.reference === 'string' ? find(reference.reference)?.json : undefined;
    const [named] = listOf(target?.deviceName);
    const text = conceptText(target?.code) || conceptText(target?.type) || textOf(named?.name);
    return text || textOf(reference.display) || type;
  }
  if (textOf(json.title) !== '') return textOf(json.title);
  const recommended = listOf(json.recommendation).map((one) => conceptText(one.vaccineCode));
  if (recommended.length > 0) return recommended.join(', ');
  for (const name of WHAT) {
    const text = listOf(json[name])
      .map(conceptText)
      .filter((one) => one !== '')
      .join(', ');
    if (text !== '') return text;
  }
  return type;
}

function whenOf(json: Json): string {
  for (const name of WHEN) {
    const value = json[name];
    if (typeof value === 'string') return value;
    const [period] = listOf(value);
    if (period !== undefined) return `${textOf(period.start)} – ${textOf(period.end)}`.trim();
  }
  return '';
}

function detailOf(json: Json): string {
  const parts = [
    valueText(json),
    ...listOf(json.component).map((part) => {
      const value = valueText(part);
      return value === '' ? '' : `${conceptText(part.code)}: ${value}`;
    }),
    ...listOf(json.interpretation).map(conceptText),
    ...listOf(json.dosage).map(({ text }) => textOf(text)),
    ...listOf(json.dosageInstruction).map(({ text }) => textOf(text)),
    ...listOf(json.reaction).flatMap(({ manifestation }) => listOf(manifestation).map(conceptText)),
    textOf(json.criticality) === '' ? '' : `criticality ${textOf(json.criticality)}`,
    conceptText(json.severity),
    textOf(json.conclusion),
    conceptText(json.clinicalStatus),
    textOf(json.status),
  ];
  return parts.filter((part) => part !== '').join('; ');
}

/** `value[x]` of an Observation or of a part of one. */
function valueText(json: Json): string {
  const name = Object.keys(json).find((key) => /^value[A-Z]/.test(key));
  if (name === undefined) return conceptText(json.dataAbsentReason);
  const value = json[name];
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  const [object] = listOf(value);
  if (object === undefined) return '';
  if (name === 'valueCodeableConcept') return conceptText(object);
  if (name === 'valueQuantity') return quantityText(object);
  if (name === 'valueRange') return `${quantityText(object.low)} – ${quantityText(object.high)}`;
  if (name === 'valueRatio') return `${quantityText(object.numerator)} / ${quantityText(object.denominator)}`;
  if (name === 'valuePeriod') return `${textOf(object.start)} – ${textOf(object.end)}`;
  return '';
}

function quantityText(quantity: unknown): string {
  const [{ comparator, value, unit, code } = {} as Json] = listOf(quantity);
  return [textOf(comparator), textOf(value), textOf(unit) || textOf(code)].filter((part) => part !== '').join(' ');
}

function conceptText(concept: unknown): string {
  const [{ text, coding } = {} as Json] = listOf(concept);
  if (textOf(text) !== '') return textOf(text);
  const codings = listOf(coding);
  for (const { display } of codings) if (textOf(display) !== '') return textOf(display);
  return textOf(codings[0]?.code);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
