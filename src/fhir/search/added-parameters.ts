import { type CompactDefinitions, EVERY_TYPE, parameterDefinition } from '../definitions/definitions.ts';
import { ownExpression } from '../definitions/own-expression.ts';
import { type CompiledExpression, compileExpression } from './compile-expression.ts';
import { compileWithPackage } from './package-expression.ts';
import { type AddedParameter, createSearchRegistry, type SearchRegistry } from './search-registry.ts';

/** A SearchParameter of a package, as far as it is read; anything may be missing. */
export interface GivenSearchParameter {
  readonly url?: unknown;
  readonly code?: unknown;
  readonly type?: unknown;
  readonly base?: unknown;
  readonly expression?: unknown;
  readonly target?: unknown;
  readonly component?: unknown;
}

/** A definition that was not taken, and why, for the operator who loads the package. */
export interface RefusedParameter {
  readonly url: string;
  readonly base?: string;
  readonly reason: string;
}

export interface ExtendedRegistry {
  readonly registry: SearchRegistry;
  readonly refused: readonly RefusedParameter[];
}

const KINDS = new Set(['number', 'date', 'string', 'token', 'reference', 'composite', 'quantity', 'uri']);
const CODE = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/;
const MAX_CHARS = 4096;
const R4_URL = 'http://hl7.org/fhir/SearchParameter/';

/**
 * A registry of R4's parameters and those of packages (all of them at once: what was added to another registry is not
 * in this one). Where R4 has a parameter of the same code and type, R4's stays: packages such as US Core repeat those
 * of R4. What was written before is found by an added parameter once it is indexed anew. Expressions beyond the subset
 * that R4 uses are evaluated by the `fhirpath` package, which is loaded then; those it cannot either are refused.
 */
export async function withSearchParameters(
  definitions: CompactDefinitions,
  given: readonly GivenSearchParameter[],
): Promise<ExtendedRegistry> {
  const added = new Map<string, Map<string, AddedParameter>>();
  const refused: RefusedParameter[] = [];
  const codes = codesByUrl(definitions, given);
  for (const one of given) {
    const url = typeof one.url === 'string' ? one.url.slice(0, 256) : '';
    for (const base of textsOf(one.base)) {
      const type = base === 'DomainResource' ? 'Resource' : base;
      const taken = await takeParameter(definitions, one, type, codes, added);
      if (typeof taken === 'string') refused.push({ url, base, reason: taken });
    }
    if (textsOf(one.base).length === 0) refused.push({ url, reason: 'it names no resource type as base' });
  }
  return { registry: createSearchRegistry(definitions, added), refused };
}

/** Adds one parameter for one type; a sentence when it cannot be. */
async function takeParameter(
  definitions: CompactDefinitions,
  { url, code, type: kind, expression, target, component }: GivenSearchParameter,
  type: string,
  codes: ReadonlyMap<string, string>,
  added: Map<string, Map<string, AddedParameter>>,
): Promise<string | undefined> {
  if (type !== 'Resource' && !Object.hasOwn(definitions.resources, type)) return 'its base is no resource type of R4';
  if (typeof url !== 'string' || typeof code !== 'string' || !CODE.test(code))
    return 'it has no url, or no usable code';
  if (typeof kind !== 'string' || !KINDS.has(kind)) return 'its type is none that this server searches by';
  if (typeof expression !== 'string' || expression.length > MAX_CHARS) return 'it has no expression';
  const standing = own(definitions, type, code) ?? own(definitions, 'Resource', code) ?? added.get(type)?.get(code);
  if (standing !== undefined)
    return standing.t === kind ? undefined : 'its code is taken by a parameter of another type';
  const text = ownExpression(type, expression);
  const compiled = await compile(definitions, text, type);
  if (compiled === undefined) return 'its expression uses what this server cannot evaluate';
  const parts = kind === 'composite' ? componentsOf(component, codes) : [];
  if (parts === undefined) return 'a component names no parameter that is known';
  const elements = compiled.leaves ?? [];
  const isCompiled = ([, part]: readonly [string, string]) =>
    elements.some((leaf) => compileExpression(definitions, part, leaf.type, type) !== undefined);
  if (!parts.every(isCompiled)) return 'a component uses what this server cannot evaluate';
  const targets = textsOf(target);
  const more: AddedParameter = {
    t: kind,
    e: text,
    url,
    ...(kind === 'reference' ? { g: targets.length === 0 || targets.includes('Resource') ? EVERY_TYPE : targets } : {}),
    ...(kind === 'composite' ? { c: parts } : {}),
    compiled,
  };
  added.set(type, (added.get(type) ?? new Map<string, AddedParameter>()).set(code, more));
  return undefined;
}

async function compile(
  definitions: CompactDefinitions,
  text: string,
  type: string,
): Promise<CompiledExpression | undefined> {
  if (text === '') return undefined;
  const compiled = compileExpression(definitions, text, type, type);
  // No way through R4's types may mean an element that only the package knows how to read.
  return compiled === undefined || compiled.leaves?.length === 0 ? compileWithPackage(text) : compiled;
}

function own({ searchParameters }: CompactDefinitions, type: string, code: string): { readonly t: string } | undefined {
  const codes = searchParameters[type];
  return codes !== undefined && Object.hasOwn(codes, code) ? codes[code] : undefined;
}

function componentsOf(
  component: unknown,
  codes: ReadonlyMap<string, string>,
): readonly (readonly [string, string])[] | undefined {
  const parts = (Array.isArray(component) ? component : []).map((one: unknown) => {
    const { definition, expression } = (one ?? {}) as { definition?: unknown; expression?: unknown };
    const code = typeof definition === 'string' ? codes.get(definition.split('|')[0] ?? '') : undefined;
    return code === undefined || typeof expression !== 'string' ? undefined : ([code, expression] as const);
  });
  return parts.length > 0 && parts.every((part) => part !== undefined) ? parts : undefined;
}

function codesByUrl(
  { searchParameters }: CompactDefinitions,
  given: readonly GivenSearchParameter[],
): ReadonlyMap<string, string> {
  const codes = new Map<string, string>();
  for (const [type, all] of Object.entries(searchParameters)) {
    for (const [code, { d }] of Object.entries(all)) codes.set(R4_URL + (d ?? parameterDefinition(type, code)), code);
  }
  for (const { url, code } of given) if (typeof url === 'string' && typeof code === 'string') codes.set(url, code);
  return codes;
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
}
