import type { ElementDefinition, StructureDefinition } from '@medplum/fhirtypes';
import type { ValidationIssue } from '../../src/fhir/profiles/validation-issue.ts';

/**
 * Faults put into valid resources, made from a profile's snapshot alone: nothing here knows how the validator works.
 */
export type Json = Record<string, unknown>;

/** A valid resource, and what in it a profile is about: itself, or an extension. */
export interface Host {
  readonly resource: Json;
  readonly rootOf: (resource: Json) => Json;
  /** FHIRPath of the root. */
  readonly path: string;
}

/** A resource for a profile of its type. */
export function resourceHost(resource: Json): Host {
  return { resource, rootOf: (same) => same, path: String(resource.resourceType) };
}

/** Extensions of a URL at the top of a resource. */
export function extensionHosts(resource: Json, url: string): Host[] {
  const extensions = Array.isArray(resource.extension) ? (resource.extension as Json[]) : [];
  return extensions.flatMap((extension, at) =>
    extension.url === url
      ? [
          {
            resource,
            rootOf: (copy) => (copy.extension as Json[])[at] as Json,
            path: `${String(resource.resourceType)}.extension[${at}]`,
          },
        ]
      : [],
  );
}

/** Where an element stands in a resource: the object that holds it, under which name, and FHIRPath of the object. */
interface Found {
  readonly parent: Json;
  readonly key: string;
  readonly index?: number;
  readonly parentPath: string;
  /** FHIRPath of the value itself. */
  readonly path: string;
}

/** Values at an element path, by names alone: this knows nothing of how the validator walks. */
function find(root: Json, rootPath: string, names: readonly string[]): Found[] {
  const [name, ...rest] = names;
  if (name === undefined) return [];
  const stem = name.replace('[x]', '');
  const keys = Object.keys(root).filter((key) =>
    name.endsWith('[x]') ? new RegExp(`^${stem}[A-Z]`).test(key) : key === name,
  );
  return keys.flatMap((key) => {
    const place = name.endsWith('[x]')
      ? `${rootPath}.${stem}.ofType(${typeNamed(key.slice(stem.length))})`
      : `${rootPath}.${stem}`;
    const value = root[key];
    const items = Array.isArray(value) ? value : [value];
    return items.flatMap((item, at): Found[] => {
      const path = Array.isArray(value) ? `${place}[${at}]` : place;
      if (rest.length === 0) {
        return [{ parent: root, key, ...(Array.isArray(value) ? { index: at } : {}), parentPath: rootPath, path }];
      }
      return typeof item === 'object' && item !== null ? find(item as Json, path, rest) : [];
    });
  });
}

const PRIMITIVES = [
  'boolean',
  'integer',
  'string',
  'decimal',
  'uri',
  'code',
  'date',
  'dateTime',
  'instant',
  'time',
  'canonical',
  'url',
];
function typeNamed(capital: string): string {
  return PRIMITIVES.find((type) => type.toLowerCase() === capital.toLowerCase()) ?? capital;
}

/** A fault of one kind, put into a copy of a valid example: what must be said, and where. */
export interface Seed {
  readonly kind: string;
  readonly resource: Json;
  readonly path: string;
  readonly code: ValidationIssue['code'];
}

/** Faults that apply to an element of a profile in an example. */
export function* elementSeeds(element: ElementDefinition, host: Host): Generator<Seed> {
  const [, ...names] = (element.path ?? '').split('.');
  // An extension with another url is another extension, and no fault.
  if (names.length === 0 || (element.id ?? '').includes(':') || element.path === 'Extension.url') return;
  const spoil = (change: (found: Found) => void): { resource: Json; found: Found } | undefined => {
    const resource = structuredClone(host.resource);
    const [found] = find(host.rootOf(resource), host.path, names);
    if (found === undefined) return undefined;
    change(found);
    return { resource, found };
  };
  const stem = (names.at(-1) as string).replace('[x]', '');
  if ((element.min ?? 0) > 0) {
    const made = spoil(({ parent, key }) => {
      delete parent[key];
      delete parent[`_${key}`];
    });
    if (made !== undefined && Object.keys(made.found.parent).length > 0) {
      yield { kind: 'missing', resource: made.resource, path: `${made.found.parentPath}.${stem}`, code: 'required' };
    }
  }
  if (element.max === '1') {
    const made = spoil(({ parent, key }) => {
      const value = parent[key];
      parent[key] = Array.isArray(value) ? [...value, ...value] : [value, value];
    });
    if (made !== undefined) {
      const { parentPath, index, path } = made.found;
      yield {
        kind: 'too many',
        resource: made.resource,
        path: index === undefined ? path : `${parentPath}.${stem}`,
        code: 'structure',
      };
    }
  }
  if (Object.keys(element).some((key) => /^(?:fixed|pattern)[A-Z]/.test(key))) {
    const made = spoil((found) => put(found, typeof valueAt(found) === 'string' ? 'other' : { text: 'other' }));
    if (made !== undefined)
      yield { kind: 'fixed or pattern', resource: made.resource, path: made.found.path, code: 'value' };
  }
  if (element.binding?.strength === 'required') yield* outsideBinding(element, spoil);
  const targets = (element.type ?? []).flatMap(({ code, targetProfile = [] }) =>
    code === 'Reference' ? targetProfile : [],
  );
  if (targets.length > 0 && !targets.some((url) => url.endsWith('/Resource'))) {
    const made = spoil((found) => {
      if (typeof valueAt(found) === 'object') put(found, { reference: 'Basic/other' });
    });
    if (made !== undefined && typeof valueAt(made.found) === 'object')
      yield { kind: 'reference', resource: made.resource, path: `${made.found.path}.reference`, code: 'structure' };
  }
  if ((names.at(-1) as string).endsWith('[x]')) {
    const made = spoil(({ parent }) => {
      for (const other of ['String', 'Boolean', 'DateTime', 'Reference']) {
        const key = stem + other;
        if (parent[key] !== undefined || (element.base?.path ?? '') === '') continue;
        if (!ofBase(element, other)) continue;
        parent[key] =
          other === 'Boolean' ? true : other === 'DateTime' ? '2020' : other === 'Reference' ? { display: 'x' } : 'x';
        return;
      }
    });
    if (
      made !== undefined &&
      Object.keys(made.found.parent).filter((key) => new RegExp(`^${stem}[A-Z]`).test(key)).length > 1
    ) {
      yield {
        kind: 'double choice',
        resource: made.resource,
        path: `${made.found.parentPath}.${stem}`,
        code: 'structure',
      };
    }
  }
}

