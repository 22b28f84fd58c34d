import type { OperationCall } from '../../operations/operation.ts';
import { printable, rejectTerminology } from '../codes.ts';
import { objectsOf } from '../compact-system.ts';
import { TERMINOLOGY_LIMITS } from '../limits.ts';

/** Types that the operations' parameters have. `text` stands for uri, canonical, string, code and id alike. */
type ParameterType = 'text' | 'boolean' | 'count' | 'Coding' | 'CodeableConcept' | 'ValueSet' | 'CodeSystem';

/** Parameters of an operation by name; `[type]` may repeat. */
export type ParameterSpec = Readonly<Record<string, ParameterType | readonly [ParameterType]>>;

type Json = Readonly<Record<string, unknown>>;

/** Names that any request may carry, and that are the server's business. */
const GENERAL = new Set(['_format', '_pretty']);

const VALUES: Readonly<Record<ParameterType, readonly string[]>> = {
  text: ['valueUri', 'valueCanonical', 'valueUrl', 'valueString', 'valueCode', 'valueId'],
  boolean: ['valueBoolean'],
  count: ['valueInteger', 'valueUnsignedInt', 'valuePositiveInt'],
  Coding: ['valueCoding'],
  CodeableConcept: ['valueCodeableConcept'],
  ValueSet: ['resource'],
  CodeSystem: ['resource'],
};

/** Parameters of a call, checked against their spec. */
export interface ReadParameters {
  text(name: string): string | undefined;
  texts(name: string): readonly string[];
  flag(name: string): boolean | undefined;
  count(name: string): number | undefined;
  object(name: string): Json | undefined;
}

/**
 * Reads a GET's query, a posted Parameters (R4 §3.2.0.1), or a posted bare resource where one parameter takes it.
 * Strict: throws TERMINOLOGY_PARAMETER_INVALID {parameter, fault} for a name that the operation does not have, a second
 * value of what does not repeat, another type, more or longer than the limits.
 */
export function readParameters(call: OperationCall, spec: ParameterSpec): ReadParameters {
  const values = new Map<string, unknown[]>();
  let total = 0;
  const put = (name: string, read: (type: ParameterType) => unknown) => {
    const slot = Object.hasOwn(spec, name) ? spec[name] : undefined;
    if (slot === undefined) throw fault(name, 'not a parameter that is supported here');
    if (++total > TERMINOLOGY_LIMITS.parameters) throw fault(name, 'too many parameters');
    const many = typeof slot !== 'string';
    const list = values.get(name) ?? [];
    if (list.length > 0 && !many) throw fault(name, 'given more than once');
    list.push(read(many ? slot[0] : slot));
    values.set(name, list);
  };
  const query = call.text === undefined ? call.parameters : call.request.query;
  for (const [name, value] of query) if (!GENERAL.has(name)) put(name, (type) => fromQuery(name, type, value));
  if (call.text !== undefined) {
    for (const [name, parameter] of bodyParameters(call.text, spec))
      put(name, (type) => fromBody(name, type, parameter));
  }
  const first = (name: string) => values.get(name)?.[0];
  return {
    text: (name) => first(name) as string | undefined,
    texts: (name) => (values.get(name) ?? []) as string[],
    flag: (name) => first(name) as boolean | undefined,
    count: (name) => first(name) as number | undefined,
    object: (name) => first(name) as Json | undefined,
  };
}

/** The refusal of a parameter. */
export function fault(parameter: string, reason: string): Error {
  return rejectTerminology('TERMINOLOGY_PARAMETER_INVALID', { parameter: printable(parameter), fault: reason });
}

/** Answer in Parameters: `undefined` values are left out. */
export function parametersText(parts: readonly (Json | undefined)[]): string {
  return JSON.stringify({ resourceType: 'Parameters', parameter: parts.filter((part) => part !== undefined) });
}

function bodyParameters(text: string, spec: ParameterSpec): [string, Json][] {
  const body = JSON.parse(text) as Json | null;
  if (typeof body !== 'object' || body === null) throw fault('body', 'not an object');
  if (body.resourceType === 'Parameters') {
    if (body.parameter !== undefined && !Array.isArray(body.parameter)) throw fault('parameter', 'not a list');
    const parameters = objectsOf(body.parameter);
    if (parameters.length !== ((body.parameter as unknown[] | undefined) ?? []).length)
      throw fault('parameter', 'not an object');
    return parameters.map((parameter) => {
      if (typeof parameter.name !== 'string') throw fault('parameter', 'without a name');
      return [parameter.name, parameter];
    });
  }
  const name = Object.keys(spec).find((key) => spec[key] === body.resourceType);
  if (name === undefined) throw fault('body', 'neither Parameters nor a resource that the operation takes');
  return [[name, { name, resource: body }]];
}

function fromQuery(name: string, type: ParameterType, value: string): unknown {
  switch (type) {
    case 'text':
      return boundedText(name, value);
    case 'boolean':
      if (value !== 'true' && value !== 'false') throw fault(name, 'neither true nor false');
      return value === 'true';
    case 'count':
      return boundedCount(name, /^\d{1,10}$/.test(value) ? Number(value) : value);
    default:
      throw fault(name, 'has parts; post it in a Parameters resource');
  }
}

function fromBody(name: string, type: ParameterType, parameter: Json): unknown {
  const given = Object.keys(parameter).filter((key) => key !== 'name' && key !== 'id' && !key.startsWith('_'));
  const [key] = given;
  if (given.length !== 1 || key === undefined) throw fault(name, 'needs exactly one value');
  if (!VALUES[type].includes(key)) throw fault(name, `has another type; expected ${VALUES[type][0]}`);
  const value = parameter[key];
  switch (type) {
    case 'text':
      return boundedText(name, value);
    case 'boolean':
      if (typeof value !== 'boolean') throw fault(name, 'neither true nor false');
      return value;
    case 'count':
      return boundedCount(name, value);
    default:
      return objectOf(name, type, value);
  }
}

function objectOf(name: string, type: ParameterType, value: unknown): Json {
  const [object] = objectsOf([value]);
  if (object === undefined) throw fault(name, 'not an object');
  if (isResource(type) && object.resourceType !== type) throw fault(name, `not a ${type}`);
  return object;
}

function isResource(type: ParameterType): boolean {
  return VALUES[type][0] === 'resource';
}

function boundedText(name: string, value: unknown): string {
  if (typeof value !== 'string' || value === '') throw fault(name, 'not a text');
  if (value.length > TERMINOLOGY_LIMITS.parameterChars) throw fault(name, 'too long');
  return value;
}

function boundedCount(name: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 0x7fffffff)
    throw fault(name, 'not a whole number from 0');
  return value;
}
