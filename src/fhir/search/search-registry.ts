import {
  type CompactDefinitions,
  type CompactSearchParameter,
  EVERY_TYPE,
  parameterDefinition,
} from '../definitions/definitions.ts';
import type { ParsedResource } from '../patient-account.ts';
import { type CompiledExpression, compileExpression, type Found, type Leaf } from './compile-expression.ts';
import { type IndexedAs, sharedEntries } from './shared-entries.ts';

export type SearchKind =
  | 'number'
  | 'date'
  | 'string'
  | 'token'
  | 'reference'
  | 'composite'
  | 'quantity'
  | 'uri'
  | 'special';

/** A part of a composite: how it is compared, and where it stands in an element of the composite. */
export interface SearchComponent {
  readonly parameter: SearchParameter;
  find(element: Found, resource: ParsedResource): readonly Found[];
}

/** A search parameter of one resource type, ready for use. */
export interface SearchParameter {
  readonly code: string;
  readonly kind: SearchKind;
  /** Canonical URL of its SearchParameter. */
  readonly definition: string;
  /** Types that a reference may lead to, or any. */
  readonly targets: readonly string[] | typeof EVERY_TYPE;
  /** Types of what it finds; undefined when these are not known beforehand. */
  readonly leaves?: readonly Leaf[];
  readonly components: readonly SearchComponent[];
  /** Where the index has its entries: under its own code, or under those of others that find the same. */
  readonly indexed: IndexedAs;
  find(resource: ParsedResource): readonly Found[];
}

/** All search parameters by type: R4's, and those of loaded packages. */
export interface SearchRegistry {
  readonly definitions: CompactDefinitions;
  /** Parameters of a type by code, with those of all types; undefined for no type of this server. */
  ofType(type: string): ReadonlyMap<string, SearchParameter> | undefined;
}

/** Parameters beside R4's: by type (`Resource` for all) and code. `compiled` when the subset was not enough. */
export interface AddedParameter extends CompactSearchParameter {
  readonly url: string;
  readonly compiled?: CompiledExpression;
}

export type AddedParameters = ReadonlyMap<string, ReadonlyMap<string, AddedParameter>>;

const R4_URL = 'http://hl7.org/fhir/SearchParameter/';
const NOTHING: readonly Found[] = [];

/** A registry of R4's parameters and `added`, which have codes of their own. A type is compiled when it is first asked for. */
export function createSearchRegistry(
  definitions: CompactDefinitions,
  added: AddedParameters = new Map(),
): SearchRegistry {
  const types = new Map<string, ReadonlyMap<string, SearchParameter>>();
  return {
    definitions,
    ofType(type) {
      const known = types.get(type);
      if (known !== undefined) return known;
      if (!Object.hasOwn(definitions.resources, type)) return undefined;
      const made = parametersOf(type, definitions, added);
      types.set(type, made);
      return made;
    },
  };
}

function parametersOf(
  type: string,
  definitions: CompactDefinitions,
  added: AddedParameters,
): ReadonlyMap<string, SearchParameter> {
  const bases = ['Resource', type];
  const own = bases.map((base) => [base, Object.entries(definitions.searchParameters[base] ?? {})] as const);
  const others = bases.map((base) => [base, [...(added.get(base) ?? [])]] as const);
  // R4's come first, so that what a package adds never moves their entries.
  const all: readonly (readonly [string, readonly (readonly [string, CompactSearchParameter | AddedParameter])[]])[] = [
    ...own,
    ...others,
  ];
  const shared = sharedEntries(
    all.flatMap(([, ones]) =>
      ones.flatMap(([code, { t: kind, e: expression, g: targets }]) =>
        kind === 'composite' || kind === 'special'
          ? []
          : [{ code, kind, expression, ...(targets === undefined ? {} : { targets }) }],
      ),
    ),
  );
  const out = new Map<string, SearchParameter>();
  const composites: [string, CompactSearchParameter | AddedParameter, string][] = [];
  for (const [base, ones] of all) {
    for (const [code, compact] of ones) {
      if (compact.t === 'composite') composites.push([code, compact, base]);
      else out.set(code, parameterOf(code, compact, { type, base, definitions, components: [], shared }));
    }
  }
  for (const [code, compact, base] of composites) {
    const components = (compact.c ?? []).flatMap(([part, expression]) => {
      const parameter = out.get(part);
      if (parameter === undefined) return [];
      return [{ parameter, find: componentFinder(expression, type, definitions) }];
    });
    // With a component missing it would find too much.
    if (components.length !== compact.c?.length) continue;
    out.set(code, parameterOf(code, compact, { type, base, definitions, components, shared }));
  }
  return out;
}

function parameterOf(
  code: string,
  compact: CompactSearchParameter | AddedParameter,
  {
    type,
    base,
    definitions,
    components,
    shared,
  }: {
    readonly type: string;
    readonly base: string;
    readonly definitions: CompactDefinitions;
    readonly components: readonly SearchComponent[];
    readonly shared: ReadonlyMap<string, IndexedAs>;
  },
): SearchParameter {
  const compiled =
    ('compiled' in compact ? compact.compiled : undefined) ??
    (compact.e === '' ? undefined : compileExpression(definitions, compact.e, type, type));
  return {
    code,
    kind: compact.t as SearchKind,
    definition: 'url' in compact ? compact.url : R4_URL + (compact.d ?? parameterDefinition(base, code)),
    targets: compact.g ?? (compact.t === 'reference' ? EVERY_TYPE : []),
    ...(compiled?.leaves === undefined ? {} : { leaves: compiled.leaves }),
    components,
    indexed: shared.get(code) ?? { names: [code] },
    find: compiled === undefined ? () => NOTHING : finder(compiled, compact.g),
  };
}

/** A document's or message's first entry counts as a reference to itself, when it is of a type that is meant. */
function finder(compiled: CompiledExpression, targets: CompactSearchParameter['g']): SearchParameter['find'] {
  const isInline = compiled.leaves?.some(({ type }) => type === 'Resource') === true;
  if (!isInline || !Array.isArray(targets)) return (resource) => compiled.find(resource, resource);
  return (resource) =>
    compiled
      .find(resource, resource)
      .filter(
        ({ value, leaf }) => leaf.type !== 'Resource' || targets.includes((value as ParsedResource).resourceType),
      );
}

/** A component's expression is compiled for each type of element that the composite looks at. */
function componentFinder(
  expression: string,
  resourceType: string,
  definitions: CompactDefinitions,
): SearchComponent['find'] {
  const byType = new Map<string, CompiledExpression | undefined>();
  return ({ value, leaf: { type } }, resource) => {
    if (!byType.has(type)) byType.set(type, compileExpression(definitions, expression, type, resourceType));
    return byType.get(type)?.find(value, resource) ?? NOTHING;
  };
}

/** Types that `parameter` may lead to. */
export function targetTypes({ definitions }: SearchRegistry, parameter: SearchParameter): readonly string[] {
  return parameter.targets === EVERY_TYPE ? Object.keys(definitions.resources) : parameter.targets;
}

/** Whether `parameter` finds References, which are followed by chains and `_include`; a canonical URL is not. */
export function isFollowed(parameter: SearchParameter): boolean {
  return (
    parameter.kind === 'reference' &&
    (parameter.leaves === undefined || parameter.leaves.some(({ type }) => type === 'Reference' || type === 'Resource'))
  );
}
