import type { CompactDefinitions } from '../definitions/definitions.ts';
import { isObject } from '../operations/operation-input.ts';
import { localReference } from '../references.ts';
import { elementsNamed } from '../search/element-types.ts';
import { rejectBulk } from './codes.ts';

/** Parameters of a kick-off as they came: text of a simple one, a reference's target of `patient`. */
export type Given = readonly (readonly [name: string, value: string])[];

/** More than any request within the limits of URL and body has use for. */
const MAX_PARTS = 10_000;

/** Parameters of a posted Parameters resource. Throws EXPORT_PARAMETER_INVALID {parameter, expected}. */
export function postedParameters(text: string): Given {
  const body: unknown = JSON.parse(text);
  const wrong = () => invalid('body', 'a Parameters resource');
  if (!isObject(body) || body.resourceType !== 'Parameters') throw wrong();
  const parts = body.parameter ?? [];
  if (!Array.isArray(parts) || parts.length > MAX_PARTS) throw wrong();
  return parts.map((part: unknown): readonly [string, string] => {
    if (!isObject(part) || typeof part.name !== 'string') throw wrong();
    const { name, valueReference } = part;
    if (isObject(valueReference) && typeof valueReference.reference === 'string')
      return [name, valueReference.reference];
    const member = Object.keys(part).find((key) => /^value[A-Z]/.test(key));
    const value = member === undefined ? undefined : part[member];
    if (typeof value !== 'string') throw invalid(name, 'a text, or a reference for patient');
    return [name, value];
  });
}

/** Values of a parameter that takes several: repeated ones are as if commas stood between (Bulk Data 2.0.0, Kick-off). */
export function listOf(given: Given, name: string): readonly string[] {
  const values = given.filter(([one]) => one === name).flatMap(([, value]) => value.split(','));
  return [...new Set(values.map((value) => value.trim()).filter((value) => value !== ''))];
}

/** The value of a parameter that comes once. Throws EXPORT_PARAMETER_INVALID. */
export function onlyOf(given: Given, name: string): string | undefined {
  const values = given.filter(([one]) => one === name);
  if (values.length > 1) throw invalid(name, 'once only');
  return values[0]?.[1];
}

const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/;

/** Milliseconds since 1970 of `_since`, a FHIR instant. Throws EXPORT_PARAMETER_INVALID. */
export function sinceOf(given: Given): number | undefined {
  // A plus that was not encoded comes as a space.
  const text = onlyOf(given, '_since')?.replace(/ (?=\d{2}:\d{2}$)/, '+');
  if (text === undefined) return undefined;
  const timeMs = INSTANT.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(timeMs)) throw invalid('_since', 'an instant, such as 2026-01-31T08:00:00Z');
  return timeMs;
}

const FORMATS: ReadonlySet<string> = new Set(['application/fhir+ndjson', 'application/ndjson', 'ndjson']);

/** Throws EXPORT_PARAMETER_INVALID for another format of the files than NDJSON. */
export function requireNdjson(given: Given): void {
  const format = onlyOf(given, '_outputFormat')?.replaceAll(' ', '+');
  if (format !== undefined && !FORMATS.has(format)) throw invalid('_outputFormat', 'application/fhir+ndjson');
}

/**
 * `_elements`: root elements, `Type.name` or `name`, the latter for every type that has it. Throws
 * EXPORT_PARAMETER_INVALID for what no exported type has.
 */
export function elementsOf(
  given: Given,
  types: readonly string[],
  definitions: CompactDefinitions,
): Readonly<Record<string, readonly string[]>> | undefined {
  const names = listOf(given, '_elements');
  if (names.length === 0) return undefined;
  const elements: Record<string, string[]> = {};
  for (const name of names) {
    const [, type = '*', element = ''] = /^(?:([A-Z][A-Za-z]*)\.)?([a-z][A-Za-z]*)$/.exec(name) ?? [];
    const among = type === '*' ? types : [type];
    if (element === '' || !among.some((one) => hasElement(definitions, one, element)))
      throw invalid('_elements', 'root elements of the types, as Patient.name or name');
    elements[type] = [...(elements[type] ?? []), element];
  }
  return elements;
}

function hasElement(definitions: CompactDefinitions, type: string, element: string): boolean {
  return element === 'resourceType' || elementsNamed(definitions, type, element).length > 0;
}

/** Ids that `patient` names. Throws EXPORT_PARAMETER_INVALID. */
export function patientsOf(given: Given, baseUrl: string): readonly string[] {
  const ids = given.flatMap(([name, value]) => {
    if (name !== 'patient') return [];
    const target = localReference(value, baseUrl);
    if (target?.type !== 'Patient') throw invalid('patient', 'references to Patients of this server');
    return [target.id];
  });
  return [...new Set(ids)];
}

export function invalid(parameter: string, expected: string): Error {
  return rejectBulk('EXPORT_PARAMETER_INVALID', { parameter: named(parameter), expected });
}

/** A name as it may stand in an answer. */
export function named(parameter: string): string {
  return parameter.slice(0, 64).replace(/[^\x20-\x7e]/g, '?');
}
