import { DAY_MS, type PlainResource, type PlainVersion } from './policy-parity-store.ts';

/** What one user may see: versions in the order of writing, and of them the current, undeleted ones. */
export interface World {
  readonly versions: readonly PlainVersion[];
  /** By `Type/id`, in the order in which resources were first written. */
  readonly current: ReadonlyMap<string, PlainVersion>;
}

/**
 * What is left of a store when every version that may not be seen is taken out. The newest version of each resource
 * is current or nothing is: an older one that may be seen does not take its place.
 */
export function visibleWorld(all: readonly PlainVersion[], maySee: (version: PlainVersion) => boolean): World {
  const newest = new Map<string, PlainVersion>();
  for (const version of all) newest.set(nameOf(version), version);
  const seen = new Map([...newest].filter(([, version]) => version.resource !== undefined && maySee(version)));
  return { versions: all.filter(maySee), current: seen };
}

export function nameOf({ type, id }: Pick<PlainVersion, 'type' | 'id'>): string {
  return `${type}/${id}`;
}

/** Names and values of a search, as its URL has them. */
export type Parameters = readonly (readonly [name: string, value: string])[];

type Coding = { readonly system?: string; readonly code?: string };
/** A date as the number of its day, a point in time as milliseconds. */
type Extract =
  | { readonly kind: 'token'; readonly of: (resource: PlainResource) => readonly Coding[] }
  | { readonly kind: 'string'; readonly of: (resource: PlainResource) => readonly string[] }
  | { readonly kind: 'date'; readonly of: (resource: PlainResource) => readonly number[]; readonly isInstant?: true }
  | { readonly kind: 'reference'; readonly of: (resource: PlainResource) => readonly string[]; readonly to?: string };

function at(resource: unknown, path: string): readonly unknown[] {
  let values: unknown[] = [resource];
  for (const name of path.split('.'))
    values = values.flatMap((value) => (value as Record<string, unknown>)?.[name] ?? []);
  return values;
}

const token = (path: string): Extract => ({
  kind: 'token',
  of: (resource) =>
    at(resource, path).map((value) =>
      typeof value === 'string'
        ? { code: value }
        : {
            system: (value as Coding).system as string,
            code: (value as Coding & { value?: string }).code ?? (value as { value: string }).value,
          },
    ),
});
const text = (path: string): Extract => ({ kind: 'string', of: (resource) => at(resource, path) as string[] });
const date = (path: string): Extract => ({
  kind: 'date',
  of: (resource) => at(resource, path).map((value) => Date.parse(value as string) / DAY_MS),
});
const reference = (path: string, to?: string): Extract => ({
  kind: 'reference',
  of: (resource) =>
    (at(resource, `${path}.reference`) as string[]).filter((value) => to === undefined || value.startsWith(`${to}/`)),
  ...(to === undefined ? {} : { to }),
});

const EVERY: Readonly<Record<string, Extract>> = {
  _id: token('id'),
  _security: token('meta.security'),
  _lastUpdated: { kind: 'date', of: (resource) => at(resource, 'meta.lastUpdated') as number[], isInstant: true },
};

/** The parameters that are asked for, each with where its values stand. */
export const PARAMETERS: Readonly<Record<string, Readonly<Record<string, Extract>>>> = {
  Organization: { ...EVERY, name: text('name'), partof: reference('partOf', 'Organization') },
  Practitioner: { ...EVERY, family: text('name.family'), identifier: token('identifier') },
  Patient: {
    ...EVERY,
    family: text('name.family'),
    gender: token('gender'),
    birthdate: date('birthDate'),
    identifier: token('identifier'),
    'general-practitioner': reference('generalPractitioner'),
    organization: reference('managingOrganization', 'Organization'),
  },
  Encounter: {
    ...EVERY,
    status: token('status'),
    subject: reference('subject'),
    patient: reference('subject', 'Patient'),
    'part-of': reference('partOf', 'Encounter'),
    'service-provider': reference('serviceProvider', 'Organization'),
  },
  Condition: {
    ...EVERY,
    code: token('code.coding'),
    subject: reference('subject'),
    patient: reference('subject', 'Patient'),
    encounter: reference('encounter', 'Encounter'),
    'recorded-date': date('recordedDate'),
  },
  Observation: {
    ...EVERY,
    code: token('code.coding'),
    status: token('status'),
    category: token('category.coding'),
    date: date('effectiveDateTime'),
    subject: reference('subject'),
    patient: reference('subject', 'Patient'),
    encounter: reference('encounter', 'Encounter'),
    performer: reference('performer'),
    'derived-from': reference('derivedFrom'),
  },
  MedicationRequest: {
    ...EVERY,
    status: token('status'),
    code: token('medicationCodeableConcept.coding'),
    authoredon: date('authoredOn'),
    subject: reference('subject'),
    patient: reference('subject', 'Patient'),
    encounter: reference('encounter', 'Encounter'),
    requester: reference('requester'),
  },
};

