import type { CompactDefinitions } from './definitions/definitions.ts';
import { type ElementFacts, elementFacts, isPrimitiveType } from './element-facts.ts';
import { elementsOf, membersOf } from './json-spans.ts';

/** Which part of a resource is asked for (R4 §3.1.1.5.8, §3.1.1.5.9). */
export interface SubsetRequest {
  readonly summary?: 'true' | 'text' | 'data' | 'count' | 'false';
  /** Names of elements, of the top or with dots below it. */
  readonly elements?: readonly string[];
}

/** Always there: the client must know what it has got, and may not overlook a modifier. */
const KEPT = new Set(['resourceType', 'id', 'meta', 'implicitRules', 'modifierExtension']);
const SUBSETTED =
  '{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED","display":"Resource encoded in summary mode"}';

/** An element as `CompactElement` has it, with its place in the resource: `contact.name`. */
interface Candidate {
  readonly place: string;
  /** The same with the type of a choice: `valueQuantity`. */
  readonly member: string;
  readonly isMandatory: boolean;
  readonly isSummary: boolean;
  /** Its elements are R4's own for this place (a backbone element), not those of a data type. */
  readonly isBackbone: boolean;
}

/** Whether a member is wanted: whole, for what is wanted below it, or not. */
type Choice = (candidate: Candidate) => 'whole' | 'part' | 'none';

interface Walk {
  readonly definitions: CompactDefinitions;
  readonly choice: Choice;
}

/**
 * The part of a resource's exact text that is asked for, marked with the tag SUBSETTED. Values keep their written form
 * and their order; mandatory elements, ids and modifiers are always kept. `elements` comes before `summary`.
 */
export function subset(text: string, definitions: CompactDefinitions, request: SubsetRequest): string {
  const choice = choiceOf(request);
  const type = membersOf(text).find(({ name }) => name === 'resourceType');
  if (choice === undefined || type === undefined) return text;
  const name = JSON.parse(text.slice(type.start, type.end)) as string;
  return withTag(partOf(text, 0, name, '', { definitions, choice }));
}

function choiceOf({ summary, elements }: SubsetRequest): Choice | undefined {
  if (elements !== undefined) return elementsChoice(new Set(elements));
  switch (summary) {
    case 'true':
      return ({ isSummary, isMandatory, isBackbone }) => {
        if (!isSummary && !isMandatory) return 'none';
        return isBackbone ? 'part' : 'whole';
      };
    case 'text':
      return ({ place, isMandatory }) => (isMandatory || place === 'text' ? 'whole' : 'none');
    case 'data':
      return ({ place }) => (place === 'text' ? 'none' : 'whole');
    default:
      return undefined;
  }
}

function elementsChoice(wanted: ReadonlySet<string>): Choice {
  const ways = new Set([...wanted].flatMap((name) => name.split('.').map((_, at, all) => all.slice(0, at).join('.'))));
  return ({ place, member, isMandatory }) => {
    if (wanted.has(place) || wanted.has(member)) return 'whole';
    if (ways.has(place)) return 'part';
    return isMandatory ? 'whole' : 'none';
  };
}

/** What is kept of the object that begins at `start`. */
function partOf(text: string, start: number, type: string, path: string, walk: Walk): string {
  const kept: string[] = [];
  for (const { name, at, start: from, end } of membersOf(text, start)) {
    const bare = name.replace(/^_/, '');
    const facts = elementFacts(walk.definitions, type, bare);
    const wanted = facts === undefined || isAlwaysKept(bare, path) ? undefined : wish(type, facts, path, walk);
    if (isAlwaysKept(bare, path) || wanted === 'whole' || (wanted === 'part' && name !== bare)) {
      kept.push(text.slice(at, end));
    } else if (wanted === 'part') {
      const inner = (valueStart: number) =>
        text.charAt(valueStart) === '{'
          ? partOf(text, valueStart, facts?.type ?? '', placeOf(path, facts?.choice ?? bare), walk)
          : 'null';
      const value =
        text.charAt(from) === '['
          ? `[${elementsOf(text, from)
              .map((item) => inner(item.start))
              .join(',')}]`
          : inner(from);
      kept.push(`"${name}":${value}`);
    }
  }
  return `{${kept.join(',')}}`;
}

function isAlwaysKept(name: string, path: string): boolean {
  return path === '' ? KEPT.has(name) : name === 'id' || name === 'modifierExtension';
}

function wish(type: string, facts: ElementFacts, path: string, { definitions, choice }: Walk): ReturnType<Choice> {
  const element = definitions.types[type]?.e[facts.choice === undefined ? facts.member : `${facts.choice}[x]`];
  const isBackbone = facts.type !== undefined && definitions.types[facts.type]?.p.includes('.') === true;
  const wanted = choice({
    place: placeOf(path, facts.choice ?? facts.member),
    member: placeOf(path, facts.member),
    isMandatory: (element?.n ?? 0) > 0,
    isSummary: element?.s === 1,
    isBackbone,
  });
  return wanted === 'part' && isPrimitiveType(facts.type) ? 'whole' : wanted;
}

function placeOf(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

/** Adds the tag; the rest of `meta` keeps text and order. */
function withTag(text: string): string {
  const members = membersOf(text);
  const meta = members.find(({ name }) => name === 'meta');
  if (meta === undefined) {
    const after = members.find(({ name }) => name === 'id') ?? members.find(({ name }) => name === 'resourceType');
    const at = after?.end ?? 1;
    return `${text.slice(0, at)},"meta":{"tag":[${SUBSETTED}]}${text.slice(at)}`;
  }
  const tag = membersOf(text, meta.start).find(({ name }) => name === 'tag');
  if (tag !== undefined) {
    const separator = text.charAt(tag.end - 2) === '[' ? '' : ',';
    return `${text.slice(0, tag.end - 1)}${separator}${SUBSETTED}${text.slice(tag.end - 1)}`;
  }
  const separator = text.charAt(meta.end - 2) === '{' ? '' : ',';
  return `${text.slice(0, meta.end - 1)}${separator}"tag":[${SUBSETTED}]${text.slice(meta.end - 1)}`;
}
