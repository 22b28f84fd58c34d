import { membershipOf } from './bindings.ts';
import { hasPattern, type Item, isEqual, itemsOf, typeOfItem } from './element-items.ts';
import type { ProfileElement, Slicing } from './profile-rules.ts';
import { conforms, type ProfileWalk, spend } from './profile-walk.ts';
import { referenceTarget } from './references.ts';
import { isObject, type Node, report } from './walk.ts';

/**
 * Sorts the values of a sliced element into its slices (R4 §5.1.0.14) and holds each slice against what the profile
 * asks of it. The walk stands in the parent.
 */
export function checkSlices(element: ProfileElement, items: readonly Item[], walk: ProfileWalk): void {
  const slicing = element.slicing ?? DEFAULT_SLICING;
  const members = new Map<ProfileElement, Item[]>(element.slices.map((slice) => [slice, []]));
  let latest = -1;
  let hasRest = false;
  for (const item of items) {
    if (!spend(walk)) return;
    const at = element.slices.findIndex((slice) => isInSlice(item, slice, slicing, walk));
    const slice = element.slices[at];
    if (slice === undefined) {
      if (slicing.rules === 'closed') reportAt(walk, item, 'structure', 'In no slice of a closed list');
      hasRest = true;
      continue;
    }
    members.get(slice)?.push(item);
    if (slicing.rules === 'openAtEnd' && hasRest)
      reportAt(walk, item, 'structure', 'Slices come before what is in none');
    if (slicing.isOrdered && at < latest) reportAt(walk, item, 'structure', 'Slices are out of order');
    latest = Math.max(latest, at);
  }
  for (const [slice, found] of members) {
    if (walk.sink.isFull) return;
    walk.checkItems(slice, found, walk);
  }
}

/** What holds where a snapshot has slices and no slicing: extensions by their url. */
const DEFAULT_SLICING: Slicing = { discriminators: [{ type: 'value', path: 'url' }], rules: 'open', isOrdered: false };

function reportAt(walk: ProfileWalk, item: Item, code: 'structure', text: string): void {
  walk.path.push(...item.path);
  report(walk, code, text);
  walk.path.length -= item.path.length;
}

function isInSlice(item: Item, slice: ProfileElement, slicing: Slicing, walk: ProfileWalk): boolean {
  // Without discriminators a slice holds what conforms to it.
  if (slicing.discriminators.length === 0)
    return conforms(walk, item, (scratch) => walk.checkItems(counted(slice), [item], scratch));
  return slicing.discriminators.every(({ type, path }) => meets(item, slice, type, path, walk));
}

/** The slice without its own cardinality, which is about all of its members. */
function counted(slice: ProfileElement): ProfileElement {
  return { ...slice, min: 0, max: Number.POSITIVE_INFINITY };
}

/** A place below the slice's elements, on both sides: what the profile says there, and what the resource has there. */
interface Place {
  readonly items: readonly Item[];
  /** Rules of the profile at the place; several where a nested profile says more. */
  readonly rules: readonly ProfileElement[];
}

function meets(item: Item, slice: ProfileElement, type: string, path: string, walk: ProfileWalk): boolean {
  const extensionUrl = path === 'url' && item.code === 'Extension' ? urlOfSlice(slice, walk) : undefined;
  if (extensionUrl !== undefined) return isObject(item.value) && item.value.url === extensionUrl;
  const place = placeAt({ items: [item], rules: [slice] }, path, walk);
  switch (type) {
    case 'exists': {
      const isWanted = place.rules.some(({ min }) => min > 0);
      const isForbidden = place.rules.some(({ max }) => max === 0);
      if (isForbidden) return place.items.length === 0;
      return !isWanted || place.items.length > 0;
    }
    case 'type':
      return place.items.some((one) => isOfType(one, place.rules, walk));
    case 'profile':
      return place.items.some((one) => isOfProfile(one, place.rules, walk));
    default:
      return place.items.some((one) => place.rules.every((rule) => hasValueOf(one, rule, walk)));
  }
}

/** An extension's slice is told by the url of the one profile that its type names. */
function urlOfSlice(slice: ProfileElement, walk: ProfileWalk): string | undefined {
  const fixed = slice.children.find(({ name }) => name === 'url')?.fixed;
  if (typeof fixed === 'string') return fixed;
  const profile = slice.types?.[0]?.profiles[0];
  if (profile === undefined) return undefined;
  const nested = walk.profiles.find(profile)?.root.children.find(({ name }) => name === 'url')?.fixed;
  return typeof nested === 'string' ? nested : profile.split('|')[0];
}