export function extractOf(type: string, name: string): Extract {
  const extract = PARAMETERS[type]?.[name];
  if (extract === undefined) throw new Error(`the naive search does not know ${type}.${name}`);
  return extract;
}

/** Versions that a chain or `_has` goes through from one match, from near to far; one of several ways. */
export type Way = readonly PlainVersion[];

/**
 * The ways in which one parameter of a URL holds of a resource, looked up the long way: none when it does not hold, and
 * one without versions when the resource alone decides.
 */
export function waysOf(world: World, version: PlainVersion, name: string, value: string): readonly Way[] {
  const has = /^_has:(\w+):([\w-]+):(.+)$/.exec(name);
  if (has !== null) {
    const [, type = '', by = '', rest = ''] = has;
    const from = ofType(world, type).filter((one) => referencesOf(one, by).includes(nameOf(version)));
    return through(world, from, rest, value);
  }
  const dot = name.indexOf('.');
  if (dot !== -1) {
    const [first = '', modifier] = name.slice(0, dot).split(':');
    const to = referencesOf(version, first).flatMap((target) => world.current.get(target) ?? []);
    const meant = to.filter((one) => modifier === undefined || one.type === modifier);
    return through(world, meant, name.slice(dot + 1), value);
  }
  const [code = '', modifier = ''] = name.split(':');
  const extract = extractOf(version.type, code);
  const resource = version.resource as PlainResource;
  if (modifier === 'missing') return ways((extract.of(resource).length === 0) === (value === 'true'));
  const isAny = value.split(',').some((one) => isOne(extract, resource, modifier, one));
  return ways(modifier === 'not' ? !isAny : isAny);
}

function ways(holds: boolean): readonly Way[] {
  return holds ? [[]] : [];
}

function through(world: World, next: readonly PlainVersion[], name: string, value: string): readonly Way[] {
  return next.flatMap((one) => waysOf(world, one, name, value).map((way) => [one, ...way]));
}

/** Everything that meets what stands behind a chain's dot or a `_has`, whether or not it leads to a match. */
export function candidatesOf(world: World, name: string, value: string): readonly PlainVersion[] {
  const rest =
    /^_has:\w+:[\w-]+:(.+)$/.exec(name)?.[1] ?? (name.includes('.') ? name.slice(name.indexOf('.') + 1) : undefined);
  if (rest === undefined) return [];
  const inner = [...world.current.values()].filter(
    (one) => isAskable(one.type, rest) && waysOf(world, one, rest, value).length > 0,
  );
  return [...inner, ...candidatesOf(world, rest, value)];
}

/** Whether resources of a type have the parameter that a chain goes on with. */
function isAskable(type: string, name: string): boolean {
  const has = /^_has:(\w+):/.exec(name);
  return has !== null || PARAMETERS[type]?.[name.split(/[.:]/)[0] as string] !== undefined;
}

function isOne(extract: Extract, resource: PlainResource, modifier: string, value: string): boolean {
  switch (extract.kind) {
    case 'token': {
      const [system, code] = value.includes('|') ? value.split('|') : [undefined, value];
      return extract
        .of(resource)
        .some((one) => (system === undefined || (one.system ?? '') === system) && (code === '' || one.code === code));
    }
    case 'string':
      return extract.of(resource).some((one) => {
        if (modifier === 'exact') return one === value;
        const [given, wanted] = [one.toLowerCase(), value.toLowerCase()];
        return modifier === 'contains' ? given.includes(wanted) : given.startsWith(wanted);
      });
    case 'reference':
      return extract
        .of(resource)
        .some(
          (one) =>
            one === value ||
            (!value.includes('/') &&
              one.split('/')[1] === value &&
              (modifier === '' || one.startsWith(`${modifier}/`))),
        );
    case 'date': {
      const [, prefix = 'eq', day = ''] = /^([a-z]{2})?(.*)$/.exec(value) ?? [];
      const wanted = Date.parse(day) / DAY_MS;
      return extract
        .of(resource)
        .some((one) =>
          compares(prefix === '' ? 'eq' : prefix, extract.isInstant ? Math.floor(one / DAY_MS) : one, wanted),
        );
    }
  }
}

