/** What an address below the base leads to. */
export type Route =
  | { readonly kind: 'system' | 'metadata' }
  | { readonly kind: 'type'; readonly type: string }
  | { readonly kind: 'search'; readonly type: string }
  | { readonly kind: 'instance'; readonly type: string; readonly id: string }
  | { readonly kind: 'version'; readonly type: string; readonly id: string; readonly version: string }
  /** History of a resource, of a type, or of all. */
  | { readonly kind: 'history'; readonly type?: string; readonly id?: string }
  /** `type` is `*` for all types. */
  | {
      readonly kind: 'compartment';
      readonly compartment: { readonly type: string; readonly id: string };
      readonly type: string;
      readonly isSearch: boolean;
    }
  | {
      readonly kind: 'operation';
      readonly name: string;
      readonly type?: string;
      readonly id?: string;
      readonly version?: string;
    };

/** Types whose compartments are searched, of those that R4 defines (R4 compartmentdefinition.html). */
export const COMPARTMENTS: ReadonlySet<string> = new Set(['Patient', 'Encounter']);

/** Methods that a route takes, for 405 and its Allow header. An operation says itself. */
export function methodsOf(route: Route): readonly string[] {
  switch (route.kind) {
    case 'system':
    case 'search':
      return ['POST'];
    case 'metadata':
    case 'version':
    case 'history':
      return ['GET', 'HEAD'];
    case 'type':
      return ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];
    case 'instance':
      return ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE'];
    case 'compartment':
      return route.isSearch ? ['POST'] : ['GET', 'HEAD'];
    case 'operation':
      return ['GET', 'HEAD', 'POST'];
  }
}

/** The route of a path without a slash at its beginning (R4 §3.1.0.1); undefined when nothing is there. */
export function routeOf(path: string, isType: (type: string) => boolean): Route | undefined {
  if (path === '') return { kind: 'system' };
  if (path === 'metadata') return { kind: 'metadata' };
  if (path === '_history') return { kind: 'history' };
  const [first, second, ...rest] = path.split('/', 7) as [string, string | undefined, ...string[]];
  if (first.startsWith('$')) return second === undefined ? { kind: 'operation', name: first } : undefined;
  if (!isType(first)) return undefined;
  if (second === undefined) return { kind: 'type', type: first };
  if (rest.length === 0) {
    if (second === '_search') return { kind: 'search', type: first };
    if (second === '_history') return { kind: 'history', type: first };
    if (second.startsWith('$')) return { kind: 'operation', name: second, type: first };
    if (!second.startsWith('_')) return { kind: 'instance', type: first, id: second };
  }
  return second.startsWith('_') || second.startsWith('$') ? undefined : belowInstance(first, second, rest, isType);
}

function belowInstance(
  type: string,
  id: string,
  [third = '', fourth, fifth, ...rest]: readonly string[],
  isType: (type: string) => boolean,
): Route | undefined {
  if (rest.length > 0) return undefined;
  if (third === '_history') {
    if (fourth === undefined) return { kind: 'history', type, id };
    if (fourth === '') return undefined;
    if (fifth === undefined) return { kind: 'version', type, id, version: fourth };
    return fifth.startsWith('$') ? { kind: 'operation', name: fifth, type, id, version: fourth } : undefined;
  }
  if (third.startsWith('$')) return fourth === undefined ? { kind: 'operation', name: third, type, id } : undefined;
  const isSearch = fourth === '_search';
  if (!COMPARTMENTS.has(type) || fifth !== undefined || (fourth !== undefined && !isSearch)) return undefined;
  if (third !== '*' && !isType(third)) return undefined;
  return { kind: 'compartment', compartment: { type, id }, type: third, isSearch };
}
