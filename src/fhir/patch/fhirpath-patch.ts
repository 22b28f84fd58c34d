import type { CompactDefinitions } from '../definitions/definitions.ts';
import { capital, type ElementFacts, elementFacts, isPrimitiveType } from '../element-facts.ts';
import { membersOf } from '../json-spans.ts';
import { rejectPatch } from './codes.ts';
import { ExactElement } from './exact-element.ts';
import { ExactValue } from './exact-value.ts';
import { findElements, type PathStep, splitLastName } from './patch-path.ts';
import { patchResult } from './patch-result.ts';
import { indexOfPart, type PatchPart, type PatchValue, partsOf, textOfPart, valueOfPart } from './patch-value.ts';
import { PATCH_LIMITS, type PatchLimits, PatchWork } from './patch-work.ts';

interface Patching {
  readonly root: ExactValue;
  readonly definitions: CompactDefinitions;
  readonly work: PatchWork;
}

interface Operation {
  readonly index: number;
  readonly type: string;
  readonly path: string;
  readonly parts: ReadonlyMap<string, PatchPart>;
}

/**
 * Applies a FHIRPath Patch (R4 fhirpatch.html), a Parameters resource, to the exact text of a resource; both are texts
 * of `exactJson`. All operations or none; what is not touched keeps its written form, and so do the patch's values. A
 * delete of what is not there changes nothing; elements that a delete leaves empty go with it. Throws PATCH_INVALID
 * {operation, fault}, PATCH_PATH_UNMATCHED, PATCH_PATH_AMBIGUOUS, PATCH_PATH_UNSUPPORTED, PATCH_ELEMENT_EXISTS
 * {operation}, PATCH_TOO_COSTLY, PATCH_IDENTITY {element}, PATCH_RESULT_INVALID {reason}. Operations count from 0.
 */
export async function applyFhirPathPatch(
  text: string,
  patch: string,
  definitions: CompactDefinitions,
  limits: PatchLimits = PATCH_LIMITS,
): Promise<string> {
  const work = new PatchWork(limits);
  const patching = { root: new ExactValue(text, work), definitions, work };
  for (const operation of readOperations(patch, work)) await apply(patching, operation);
  return patchResult(text, patching.root.text(), limits);
}

const PARTS = new Set(['type', 'path', 'name', 'value', 'index', 'source', 'destination']);

function readOperations(patch: string, work: PatchWork): readonly Operation[] {
  if (!patch.startsWith('{')) throw rejectPatch('PATCH_INVALID', { fault: 'no Parameters resource' });
  const members = new Map(membersOf(patch).map(({ name, start, end }) => [name, patch.slice(start, end)] as const));
  if (members.get('resourceType') !== '"Parameters"') {
    throw rejectPatch('PATCH_INVALID', { fault: 'no Parameters resource' });
  }
  const parameters = partsOf(members.get('parameter'));
  work.count(parameters.length);
  return parameters.map(({ name, members: of }, index) => {
    if (name !== 'operation') throw invalid(index, 'a parameter is no operation');
    const parts = new Map<string, PatchPart>();
    for (const part of partsOf(of.get('part'), index)) {
      if (!PARTS.has(part.name) || parts.has(part.name)) throw invalid(index, 'a part is unknown or given twice');
      parts.set(part.name, part);
    }
    const type = textOfPart(parts.get('type'));
    const path = textOfPart(parts.get('path'));
    if (type === undefined || path === undefined) throw invalid(index, 'type or path is missing');
    return { index, type, path, parts };
  });
}

async function apply(patching: Patching, operation: Operation): Promise<void> {
  switch (operation.type) {
    case 'add':
      return add(patching, operation);
    case 'insert':
      return insert(patching, operation);
    case 'delete':
      return remove(patching, operation);
    case 'replace':
      return replace(patching, operation);
    case 'move':
      return move(patching, operation);
    default:
      throw invalid(operation.index, 'type is none of add, insert, delete, replace, move');
  }
}

/** Elements that a path selects in the resource as the operations before have left it. */
function find({ root, work }: Patching, path: string, index: number): ReturnType<typeof findElements> {
  const text = root.text();
  return findElements(JSON.parse(text) as object, path, index, text.length, work);
}

