import { checkBinding } from './bindings.ts';
import { checkConstraints } from './check-constraints.ts';
import { contentOf, hasPattern, type Item, isEqual, itemsOf, typeOfItem } from './element-items.ts';
import type { ProfiledType, ProfileElement, ProfileRule } from './profile-rules.ts';
import { conforms, type ProfileWalk, spend } from './profile-walk.ts';
import { referenceTarget } from './references.ts';
import { checkSlices } from './slices.ts';
import { containerOf, isObject, type Node, report } from './walk.ts';

/** Holds an element or resource, where the walk stands, against a profile. R4's own rules are checked elsewhere. */
export function checkAgainst(profile: ProfileRule, value: Node, walk: ProfileWalk): void {
  const type = walk.rules.of(profile.type);
  if (type === undefined) return;
  if (type.isResource && value.resourceType !== profile.type) {
    report(walk, 'structure', `Not of the type that the profile ${profile.url} is for`);
    return;
  }
  const { resource } = walk;
  if (type.isResource) walk.resource = value;
  checkContent(profile.root, value, type.path, type, walk);
  walk.resource = resource;
}

/** Values of an element (all of them, or those of a slice) against the profile. The walk stands in the parent. */
export function checkItems(element: ProfileElement, items: readonly Item[], walk: ProfileWalk): void {
  const pathName = element.name.replace('[x]', '');
  const what = element.sliceName === undefined ? '' : ` of slice ${element.sliceName}`;
  if (items.length < element.min) {
    const text =
      items.length === 0 && what === ''
        ? 'Required element is missing'
        : `At least ${element.min}${what} must be there`;
    report(walk, 'required', text, pathName);
  }
  if (items.length > element.max) {
    report(
      walk,
      'structure',
      element.max === 0 && what === '' ? 'Not allowed here' : `At most ${element.max}${what} may be there`,
      pathName,
    );
  }
  for (const item of items) {
    if (!spend(walk)) return;
    walk.path.push(...item.path);
    checkItem(element, item, walk);
    walk.path.length -= item.path.length;
  }
  if (element.slices.length > 0) checkSlices(element, items, walk);
}

function checkItem(element: ProfileElement, item: Item, walk: ProfileWalk): void {
  checkTypes(element, item, walk);
  const { value } = item;
  if (value !== undefined) checkValue(element, item, walk);
  const type = typeOfItem(item, walk.rules.resource);
  if (type === undefined) return;
  const base = item.member.isPrimitive ? item.code : type.path;
  const { resource, container } = walk;
  if (item.code === 'Resource' && isObject(value)) {
    walk.resource = value;
    if (item.member.element.pathName !== 'contained') walk.container = containerOf(value);
  }
  checkContent(element, contentOf(item), base, type, walk, value !== undefined);
  const same = element.sameAs?.();
  if (same !== undefined) checkContent({ ...same, constraints: [] }, contentOf(item), base, type, walk);
  walk.resource = resource;
  walk.container = container;
}

/** Invariants of an element and what is asked of its own elements. */
function checkContent(
  element: ProfileElement,
  value: unknown,
  base: string,
  type: Parameters<typeof itemsOf>[1],
  walk: ProfileWalk,
  hasValue = true,
): void {
  if (hasValue && element.constraints.length > 0) checkConstraints(value, base, element.constraints, walk);
  for (const child of element.children) {
    if (walk.sink.isFull) return;
    if (type.elements.has(child.name)) checkItems(child, itemsOf(value, type, child.name), walk);
  }
}

function checkValue(element: ProfileElement, { value, code }: Item, walk: ProfileWalk): void {
  if ('fixed' in element && !isEqual(value, element.fixed))
    report(walk, 'value', 'Not the value that the profile fixes');
  if ('pattern' in element && !hasPattern(value, element.pattern))
    report(walk, 'value', 'Does not have the pattern of the profile');
  if (element.binding !== undefined)
    checkBinding(value, code, element.binding.valueSet, element.binding.strength, walk);
  if (element.maxLength !== undefined && typeof value === 'string' && value.length > element.maxLength) {
    report(walk, 'too-long', `Longer than ${element.maxLength} characters`);
  }
  if (isOutside(value, element)) report(walk, 'value', 'Outside the range of the profile');
}

/** minValue and maxValue of numbers, and of dates where text tells. */
function isOutside(value: unknown, { minValue, maxValue }: ProfileElement): boolean {
  const comparable = (limit: unknown): limit is number | string => typeof limit === typeof value && !isObject(limit);
  if (typeof value !== 'number' && typeof value !== 'string') return false;
  return (
    (comparable(minValue) && value < minValue) ||
    (comparable(maxValue) && value > maxValue && !String(value).startsWith(String(maxValue)))
  );
}

function checkTypes({ types }: ProfileElement, item: Item, walk: ProfileWalk): void {
  if (types === undefined) return;
  const code = item.code === 'Resource' && isObject(item.value) ? String(item.value.resourceType) : item.code;
  const allowed = types.filter((type) => type.code === item.code || type.code === code || isBackbone(type.code, item));
  if (allowed.length === 0) {
    if (!types.some((type) => type.code === 'Resource' || type.code === 'Element'))
      report(walk, 'structure', 'Not of a type that the profile allows');
    return;
  }
  if (item.code === 'Reference' && isObject(item.value)) checkTarget(allowed, item.value, walk);
  checkTypeProfiles(allowed, item, walk);
}

/** A backbone's type has no name in the profile but BackboneElement or Element. */
function isBackbone(code: string, { member }: Item): boolean {
  return (code === 'BackboneElement' || code === 'Element') && member.type.path.includes('.');
}

/** The target is of a type that one of the target profiles constrains. */
function checkTarget(types: readonly ProfiledType[], reference: Node, walk: ProfileWalk): void {
  const targets = types.flatMap((type) => type.targets);
  if (targets.length === 0) return;
  const target = referenceTarget(reference, walk);
  if (target.kind !== 'known') return;
  const wanted = targets.map((url) => walk.profiles.typeOf(url));
  if (!wanted.includes(undefined) && !wanted.includes(target.type)) {
    report(walk, 'structure', 'Refers to a type that the profile does not take', 'reference');
  }
}

/** One of the profiles that the type names must hold; where there is one, what it finds is told. */
function checkTypeProfiles(types: readonly ProfiledType[], item: Item, walk: ProfileWalk): void {
  const urls = types.flatMap((type) => type.profiles);
  if (urls.length === 0 || types.some((type) => type.profiles.length === 0) || !isObject(item.value)) return;
  const value = item.value;
  const loaded = urls.flatMap((url) => walk.profiles.find(url) ?? []);
  const [only] = loaded;
  if (loaded.length < urls.length) {
    if (item.code !== 'Extension' || loaded.length > 0) return;
    report(walk, 'not-supported', `The profile ${urls[0]} is not loaded`, undefined, 'information');
    return;
  }
  if (loaded.length === 1 && only !== undefined) checkAgainst(only, value, walk);
  else if (
    !loaded.some((profile) => conforms(walk, { ...item, path: [] }, (scratch) => checkAgainst(profile, value, scratch)))
  ) {
    report(walk, 'structure', 'Follows none of the profiles that the element may have');
  }
}
