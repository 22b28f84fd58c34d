import { type Permission, scopeAllows } from '../auth/scopes.ts';
import { rejectFhir } from './codes.ts';
import type { FhirContext } from './context.ts';
import type { Route } from './routes.ts';

const WRITES: Readonly<Record<string, Permission>> = { PUT: 'u', PATCH: 'u', DELETE: 'd' };

/**
 * Refuses an app what none of its scopes is about, before anything is looked up, so that it can tell this from what is not
 * there. What its scopes reach among the resources of a type is the decision's (`AccessPort`), and looks absent.
 * Throws SCOPE_INSUFFICIENT (RFC 6750 §3.1 insufficient_scope).
 */
export function requireScope({ caller }: FhirContext, route: Route, method: string): void {
  const { grant } = caller;
  if (grant === undefined) return;
  const asked = askedPermission(route, method);
  if (asked === undefined) return;
  const { permission, type } = asked;
  const isAllowed = grant.scopes.some((scope) =>
    type === undefined ? scope.permissions.includes(permission) : scopeAllows(scope, permission, type),
  );
  if (!isAllowed) throw rejectFhir('SCOPE_INSUFFICIENT');
}

/** SMART App Launch 2.2: what an interaction asks of a scope; no type for what is about all. An operation asks by what it shows. */
function askedPermission(
  route: Route,
  method: string,
): { readonly permission: Permission; readonly type?: string } | undefined {
  const isRead = method === 'GET' || method === 'HEAD';
  switch (route.kind) {
    case 'system':
    case 'metadata':
    case 'operation':
      return undefined;
    case 'type':
      return { type: route.type, permission: isRead ? 's' : (WRITES[method] ?? 'c') };
    case 'search':
      return { type: route.type, permission: 's' };
    case 'instance':
      return { type: route.type, permission: isRead ? 'r' : (WRITES[method] ?? 'u') };
    case 'version':
      return { type: route.type, permission: 'r' };
    case 'history':
      if (route.type === undefined) return { permission: 's' };
      return { type: route.type, permission: route.id === undefined ? 's' : 'r' };
    case 'compartment':
      return route.type === '*' ? { permission: 's' } : { type: route.type, permission: 's' };
  }
}