async function findOne(patching: Patching, { path, index }: Operation): Promise<readonly PathStep[]> {
  const [only, ...others] = await find(patching, path, index);
  if (only === undefined) throw rejectPatch('PATCH_PATH_UNMATCHED', { operation: index });
  if (others.length > 0) throw rejectPatch('PATCH_PATH_AMBIGUOUS', { operation: index });
  return only;
}

/** An object on the way, with the name of its type; `type` is undefined where R4 defines none. */
interface Place {
  readonly value: ExactValue;
  readonly type: string | undefined;
}

/** The element that `steps` lead to: the object that has it, its member's name, and what R4 says of it. */
interface Located {
  readonly parents: readonly { readonly element: ExactElement; readonly index: number | undefined }[];
  readonly element: ExactElement;
  readonly index: number | undefined;
  readonly facts: ElementFacts | undefined;
  readonly parentType: string | undefined;
}

function locate(patching: Patching, steps: readonly PathStep[], operation: number): Located {
  let place = rootPlace(patching);
  const parents: { element: ExactElement; index: number | undefined }[] = [];
  for (const [at, step] of steps.entries()) {
    const facts =
      place.type === undefined
        ? undefined
        : elementFacts(patching.definitions, place.type, step.name, step.type && capital(step.type));
    const element = new ExactElement(place.value, memberName(place, step), patching.work);
    if (at === steps.length - 1) return { parents, element, index: step.index, facts, parentType: place.type };
    parents.push({ element, index: step.index });
    const value = place.value.members()?.get(element.name);
    const inner = step.index === undefined ? value : value?.items()?.[step.index];
    // A path below a primitive leads to its id or extensions, in the member beside it.
    if (inner?.members() === undefined) throw rejectPatch('PATCH_PATH_UNSUPPORTED', { operation });
    place = { value: inner, type: facts?.type === 'Resource' ? resourceTypeOf(inner) : facts?.type };
  }
  throw rejectPatch('PATCH_PATH_UNSUPPORTED', { operation });
}

function rootPlace({ root }: Patching): Place {
  return { value: root, type: resourceTypeOf(root) };
}

/** The object at `steps`: the resource itself, or an element of it. */
function placeAt(patching: Patching, steps: readonly PathStep[], operation: number): Place {
  if (steps.length === 0) return rootPlace(patching);
  const { element, index, facts } = locate(patching, steps, operation);
  const member = element.parent.members()?.get(element.name);
  const value = index === undefined ? member : member?.items()?.[index];
  if (value?.members() === undefined) throw rejectPatch('PATCH_PATH_UNSUPPORTED', { operation });
  return { value, type: facts?.type === 'Resource' ? resourceTypeOf(value) : facts?.type };
}

function resourceTypeOf(value: ExactValue): string | undefined {
  const text = value.members()?.get('resourceType')?.text();
  return text?.startsWith('"') ? (JSON.parse(text) as string) : undefined;
}

function memberName({ value }: Place, { name, type }: PathStep): string {
  const members = value.members();
  if (members?.has(name) || members?.has(`_${name}`) || type === undefined) return name;
  const typed = name + capital(type);
  return members?.has(typed) || members?.has(`_${typed}`) ? typed : name;
}

function givenValue({ definitions }: Patching, { parts, index }: Operation, type: string | undefined): PatchValue {
  const part = parts.get('value');
  if (part === undefined) throw invalid(index, 'value is missing');
  const value = valueOfPart(definitions, part, type, index);
  if (value.extended !== undefined && !isPrimitiveType(type)) throw invalid(index, 'only primitives are extended so');
  return value;
}

async function add(patching: Patching, operation: Operation): Promise<void> {
  const { index, parts } = operation;
  const name = textOfPart(parts.get('name'));
  if (name === undefined) throw invalid(index, 'name is missing');
  const place = placeAt(patching, await findOne(patching, operation), index);
  addTo(patching, operation, place, name);
}

function addTo(patching: Patching, operation: Operation, place: Place, name: string): void {
  const suffix = suffixOf(operation.parts.get('value'));
  const facts = place.type === undefined ? undefined : elementFacts(patching.definitions, place.type, name, suffix);
  if (facts === undefined) throw invalid(operation.index, 'name is no element of the type');
  const value = givenValue(patching, operation, facts.type);
  const element = new ExactElement(place.value, facts.member, patching.work);
  if (facts.isArray) {
    element.insert(element.length(), value);
    return;
  }
  const taken = facts.choice === undefined ? element.exists() : hasChoice(patching, place, facts.choice);
  if (taken) throw rejectPatch('PATCH_ELEMENT_EXISTS', { operation: operation.index });
  element.set(value);
}

