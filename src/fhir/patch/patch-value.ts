import type { CompactDefinitions } from '../definitions/definitions.ts';
import { elementFacts } from '../element-facts.ts';
import { elementsOf, membersOf } from '../json-spans.ts';
import { rejectPatch } from './codes.ts';

/** A value that a FHIRPath Patch brings, exact text. */
export interface PatchValue {
  /** Absent for a primitive that has extensions only. */
  readonly text?: string;
  /** Extensions and id of a primitive: what stands in `_name`. */
  readonly extended?: string;
  /** Name of its type as in `valueQuantity`: `Quantity`; absent for parts and resources. */
  readonly suffix?: string;
}

/** A parameter or part of the Parameters resource, cut out of the exact text. */
export interface PatchPart {
  readonly name: string;
  readonly members: ReadonlyMap<string, string>;
}

/** Parts in the array of parameters or parts with exact text `list`. Throws PATCH_INVALID. */
export function partsOf(list: string | undefined, operation?: number): PatchPart[] {
  if (list === undefined) return [];
  if (!list.startsWith('[')) throw invalid('no list of parts', operation);
  return elementsOf(list, 0).map(({ start }) => {
    if (list.charAt(start) !== '{') throw invalid('a part is no object', operation);
    const members = new Map(
      membersOf(list, start).map((member) => [member.name, list.slice(member.start, member.end)] as const),
    );
    const name = members.get('name');
    if (!name?.startsWith('"')) throw invalid('a part has no name', operation);
    return { name: JSON.parse(name) as string, members };
  });
}

/** Text of a part that has a string, code or uri. */
export function textOfPart(part: PatchPart | undefined): string | undefined {
  const value = part?.members.get('valueString') ?? part?.members.get('valueCode') ?? part?.members.get('valueUri');
  return value?.startsWith('"') ? (JSON.parse(value) as string) : undefined;
}

/** A whole number that is no less than 0. */
export function indexOfPart(part: PatchPart | undefined): number | undefined {
  const value = ['valueInteger', 'valueUnsignedInt', 'valuePositiveInt']
    .map((name) => part?.members.get(name))
    .find((found) => found !== undefined);
  return value !== undefined && /^[0-9]{1,9}$/.test(value) ? Number(value) : undefined;
}

/**
 * The value of a part: `value[x]`, `resource`, or parts that are the elements of an object of `type`, for types that
 * have no name in Parameters (backbone elements). Throws PATCH_INVALID {operation, fault}.
 */
export function valueOfPart(
  definitions: CompactDefinitions,
  part: PatchPart,
  type: string | undefined,
  operation: number,
): PatchValue {
  const { members } = part;
  const names = [...members.keys()].map((name) => name.replace(/^_/, '')).filter((name) => /^value[A-Z]/.test(name));
  const [name, ...others] = new Set(names);
  const parts = members.get('part');
  const resource = members.get('resource');
  const given = [name, parts, resource].filter((one) => one !== undefined).length + others.length;
  if (given !== 1) throw invalid('a value is missing or given twice', operation);
  if (resource !== undefined) return { text: resource };
  if (parts !== undefined) return { text: objectOf(definitions, partsOf(parts, operation), type, operation) };
  const text = members.get(name as string);
  const extended = members.get(`_${name}`);
  return {
    suffix: (name as string).slice('value'.length),
    ...(text === undefined ? {} : { text }),
    ...(extended === undefined ? {} : { extended }),
  };
}

interface Built {
  readonly isArray: boolean;
  readonly values: PatchValue[];
}

function objectOf(
  definitions: CompactDefinitions,
  parts: readonly PatchPart[],
  type: string | undefined,
  operation: number,
): string {
  const built = new Map<string, Built>();
  for (const part of parts) {
    const suffix = [...part.members.keys()].find((name) => /^_?value[A-Z]/.test(name))?.replace(/^_?value/, '');
    const facts = type === undefined ? undefined : elementFacts(definitions, type, part.name, suffix);
    if (facts === undefined) throw invalid('a part names no element of the type', operation);
    const value = valueOfPart(definitions, part, facts.type, operation);
    const known = built.get(facts.member);
    if (known === undefined) built.set(facts.member, { isArray: facts.isArray, values: [value] });
    else if (known.isArray) known.values.push(value);
    else throw invalid('an element that does not repeat is given twice', operation);
  }
  if (built.size === 0) throw invalid('a value is missing', operation);
  return `{${[...built].flatMap(([name, value]) => memberTexts(name, value)).join(',')}}`;
}

function memberTexts(name: string, { isArray, values }: Built): string[] {
  const write = (of: (value: PatchValue) => string | undefined, member: string): string[] => {
    if (values.every((value) => of(value) === undefined)) return [];
    const texts = values.map((value) => of(value) ?? 'null');
    return [`"${member}":${isArray ? `[${texts.join(',')}]` : texts[0]}`];
  };
  return [...write(({ text }) => text, name), ...write(({ extended }) => extended, `_${name}`)];
}

function invalid(fault: string, operation?: number): Error {
  return rejectPatch('PATCH_INVALID', operation === undefined ? { fault } : { operation, fault });
}