/** Types that R4 has for the choices of US Core, where they are more than the profile names. */
function ofBase({ base, type = [] }: ElementDefinition, other: string): boolean {
  if (type.some(({ code }) => code?.toLowerCase() === other.toLowerCase())) return true;
  return /^(?:Observation|Extension)\..*value\[x\]$/.test(base?.path ?? '') && other !== 'Reference';
}

function* outsideBinding(
  { type = [], binding }: ElementDefinition,
  spoil: (change: (found: Found) => void) => { resource: Json; found: Found } | undefined,
): Generator<Seed> {
  const code = type[0]?.code;
  const wrong = 'no-such-code';
  const made = spoil((found) => {
    const value = valueAt(found);
    if (code === 'code') put(found, wrong);
    else if (code === 'CodeableConcept') {
      const [coding] = ((value as Json).coding as Json[] | undefined) ?? [];
      put(found, { coding: [{ ...(coding ?? {}), code: wrong }] });
    } else if (code === 'Coding') put(found, { ...(value as Json), code: wrong });
  });
  if (made === undefined || (code !== 'code' && code !== 'CodeableConcept' && code !== 'Coding')) return;
  yield { kind: `binding ${binding?.valueSet}`, resource: made.resource, path: made.found.path, code: 'code-invalid' };
}

function valueAt({ parent, key, index }: Found): unknown {
  return index === undefined ? parent[key] : (parent[key] as unknown[])[index];
}

function put({ parent, key, index }: Found, value: unknown): void {
  if (index === undefined) parent[key] = value;
  else (parent[key] as unknown[])[index] = value;
}

/** Faults in slices: a required one is emptied; a value of a closed list, or an extension, is of no slice or wrong type. */
export function* sliceSeeds(profile: StructureDefinition, host: Host): Generator<Seed> {
  for (const slice of profile.snapshot?.element ?? []) {
    const names = (slice.path ?? '').split('.').slice(1);
    if (slice.sliceName === undefined || (slice.id ?? '').split(':').length > 2) continue;
    const sliced = profile.snapshot?.element.find(({ path, slicing }) => path === slice.path && slicing !== undefined);
    const [discriminator] = sliced?.slicing?.discriminator ?? [];
    const resource = structuredClone(host.resource);
    const [found] = find(host.rootOf(resource), host.path, names);
    if (found === undefined) continue;
    const stem = (names.at(-1) as string).replace('[x]', '');
    if ((slice.min ?? 0) > 0 && discriminator?.type !== 'type') {
      // Values that are of no slice stand in for all that are there.
      found.parent[found.key] = [
        slice.path?.endsWith('extension')
          ? { url: 'http://other.example', valueCode: 'x' }
          : otherValue(valueAt(found)),
      ];
      yield { kind: 'wrong slice', resource, path: `${found.parentPath}.${stem}`, code: 'required' };
    }
    if (discriminator?.type === 'type' && sliced?.slicing?.rules === 'closed') {
      // A type that R4 allows there and the profile does not.
      const [type, value] = OTHER_TYPES[slice.base?.path ?? ''] ?? ['integer', 7];
      delete found.parent[found.key];
      found.parent[stem + type.charAt(0).toUpperCase() + type.slice(1)] = value;
      yield { kind: 'wrong slice', resource, path: `${found.parentPath}.${stem}.ofType(${type})`, code: 'structure' };
    }
  }
}

const OTHER_TYPES: Readonly<Record<string, readonly [type: string, value: unknown]>> = {
  'Observation.effective[x]': ['instant', '2020-01-01T00:00:00Z'],
};

