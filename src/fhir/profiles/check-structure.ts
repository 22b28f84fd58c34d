import { LIMITS } from '../limits.ts';
import { checkBinding } from './bindings.ts';
import { checkConstraints } from './check-constraints.ts';
import { narrativeFault } from './narrative.ts';
import { isPrimitiveValue } from './primitive-formats.ts';
import { referenceTarget } from './references.ts';
import type { ElementRule, Member, TypeRule } from './type-rules.ts';
import { containerOf, isObject, type Node, report, type Walk } from './walk.ts';

/**
 * What R4 itself asks of a resource, in one walk over its JSON (R4 §2.6.2 and the definitions): only known elements,
 * arrays where an element repeats and nowhere else, nothing empty, one value for a choice, cardinalities, formats of
 * primitives, narrative, required bindings, invariants, types of references, contained resources.
 */
export function checkResource(value: Node, walk: Walk, isContained = false): void {
  const type = walk.rules.resource(value.resourceType);
  if (type === undefined) {
    report(walk, 'structure', 'Not a resource type of R4', 'resourceType');
    return;
  }
  const { container, resource } = walk;
  if (!isContained) walk.container = containerOf(value);
  walk.resource = value;
  checkObject(value, type, walk);
  if (!isContained) checkContained(walk);
  walk.container = container;
  walk.resource = resource;
}

/** Every contained resource is referred to, or refers to its container (dom-3). */
function checkContained(walk: Walk): void {
  const { resource, used } = walk.container;
  if (!Array.isArray(resource.contained)) return;
  for (const [at, one] of resource.contained.entries()) {
    if (!isObject(one) || typeof one.id !== 'string') continue;
    if (!used.has(one.id) && !used.has(`${CONTAINER} ${at}`)) {
      report(walk, 'invariant', 'dom-3: nothing refers to this contained resource', `contained[${at}]`);
    }
  }
}

/** Marks that a contained resource refers to its container by `#`. */
const CONTAINER = '#';

function checkObject(value: Node, type: TypeRule, walk: Walk): void {
  if (walk.path.length > 2 * LIMITS.jsonDepth) {
    report(walk, 'too-long', 'Nested too deep');
    return;
  }
  let choices: Map<ElementRule, string> | undefined;
  const keys = Object.keys(value);
  if (keys.length === 0) report(walk, 'structure', 'Empty object');
  for (const key of keys) {
    if (walk.sink.isFull) return;
    if (key === 'resourceType' && type.isResource) continue;
    const isExtended = key.charCodeAt(0) === 0x5f;
    const member = type.members.get(isExtended ? key.slice(1) : key);
    if (member === undefined || (isExtended && !member.isPrimitive)) {
      report(walk, 'structure', 'Unknown element', nameOf(key));
      continue;
    }
    if (member.element.isChoice) {
      choices ??= new Map();
      const other = choices.get(member.element);
      if (other !== undefined && other !== member.json) {
        report(walk, 'structure', 'Second value of a choice', member.element.pathName);
      }
      choices.set(member.element, member.json);
    }
    checkMember(value, key, member, isExtended, walk);
  }
  for (const element of type.required) {
    if (!isThere(value, element)) report(walk, 'required', 'Required element is missing', element.pathName);
  }
  if (type.name === 'Extension' && walk.onExtension !== undefined && typeof value.url === 'string') {
    walk.onExtension(value, value.url);
  }
  if (type.constraints.length > 0) checkConstraints(value, type.path, type.constraints, walk);
}

/** An element with only extensions is there too. */
function isThere(value: Node, { members }: ElementRule): boolean {
  for (const { json, isPrimitive } of members) {
    if (value[json] !== undefined || (isPrimitive && value[`_${json}`] !== undefined)) return true;
  }
  return false;
}

/** Names of elements are told; what has another form might be a value. */
function nameOf(key: string): string {
  return /^_?[A-Za-z][A-Za-z0-9]{0,63}$/.test(key) ? key : '?';
}