/** Whole days on both sides, so that R4's rules about overlapping ranges come down to this. */
function compares(prefix: string, day: number, wanted: number): boolean {
  const rules: Readonly<Record<string, boolean>> = {
    ...{ eq: day === wanted, ne: day !== wanted, gt: day > wanted, sa: day > wanted },
    ...{ lt: day < wanted, eb: day < wanted, ge: day >= wanted, le: day <= wanted },
  };
  return rules[prefix] as boolean;
}

function ofType(world: World, type: string): PlainVersion[] {
  return [...world.current.values()].filter((one) => one.type === type);
}

function referencesOf(version: PlainVersion, name: string): readonly string[] {
  const extract = extractOf(version.type, name);
  if (extract.kind !== 'reference') throw new Error(`${version.type}.${name} is no reference`);
  return extract.of(version.resource as PlainResource);
}

const NO_CONDITION = /^_(?:sort|count|total|summary|elements|include|revinclude)(?::|$)/;

/** The parameters that select, without those about order, form and size of the answer. */
export function conditionsOf(parameters: Parameters): Parameters {
  return parameters.filter(([name]) => !NO_CONDITION.test(name));
}

/** All matches of a search, in order. */
export function naiveSearch(world: World, type: string, parameters: Parameters): PlainVersion[] {
  const conditions = conditionsOf(parameters);
  const matches = ofType(world, type).filter((one) =>
    conditions.every(([name, value]) => waysOf(world, one, name, value).length > 0),
  );
  const keys = (parameters.find(([name]) => name === '_sort')?.[1] ?? '').split(',').filter((key) => key !== '');
  // Sorting is stable: what is equal stays in the order of first writing.
  return matches.sort((a, b) => keys.map((key) => compareBy(key, a, b)).find((order) => order !== 0) ?? 0);
}

function compareBy(key: string, a: PlainVersion, b: PlainVersion): number {
  const isDown = key.startsWith('-');
  const name = isDown ? key.slice(1) : key;
  const [left, right] = [a, b].map((one) => {
    const extract = extractOf(one.type, name);
    const values = extract.of(one.resource as PlainResource) as readonly (string | number | Coding)[];
    const comparable = values.map((value) =>
      typeof value === 'string' ? value.toLowerCase() : typeof value === 'object' ? (value.code as string) : value,
    );
    return comparable.sort((x, y) => (x < y ? -1 : x > y ? 1 : 0)).at(isDown ? -1 : 0);
  });
  if (left === undefined || right === undefined) return left === right ? 0 : left === undefined ? 1 : -1;
  const order = left < right ? -1 : left > right ? 1 : 0;
  return isDown ? -order : order;
}

/** What includes add to a page's matches, by `Type/id`. */
export function naiveIncludes(
  world: World,
  type: string,
  matches: readonly PlainVersion[],
  parameters: readonly (readonly [string, string])[],
): Set<string> {
  const rules = parameters.flatMap(([name, value]) => {
    const form = /^_(rev)?include(:iterate)?$/.exec(name);
    if (form === null) return [];
    const [source = '', by = '*', target] = value.split(':');
    return [{ isReverse: form[1] !== undefined, isIterating: form[2] !== undefined, source, by, target }];
  });
  const known = new Set(matches.map(nameOf));
  const included = new Set<string>();
  for (let from = [...matches], round = 0; from.length > 0; round++) {
    const found: PlainVersion[] = [];
    for (const { isReverse, isIterating, source, by, target } of rules) {
      if (round > 0 && !isIterating) continue;
      const of = (one: PlainVersion) => referencesBy(one, by);
      const next = isReverse
        ? ofType(world, source).filter((one) =>
            from.some(
              (to) =>
                (target === undefined ? isIterating || to.type === type : to.type === target) &&
                of(one).includes(nameOf(to)),
            ),
          )
        : from
            .filter((one) => source === '*' || one.type === source)
            .flatMap((one) => of(one).flatMap((name) => world.current.get(name) ?? []))
            .filter((one) => target === undefined || one.type === target);
      for (const one of next) {
        if (known.has(nameOf(one))) continue;
        known.add(nameOf(one));
        included.add(nameOf(one));
        found.push(one);
      }
    }
    from = found;
  }
  return included;
}

function referencesBy(version: PlainVersion, by: string): readonly string[] {
  if (by !== '*') return referencesOf(version, by);
  return Object.values(PARAMETERS[version.type] ?? {}).flatMap((extract) =>
    extract.kind === 'reference' ? extract.of(version.resource as PlainResource) : [],
  );
}
