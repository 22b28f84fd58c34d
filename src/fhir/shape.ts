import { getDataType, type InternalTypeSchema } from '@medplum/core';
import type { JsonObject } from '../std/canonical-json.ts';
import type { CompactDefinitions } from './definitions/definitions.ts';

/** An element as JSON names it: a choice has one name for each of its types. */
interface NamedElement {
  /** Name in the definition (`value[x]`): of these only one may be there. */
  readonly element: string;
  readonly isArray: boolean;
  readonly type: string;
}

/** Stops reporting here: one wrong resource needs no endless answer. */
const MAX_FAULTS = 20;

/**
 * The shape of a resource's JSON (R4 §2.6.2): only known elements, arrays where the definition repeats and nowhere
 * else, objects for complex types and never for primitives, nothing empty, one value for a choice, contained resources
 * of a known type. `@medplum/core` passes over most of these, and its validation is only safe on this shape.
 */
export function shapeFaults(
  resource: Readonly<Record<string, unknown>>,
  definitions: CompactDefinitions,
): JsonObject[] {
  const faults: JsonObject[] = [];
  checkResource(resource, String(resource.resourceType), { faults, definitions });
  return faults;
}

interface Walk {
  readonly faults: JsonObject[];
  readonly definitions: CompactDefinitions;
}

function checkResource(value: Readonly<Record<string, unknown>>, path: string, walk: Walk): void {
  const type = value.resourceType;
  if (
    typeof type !== 'string' ||
    walk.definitions.types[type]?.k !== 'resource' ||
    type === 'Resource' ||
    type === 'DomainResource'
  ) {
    fault(walk, `${path}.resourceType`, 'Not a resource type of R4');
    return;
  }
  checkObject(value, getDataType(type), path, walk);
}

function checkObject(
  value: Readonly<Record<string, unknown>>,
  schema: InternalTypeSchema,
  path: string,
  walk: Walk,
): void {
  const elements = namedElements(schema);
  const seen = new Map<string, string>();
  const keys = Object.keys(value);
  if (keys.length === 0) fault(walk, path, 'Empty object');
  for (const key of keys) {
    if (walk.faults.length >= MAX_FAULTS) return;
    if (key === 'resourceType' && schema.kind === 'resource') continue;
    const extended = key.startsWith('_');
    const name = extended ? key.slice(1) : key;
    const named = elements.get(name);
    if (named === undefined || (extended && !isPrimitive(named.type))) {
      fault(walk, `${path}.${key}`, 'Unknown element');
      continue;
    }
    if ((seen.get(named.element) ?? name) !== name) fault(walk, `${path}.${key}`, 'Second value of a choice');
    seen.set(named.element, name);
    checkValue(value[key], named, extended, `${path}.${key}`, walk);
  }
}

function checkValue(
  value: unknown,
  { isArray, type }: NamedElement,
  extended: boolean,
  path: string,
  walk: Walk,
): void {
  if (Array.isArray(value) !== isArray) {
    fault(walk, path, isArray ? 'Not an array' : 'An array where one value belongs');
  } else if (!Array.isArray(value)) {
    checkItem(value, type, extended, path, false, walk);
  } else {
    if (value.length === 0) fault(walk, path, 'Empty array');
    for (const [index, item] of value.entries()) checkItem(item, type, extended, `${path}[${index}]`, true, walk);
  }
}

function checkItem(item: unknown, type: string, extended: boolean, path: string, inArray: boolean, walk: Walk): void {
  if (isPrimitive(type)) {
    // In arrays of primitives and their extensions null holds a place; that not both are null is judged later.
    if (item === null && inArray) return;
    if (!extended) {
      if (item === null || typeof item === 'object') fault(walk, path, 'Not a primitive value');
      return;
    }
  }
  if (typeof item !== 'object' || item === null || Array.isArray(item)) {
    fault(walk, path, 'Not an object');
    return;
  }
  const object = item as Readonly<Record<string, unknown>>;
  if (type === 'Resource') checkResource(object, path, walk);
  else checkObject(object, getDataType(extended ? 'Element' : type), path, walk);
}

function fault(walk: Walk, path: string, text: string): void {
  walk.faults.push({ path: path.replace(/[^\x20-\x7e]/g, '?').slice(0, 300), fault: text });
}

function isPrimitive(type: string): boolean {
  return /^[a-z]/.test(type);
}

const named = new WeakMap<InternalTypeSchema, ReadonlyMap<string, NamedElement>>();

function namedElements(schema: InternalTypeSchema): ReadonlyMap<string, NamedElement> {
  let elements = named.get(schema);
  if (elements === undefined) {
    const made = new Map<string, NamedElement>();
    for (const [element, { type, isArray = false }] of Object.entries(schema.elements)) {
      for (const { code } of type) {
        const name = element.endsWith('[x]')
          ? element.slice(0, -3) + code.charAt(0).toUpperCase() + code.slice(1)
          : element;
        made.set(name, { element, isArray, type: code });
      }
    }
    elements = made;
    named.set(schema, elements);
  }
  return elements;
}
