import type { Node, Walk } from './walk.ts';

const TYPE = /^[A-Z][A-Za-z]{1,63}$/;
const ID = /^[A-Za-z0-9.-]{1,64}$/;

/** What a Reference names, as far as its text and the resource around it tell. */
export type ReferenceTarget =
  | { readonly kind: 'none' | 'elsewhere' | 'dangling' }
  | { readonly kind: 'known'; readonly type: string; readonly resource?: Node }
  | { readonly kind: 'no-type'; readonly type: string };

/**
 * Target of a Reference (R4 §2.3.0.1): a contained resource, one of the same Bundle, or the type that a literal
 * reference's text or its `type` says.
 */
export function referenceTarget(reference: Node, walk: Walk): ReferenceTarget {
  const { reference: text, type } = reference;
  const declared = typeof type === 'string' && walk.rules.resource(type) !== undefined ? type : undefined;
  if (typeof text !== 'string') return declared === undefined ? { kind: 'none' } : { kind: 'known', type: declared };
  if (text.startsWith('#')) {
    const resource = text === '#' ? walk.container.resource : walk.container.contained.get(text.slice(1));
    if (resource === undefined) return { kind: 'dangling' };
    return { kind: 'known', type: String(resource.resourceType), resource };
  }
  const neighbour = walk.neighbours?.get(text);
  if (neighbour !== undefined) return { kind: 'known', type: String(neighbour.resourceType), resource: neighbour };
  const named = namedType(text);
  if (named !== undefined && walk.rules.resource(named) !== undefined) return { kind: 'known', type: named };
  if (named !== undefined && !text.includes(':')) return { kind: 'no-type', type: named };
  return declared === undefined ? { kind: 'elsewhere' } : { kind: 'known', type: declared };
}

/** `Type` of `Type/id`, `Type/id/_history/1`, `Type?condition`, alone or at the end of an address. */
function namedType(text: string): string | undefined {
  const query = text.indexOf('?');
  if (query !== -1) {
    const type = text.slice(0, query).split('/').at(-1) ?? '';
    return TYPE.test(type) ? type : undefined;
  }
  const parts = text.split('/');
  if (parts.at(-2) === '_history') parts.splice(-2);
  const [type, id] = parts.slice(-2);
  return type !== undefined && id !== undefined && TYPE.test(type) && ID.test(id) ? type : undefined;
}