/** `$this`, element names joined by dots, `extension('url')`, `ofType(T)`, `resolve()` (R4's restricted FHIRPath). */
function placeAt(start: Place, path: string, walk: ProfileWalk): Place {
  let place = start;
  for (const step of path.match(/extension\('[^']*'\)|ofType\(\w+\)|resolve\(\)|[^.]+/g) ?? []) {
    if (step === '$this') continue;
    const extension = /^extension\('([^']*)'\)$/.exec(step)?.[1];
    const ofType = /^ofType\((\w+)\)$/.exec(step)?.[1];
    if (extension !== undefined) place = extensionAt(place, extension, walk);
    else if (ofType !== undefined) place = { ...place, items: place.items.filter(({ code }) => code === ofType) };
    else if (step !== 'resolve()') place = memberAt(place, step, walk);
  }
  return place;
}

function memberAt({ items, rules }: Place, step: string, walk: ProfileWalk): Place {
  const names = [step, `${step}[x]`];
  return {
    items: items.flatMap((item) => {
      const type = typeOfItem(item, walk.rules.resource);
      return type === undefined ? [] : names.flatMap((name) => itemsOf(item.value ?? item.extended, type, name));
    }),
    rules: rules.flatMap((rule) =>
      [...rule.children, ...nestedRoots(rule, walk).flatMap(({ children }) => children)].filter(({ name }) =>
        names.includes(name),
      ),
    ),
  };
}

function extensionAt(place: Place, url: string, walk: ProfileWalk): Place {
  const { items, rules } = memberAt(place, 'extension', walk);
  return {
    items: items.filter(({ value }) => isObject(value) && value.url === url),
    rules: rules.flatMap((rule) => rule.slices.filter((slice) => urlOfSlice(slice, walk) === url)),
  };
}

function nestedRoots({ types = [] }: ProfileElement, walk: ProfileWalk): ProfileElement[] {
  return types.flatMap(({ profiles }) =>
    profiles.length === 1 ? (walk.profiles.find(profiles[0] as string)?.root ?? []) : [],
  );
}

function isOfType(item: Item, rules: readonly ProfileElement[], walk: ProfileWalk): boolean {
  const types = rules.flatMap((rule) => rule.types ?? []);
  if (item.code === 'Reference' && isObject(item.value)) {
    const target = referenceTarget(item.value, walk);
    const wanted = types.flatMap(({ targets }) => targets.map((url) => walk.profiles.typeOf(url)));
    if (target.kind === 'known' && wanted.length > 0) return wanted.includes(target.type);
  }
  const code = item.code === 'Resource' && isObject(item.value) ? item.value.resourceType : item.code;
  return types.length === 0 || types.some((one) => one.code === code);
}

function isOfProfile(item: Item, rules: readonly ProfileElement[], walk: ProfileWalk): boolean {
  const types = rules.flatMap((rule) => rule.types ?? []);
  let value: unknown = item.value;
  let urls = types.flatMap(({ profiles }) => profiles);
  if (item.code === 'Reference' && isObject(value)) {
    const target = referenceTarget(value, walk);
    urls = types.flatMap(({ targets }) => targets);
    if (target.kind !== 'known' || target.resource === undefined) return isOfType(item, rules, walk);
    value = target.resource;
  }
  return urls.some((url) => {
    const profile = walk.profiles.find(url);
    if (profile === undefined || !isObject(value)) return false;
    const node = value;
    return conforms(walk, item, (scratch) => walk.checkAgainst(profile, node, scratch));
  });
}

/** Whether a value has what the profile says of it at a discriminator: fixed, pattern, codes, or any of these below. */
function hasValueOf(item: Item, rule: ProfileElement, walk: ProfileWalk): boolean {
  const value: unknown = item.value;
  if (rule.fixed !== undefined) return isEqual(value, rule.fixed);
  if (rule.pattern !== undefined) return hasPattern(value, rule.pattern);
  if (rule.binding?.strength === 'required') {
    return membershipOf(value, item.code, rule.binding.valueSet, 'required', walk) !== 'absent';
  }
  const below = [...rule.children, ...rule.slices.filter(({ min }) => min > 0).flatMap(({ children }) => children)];
  const type = typeOfItem(item, walk.rules.resource);
  if (type === undefined) return below.length === 0;
  return below.every((child) => {
    const items = itemsOf(value as Node, type, child.name);
    if (items.length === 0) return child.min === 0;
    return items.some((one) => hasValueOf(one, child, walk));
  });
}
