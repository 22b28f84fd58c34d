import { rejectFhir } from '../codes.ts';
import { rejectOperation } from './codes.ts';
import type { OperationCall } from './operation.ts';

/** Parameters about the form of the answer: judged with Accept, before any operation. */
const FORM: ReadonlySet<string> = new Set(['_format', '_pretty']);
/** Most parts of a posted Parameters that are looked at. */
const MAX_PARTS = 256;

/** A part of a posted Parameters: its value, whatever its type, or its resource. */
export interface InputPart {
  readonly name: string;
  readonly value?: unknown;
  readonly resource?: unknown;
}

/**
 * Refuses simple parameters that the operation does not take: an unknown one must not change the answer in silence
 * (R4 §3.1.1.1). Throws PARAMETER_UNKNOWN {parameter} unless the client prefers lenient handling.
 */
export function requireKnown({ parameters, request }: OperationCall, names: readonly string[]): void {
  if (request.prefer.lenient) return;
  for (const name of parameters.keys()) {
    if (FORM.has(name) || names.includes(name)) continue;
    throw rejectFhir('PARAMETER_UNKNOWN', { parameter: name.slice(0, 64).replace(/[^\x20-\x7e]/g, '?') });
  }
}

/** The one value of a simple parameter; undefined when it is absent. Throws PARAMETER_INVALID when there are several. */
export function simpleValue({ parameters }: OperationCall, name: string): string | undefined {
  const values = parameters.getAll(name);
  if (values.length > 1) throw rejectFhir('PARAMETER_INVALID', { parameter: name });
  return values[0];
}

/** A boolean parameter; false when it is absent. Throws PARAMETER_INVALID. */
export function booleanValue(call: OperationCall, name: string): boolean {
  const value = simpleValue(call, name);
  if (value !== undefined && value !== 'true' && value !== 'false')
    throw rejectFhir('PARAMETER_INVALID', { parameter: name });
  return value === 'true';
}

/** A count from 1 on, cut down to `most`; undefined when it is absent. Throws PARAMETER_INVALID. */
export function countValue(call: OperationCall, name: string, most: number): number | undefined {
  const value = simpleValue(call, name);
  if (value === undefined) return undefined;
  if (!/^[1-9][0-9]{0,8}$/.test(value)) throw rejectFhir('PARAMETER_INVALID', { parameter: name });
  return Math.min(Number(value), most);
}

/**
 * Parts of a posted Parameters; undefined when the body is something else, none without a body. Throws
 * OPERATION_INPUT_INVALID for parts without a name and for too many.
 */
export function postedParts({ text }: OperationCall): readonly InputPart[] | undefined {
  if (text === undefined) return [];
  const body: unknown = JSON.parse(text);
  if (!isObject(body) || body.resourceType !== 'Parameters') return undefined;
  const given = body.parameter ?? [];
  if (!Array.isArray(given) || given.length > MAX_PARTS) throw rejectOperation('OPERATION_INPUT_INVALID');
  return given.map((part: unknown) => {
    if (!isObject(part) || typeof part.name !== 'string') throw rejectOperation('OPERATION_INPUT_INVALID');
    const value = Object.keys(part).find((name) => /^value[A-Z]/.test(name));
    return {
      name: part.name,
      ...(value === undefined ? {} : { value: part[value] }),
      ...(part.resource === undefined ? {} : { resource: part.resource }),
    };
  });
}

/**
 * The resource an operation is about: the part `name` of a posted Parameters, or the whole body. Throws BODY_EMPTY,
 * OPERATION_INPUT_INVALID unless it is one resource of `type`.
 */
export function postedResource(call: OperationCall, name: string, type: string): Readonly<Record<string, unknown>> {
  if (call.text === undefined) throw rejectFhir('BODY_EMPTY');
  const parts = postedParts(call)?.filter((part) => part.name === name);
  const resource: unknown = parts === undefined ? JSON.parse(call.text) : parts[0]?.resource;
  if ((parts?.length ?? 1) !== 1 || !isObject(resource) || resource.resourceType !== type)
    throw rejectOperation('OPERATION_INPUT_INVALID', { parameter: name });
  return resource;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