function otherValue(value: unknown): unknown {
  if (typeof value === 'string') return 'other';
  const object = value as Json;
  if (object.code !== undefined)
    return { ...object, code: { coding: [{ system: 'http://other.example', code: 'other' }] } };
  if (object.type !== undefined)
    return { ...object, type: { coding: [{ system: 'http://other.example', code: 'other' }] } };
  return { coding: [{ system: 'http://other.example', code: 'other' }] };
}

/** Faults that any resource can have. */
export function* commonSeeds(type: string, example: Json): Generator<Seed> {
  yield { kind: 'bad id', resource: { ...structuredClone(example), id: 'no_id' }, path: `${type}.id`, code: 'value' };
  yield {
    kind: 'empty array',
    resource: { ...structuredClone(example), extension: [] },
    path: `${type}.extension`,
    code: 'structure',
  };
  yield {
    kind: 'empty text',
    resource: { ...structuredClone(example), language: '' },
    path: `${type}.language`,
    code: 'structure',
  };
  yield {
    kind: 'invariant',
    resource: {
      ...structuredClone(example),
      contained: [
        { resourceType: 'Basic', id: 'b', meta: { versionId: '1' }, code: { text: 'x' }, subject: { reference: '#' } },
      ],
    },
    path: type,
    code: 'invariant',
  };
}

/** Stands at `value[x]` and asks about its own `value`, so that it holds of everything. */
export const VACUOUS = new Set(['us-core-3']);

/** How to break each invariant that US Core adds: gives FHIRPath below the resource, or undefined where it cannot be. */
export const BREAKERS: Readonly<Record<string, (resource: Json) => string | undefined>> = {
  'us-core-1': (r) => set(r, 'effectiveDateTime', '2020-01', '.effective.ofType(dateTime)'),
  'vs-1': (r) => set(r, 'effectiveDateTime', '2020', '.effective.ofType(dateTime)'),
  'us-core-2': (r) => drop(r, /^value|^dataAbsent|^component|^hasMember/, ''),
  'vs-2': (r) => drop(r, /^value|^dataAbsent|^component|^hasMember/, ''),
  'vs-3': (r) => {
    const [first] = (r.component as Json[] | undefined) ?? [];
    return first === undefined ? undefined : drop(first, /^value|^dataAbsent/, '.component[0]');
  },
  'us-core-6': (r) => {
    if (r.resourceType === 'Patient') return set(r, 'name', [{ text: 'x' }], '.name[0]');
    return set(
      r,
      'content',
      [{ ...((r.content as Json[])[0] as Json), attachment: { contentType: 'text/plain' } }],
      '.content[0].attachment',
    );
  },
  'us-core-7': (r) => (r.status === 'completed' ? drop(r, /^performed/, '') : undefined),
  'us-core-8': (r) => drop(r, /^effective/, ''),
  'us-core-9': (r) => drop(r, /^issued/, ''),
  'us-core-10': (r) => drop(r, /^effective/, ''),
  'us-core-13': (r) => drop(r, /^(?:practitioner|organization|healthcareService|location)$/, ''),
  'pd-1': (r) => drop(r, /^(?:telecom|endpoint)$/, ''),
  'us-core-14': (r) => drop(r, /^(?:name|relationship)$/, ''),
  'us-core-15': (r) => drop(r, /^(?:identifier|subscriberId)$/, ''),
  'us-core-16': (r) => npi(r, '12345'),
  'us-core-17': (r) => npi(r, '1234567890'),
  'us-core-18': (r) => identify(r, 'urn:oid:2.16.840.1.113883.4.7', 'x'),
  'us-core-19': (r) => identify(r, 'urn:oid:2.16.840.1.113883.6.300', 'x'),
  'us-core-20': (r) => drop(Object.assign(r, { status: 'completed' }), /^whenHandedOver$/, ''),
  'us-core-21': (r) => drop(Object.assign(r, { intent: 'order' }), /^requester$/, ''),
  'provenance-1': (r) => {
    const [first] = r.agent as Json[];
    (first as Json).who = { reference: 'Practitioner/x' };
    return drop(first as Json, /^onBehalfOf$/, '.agent[0]');
  },
  'sdcqr-2': (r) =>
    set(
      r,
      'item',
      [1, 2].map(() => ({ linkId: 'a', answer: [{ valueString: 'x' }] })),
      '',
    ),
};

function set(resource: Json, name: string, value: unknown, path: string): string | undefined {
  if (value === undefined) delete resource[name];
  else resource[name] = value;
  return path;
}

function drop(resource: Json, names: RegExp, path: string): string {
  for (const name of Object.keys(resource)) if (names.test(name)) delete resource[name];
  return path;
}

const npi = (r: Json, value: string): string | undefined => identify(r, 'http://hl7.org/fhir/sid/us-npi', value);
const identify = (r: Json, system: string, value: string): string | undefined =>
  set(r, 'identifier', [{ system, value }], '.identifier[0]');
