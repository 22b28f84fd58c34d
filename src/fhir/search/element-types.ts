import type { CompactDefinitions } from '../definitions/definitions.ts';

/** An element by the name that its JSON has: a choice has one name for each of its types. */
export interface TypedElement {
  readonly name: string;
  readonly type: string;
  /** Code system of an element of type code, where its binding leaves one alone. */
  readonly system?: string;
}

/** FHIR's types that are kinds of another (R4 §2.24): `ofType(Quantity)` takes an Age as well. */
const KIND_OF: Readonly<Record<string, string>> = {
  __proto__: null as never,
  code: 'string',
  id: 'string',
  markdown: 'string',
  url: 'uri',
  canonical: 'uri',
  uuid: 'uri',
  oid: 'uri',
  positiveInt: 'integer',
  unsignedInt: 'integer',
  Age: 'Quantity',
  Count: 'Quantity',
  Distance: 'Quantity',
  Duration: 'Quantity',
  MoneyQuantity: 'Quantity',
  SimpleQuantity: 'Quantity',
};

/** Whether a value of `type` is of `wanted`; R4's own definitions once write DateTime for dateTime. */
export function isOfType(type: string, wanted: string): boolean {
  return type === wanted || KIND_OF[type] === wanted || (wanted === 'DateTime' && type === 'dateTime');
}

export function isResourceType(definitions: CompactDefinitions, name: string): boolean {
  return Object.hasOwn(definitions.types, name) && definitions.types[name]?.k === 'resource';
}

/** The elements that `name` stands for in FHIRPath, among `type`'s: none, one, or one for each type of a choice. */
export function elementsNamed(definitions: CompactDefinitions, type: string, name: string): readonly TypedElement[] {
  if (!Object.hasOwn(definitions.types, type)) return [];
  const elements = definitions.types[type]?.e ?? {};
  const choice = `${name}[x]`;
  if (Object.hasOwn(elements, choice)) {
    return (elements[choice]?.t ?? []).map(([code]) => ({
      name: name + code.charAt(0).toUpperCase() + code.slice(1),
      type: code,
    }));
  }
  if (!Object.hasOwn(elements, name)) return choiceByJsonName(elements, name);
  const { t = [], b } = elements[name] ?? {};
  const [[code] = ['']] = t;
  const system = code === 'code' && b !== undefined ? definitions.codeSystems[b] : undefined;
  return [{ name, type: code.includes('/') ? 'string' : code, ...(system === undefined ? {} : { system }) }];
}

/** `valueDateTime`: no FHIRPath, but published packages write it. */
function choiceByJsonName(elements: CompactDefinitions['types'][string]['e'], name: string): readonly TypedElement[] {
  const start = /^[a-z]+/.exec(name)?.[0] ?? '';
  for (let end = start.length; end < name.length; end++) {
    const choice = `${name.slice(0, end)}[x]`;
    if (!Object.hasOwn(elements, choice)) continue;
    const type = elements[choice]?.t.find(([code]) => code.toLowerCase() === name.slice(end).toLowerCase())?.[0];
    if (type !== undefined) return [{ name, type }];
  }
  return [];
}
