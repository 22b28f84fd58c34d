import type { Member, TypeRule } from './type-rules.ts';
import { isObject, type Node } from './walk.ts';

/** One value of an element, with the type that its JSON name says. */
export interface Item {
  /** Undefined for a primitive that has only extensions. */
  readonly value: unknown;
  /** The `_name` of a primitive. */
  readonly extended?: Node;
  readonly code: string;
  readonly member: Member;
  /** Names and indices below the parent. */
  readonly path: readonly (string | number)[];
}

const NONE: readonly Item[] = [];

/** Values of an element of `parent`, by the element's name in the type (`value[x]`). */
export function itemsOf(parent: unknown, type: TypeRule, name: string): readonly Item[] {
  const element = type.elements.get(name);
  if (element === undefined || !isObject(parent)) return NONE;
  const items: Item[] = [];
  for (const member of element.members) {
    const value = parent[member.json];
    const extended = member.isPrimitive ? parent[`_${member.json}`] : undefined;
    if (value === undefined && extended === undefined) continue;
    const place = element.isChoice ? `${element.pathName}.ofType(${member.code})` : element.pathName;
    const length = Math.max(listLength(value), listLength(extended));
    for (let at = 0; at < length; at++) {
      const one = element.isArray && Array.isArray(value) ? value[at] : value;
      const other = element.isArray && Array.isArray(extended) ? extended[at] : extended;
      items.push({
        value: one ?? undefined,
        ...(isObject(other) ? { extended: other } : {}),
        code: member.code,
        member,
        path: element.isArray ? [place, at] : [place],
      });
    }
  }
  return items;
}

function listLength(value: unknown): number {
  if (value === undefined) return 0;
  return Array.isArray(value) ? value.length : 1;
}

/** What FHIRPath and nested elements see of an item: for a primitive without a value, its extensions. */
export function contentOf({ value, extended }: Item): unknown {
  return value ?? extended;
}

/** Type whose elements an item has: a resource's own, `Element` for a primitive. */
export function typeOfItem(item: Item, resourceType: (name: unknown) => TypeRule | undefined): TypeRule | undefined {
  if (item.code !== 'Resource') return item.member.type;
  return isObject(item.value) ? resourceType(item.value.resourceType) : undefined;
}

/** Equality of JSON values: members in any order, elements of arrays in theirs (fixed[x]). */
export function isEqual(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, at) => isEqual(item, b[at]));
  if (!isObject(a) || !isObject(b)) return a === b;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && isEqual(a[name], b[name]))
  );
}

/** Whether a value has at least what a pattern has (pattern[x]): of arrays, each of its elements somewhere. */
export function hasPattern(value: unknown, pattern: unknown): boolean {
  if (Array.isArray(pattern)) {
    return Array.isArray(value) && pattern.every((wanted) => value.some((item) => hasPattern(item, wanted)));
  }
  if (!isObject(pattern)) return value === pattern;
  return (
    isObject(value) &&
    Object.entries(pattern).every(([name, wanted]) => Object.hasOwn(value, name) && hasPattern(value[name], wanted))
  );
}