function checkMember(parent: Node, key: string, member: Member, isExtended: boolean, walk: Walk): void {
  const value = parent[key];
  const { element, code } = member;
  walk.path.push(element.isChoice ? `${element.pathName}.ofType(${code})` : element.pathName);
  if (Array.isArray(value) !== element.isArray) {
    report(walk, 'structure', element.isArray ? 'Not an array' : 'An array where one value belongs');
  } else if (!Array.isArray(value)) {
    checkItem(value, member, isExtended, walk);
  } else {
    if (value.length === 0) report(walk, 'structure', 'Empty array');
    if (value.length > element.max) report(walk, 'structure', `At most ${element.max} may be there`);
    const partner = member.isPrimitive ? parent[isExtended ? key.slice(1) : `_${key}`] : undefined;
    for (let at = 0; at < value.length && !walk.sink.isFull; at++) {
      walk.path.push(at);
      const item: unknown = value[at];
      const other = Array.isArray(partner) ? partner[at] : undefined;
      // In arrays of primitives and their extensions null holds a place for what the other one has.
      if (item !== null || !member.isPrimitive) checkItem(item, member, isExtended, walk);
      else if (other == null) report(walk, 'structure', 'Neither a value nor an extension');
      walk.path.pop();
    }
  }
  walk.path.pop();
}

function checkItem(item: unknown, member: Member, isExtended: boolean, walk: Walk): void {
  if (member.element.max === 0) report(walk, 'structure', 'Not allowed here');
  if (member.isPrimitive) {
    if (!isExtended) checkPrimitive(item, member, walk);
    else if (isObject(item)) checkObject(item, member.type, walk);
    else report(walk, 'structure', 'Not an object');
    return;
  }
  if (!isObject(item)) {
    report(walk, 'structure', 'Not an object');
    return;
  }
  if (member.code === 'Resource') {
    checkResource(item, walk, member.element.pathName === 'contained' && walk.resource === walk.container.resource);
    return;
  }
  checkObject(item, member.type, walk);
  checkElement(item, member, walk);
}

function checkElement(item: Node, member: Member, walk: Walk): void {
  const { element, code } = member;
  if (code === 'Reference') checkReference(item, member, walk);
  if (element.valueSet !== undefined) checkBinding(item, code, element.valueSet, 'required', walk, element.codes);
  if (element.constraints.length > 0) checkConstraints(item, member.type.path, element.constraints, walk);
}

function checkPrimitive(item: unknown, { code, element }: Member, walk: Walk): void {
  if (typeof item === 'string' ? item === '' : item === null || typeof item === 'object') {
    report(walk, 'structure', item === '' ? 'Empty text' : 'Not a primitive value');
    return;
  }
  if (!isPrimitiveValue(code, item)) {
    report(walk, 'value', `Not written as R4 asks of type ${code}`);
    return;
  }
  if (code === 'xhtml') {
    const fault = narrativeFault(item as string);
    if (fault !== undefined) report(walk, 'security', fault);
  } else if (code === 'uri' || code === 'url' || code === 'canonical') {
    if ((item as string).charCodeAt(0) === 0x23) markUsed(item as string, walk);
  } else if (element.valueSet !== undefined) {
    checkBinding(item, code, element.valueSet, 'required', walk, element.codes);
  }
  if (element.constraints.length > 0) checkConstraints(item, code, element.constraints, walk);
}

function checkReference(item: Node, { targets }: Member, walk: Walk): void {
  if (typeof item.reference === 'string' && item.reference.startsWith('#')) markUsed(item.reference, walk);
  const target = referenceTarget(item, walk);
  if (target.kind === 'dangling') {
    report(walk, 'invariant', 'ref-1: there is no contained resource of this id', 'reference');
  } else if (target.kind === 'no-type') {
    report(walk, 'structure', 'Refers to a type that R4 does not have', 'reference');
  } else if (target.kind === 'known' && targets !== undefined && !targets.has(target.type)) {
    report(walk, 'structure', 'Refers to a type that this element does not take', 'reference');
  }
}

function markUsed(reference: string, walk: Walk): void {
  const { used, resource } = walk.container;
  if (reference !== '#') used.add(reference.slice(1));
  else if (walk.resource !== resource) used.add(`${CONTAINER} ${containedAt(walk)}`);
}

/** Index of the contained resource that the walk stands in. */
function containedAt({ path }: Walk): number {
  const at = path.lastIndexOf('contained');
  return at === -1 ? -1 : (path[at + 1] as number);
}