function suffixOf(part: PatchPart | undefined): string | undefined {
  return [...(part?.members.keys() ?? [])].find((name) => /^_?value[A-Z]/.test(name))?.replace(/^_?value/, '');
}

function hasChoice({ definitions }: Patching, { value, type }: Place, choice: string): boolean {
  return [...(value.members()?.keys() ?? [])].some(
    (name) => elementFacts(definitions, type ?? '', name.replace(/^_/, ''))?.choice === choice,
  );
}

async function insert(patching: Patching, operation: Operation): Promise<void> {
  const at = indexOfPart(operation.parts.get('index'));
  if (at === undefined) throw invalid(operation.index, 'index is missing');
  const list = await findList(patching, operation);
  if (at > list.element.length()) throw invalid(operation.index, 'index is beyond the list');
  list.element.insert(at, givenValue(patching, operation, list.type));
}

async function move(patching: Patching, operation: Operation): Promise<void> {
  const source = indexOfPart(operation.parts.get('source'));
  const destination = indexOfPart(operation.parts.get('destination'));
  if (source === undefined || destination === undefined) throw invalid(operation.index, 'index is missing');
  const { element } = await findList(patching, operation);
  const length = element.length();
  if (source >= length || destination >= length) throw invalid(operation.index, 'index is beyond the list');
  element.move(source, destination);
}

/** The list that a path names: all that it selects is of one element of one object, or there is none of it yet. */
async function findList(
  patching: Patching,
  { path, index }: Operation,
): Promise<{ element: ExactElement; type: string | undefined }> {
  const split = splitLastName(path);
  if (split === undefined) throw rejectPatch('PATCH_PATH_UNSUPPORTED', { operation: index });
  const [parentPath, name] = split;
  const [only, ...others] = await find(patching, parentPath, index);
  if (only === undefined) throw rejectPatch('PATCH_PATH_UNMATCHED', { operation: index });
  if (others.length > 0) throw rejectPatch('PATCH_PATH_AMBIGUOUS', { operation: index });
  const place = placeAt(patching, only, index);
  const facts = place.type === undefined ? undefined : elementFacts(patching.definitions, place.type, name);
  if (facts === undefined || !facts.isArray) throw invalid(index, 'the path is of no list');
  return { element: new ExactElement(place.value, facts.member, patching.work), type: facts.type };
}

async function replace(patching: Patching, operation: Operation): Promise<void> {
  const steps = await findOne(patching, operation);
  if (steps.length === 0) throw invalid(operation.index, 'the whole resource cannot be replaced');
  const { element, index, facts, parentType } = locate(patching, steps, operation.index);
  // FHIRPath sees names that every object of JavaScript has.
  if (!element.exists()) throw rejectPatch('PATCH_PATH_UNMATCHED', { operation: operation.index });
  const suffix = suffixOf(operation.parts.get('value'));
  const becomes =
    facts?.choice === undefined || parentType === undefined
      ? facts
      : elementFacts(patching.definitions, parentType, facts.choice, suffix);
  const value = givenValue(patching, operation, becomes?.type);
  if (index !== undefined) element.replaceAt(index, value);
  else element.set(value, becomes?.member ?? element.name);
}

async function remove(patching: Patching, operation: Operation): Promise<void> {
  const [steps, ...others] = await find(patching, operation.path, operation.index);
  if (steps === undefined) return;
  if (others.length > 0) throw rejectPatch('PATCH_PATH_AMBIGUOUS', { operation: operation.index });
  if (steps.length === 0) throw invalid(operation.index, 'the whole resource cannot be deleted');
  const { element, index, parents } = locate(patching, steps, operation.index);
  element.remove(index);
  // FHIR has no empty objects: what a delete leaves empty goes too, up to the resource.
  let emptied = element.parent;
  for (const parent of parents.toReversed()) {
    if (emptied.members()?.size !== 0) return;
    parent.element.remove(parent.index);
    emptied = parent.element.parent;
  }
}

function invalid(operation: number, fault: string): Error {
  return rejectPatch('PATCH_INVALID', { operation, fault });
}
