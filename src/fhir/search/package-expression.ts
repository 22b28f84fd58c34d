import type { CompiledExpression, Found } from './compile-expression.ts';

/** What would ask others, write to the console, or needs resources that are not at hand. */
const NOT_ALONE = /\b(?:resolve|memberOf|conformsTo|trace|weight|ordinal)\s*\(|%(?:terminologies|factory|server)/;

/**
 * An expression evaluated by the `fhirpath` package (some 100 times slower than a compiled one, and loaded by the first).
 * Undefined when it cannot be read, or needs more than the resource.
 */
export async function compileWithPackage(text: string): Promise<CompiledExpression | undefined> {
  if (NOT_ALONE.test(text)) return undefined;
  const [{ default: fhirpath }, { default: model }] = await Promise.all([
    import('fhirpath'),
    import('fhirpath/fhir-context/r4'),
  ]);
  try {
    const run = fhirpath.compile(text, model, { resolveInternalTypes: false });
    return {
      find(focus, resource) {
        try {
          const nodes: unknown = run(focus, { resource });
          return Array.isArray(nodes) ? nodes.flatMap((node) => foundIn(node, fhirpath.types)) : [];
        } catch {
          // An expression that does not hold for this resource (`single()` of two, say) finds nothing in it.
          return [];
        }
      },
    };
  } catch {
    return undefined;
  }
}

function foundIn(node: unknown, types: (value: unknown) => string[]): readonly Found[] {
  const isNode = typeof node === 'object' && node !== null && 'data' in node;
  const value = isNode ? node.data : node;
  if (value === null || value === undefined) return [];
  const [name = ''] = types(node);
  const type = name.replace(/^\w+\./, '');
  // What is computed has types of FHIRPath's own: String, Boolean, Decimal.
  return [{ value, leaf: { type: name.startsWith('System.') ? type.charAt(0).toLowerCase() + type.slice(1) : type } }];
}
