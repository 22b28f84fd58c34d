import type { ParsedResource } from '../patient-account.ts';

const LITERAL = /(?:^|\/)([A-Z][A-Za-z]{1,63})\/[A-Za-z0-9\-.]{1,64}(?:\/_history\/[A-Za-z0-9\-.]{1,64})?(?:#.*)?$/;
const MAX_CHARS = 4096;

/**
 * Type of the resource that a Reference leads to, as `resolve() is Type` asks in R4's search parameters: told by the
 * address, by the contained resource, else by `Reference.type`. Nothing is fetched. Undefined when nothing tells.
 */
export function referencedType(value: unknown, resource: ParsedResource): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { reference, type } = value as { reference?: unknown; type?: unknown };
  if (typeof reference === 'string' && reference.length <= MAX_CHARS) {
    if (reference.startsWith('#')) return containedType(reference.slice(1), resource) ?? text(type);
    const literal = LITERAL.exec(reference)?.[1];
    if (literal !== undefined) return literal;
  }
  return text(type);
}

function containedType(id: string, { contained, resourceType }: ParsedResource): string | undefined {
  if (id === '') return resourceType;
  if (!Array.isArray(contained)) return undefined;
  const found = contained.find((one: unknown) => (one as { id?: unknown } | null)?.id === id);
  return text((found as { resourceType?: unknown } | undefined)?.resourceType);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
