import type { CompactDefinitions } from './definitions/definitions.ts';

/** An element of a type, as JSON names it. */
export interface ElementFacts {
  /** Name of its member; of a choice with the type at its end (`valueQuantity`). */
  readonly member: string;
  readonly isArray: boolean;
  /** Type of its value; undefined for a choice whose type is not known yet. */
  readonly type: string | undefined;
  /** Name without the type, for a choice: `value`. */
  readonly choice?: string;
}

/**
 * What R4 defines of element `name` of `type`. A choice is found as `value`, `value[x]` (then `suffix` is the type's
 * name with a capital, as in `valueQuantity`) or by the full name. Undefined when there is no such element.
 */
export function elementFacts(
  definitions: CompactDefinitions,
  type: string,
  name: string,
  suffix?: string,
): ElementFacts | undefined {
  const elements = definitions.types[type]?.e;
  if (elements === undefined) return undefined;
  if (!name.endsWith('[x]') && Object.hasOwn(elements, name)) {
    const element = elements[name];
    return { member: name, isArray: element?.a === 1, type: element?.t[0]?.[0] };
  }
  const base = name.endsWith('[x]') ? name.slice(0, -3) : name;
  for (const [path, { t }] of Object.entries(elements)) {
    if (!path.endsWith('[x]')) continue;
    const choice = path.slice(0, -3);
    if (!base.startsWith(choice)) continue;
    const wanted = base === choice ? suffix : base.slice(choice.length);
    if (wanted === undefined) return { member: choice, isArray: false, type: undefined, choice };
    const code = t.find(([candidate]) => capital(candidate) === wanted)?.[0];
    if (code !== undefined) return { member: choice + wanted, isArray: false, type: code, choice };
  }
  return undefined;
}

export function isPrimitiveType(type: string | undefined): boolean {
  return type !== undefined && /^[a-z]/.test(type);
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
