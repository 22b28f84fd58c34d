import { type AccessGrant, grantCovers, scopeAllows } from '../../auth/scopes.ts';

/**
 * Whether a token may fetch a file of a type that an export under another token wrote (Bulk Data 2.0.0, "Privacy and
 * Security Considerations": scopes that cover all resources being exported). It may when it has no limits, when it may
 * search all of the type, or when it covers every scope by which the file was filled.
 */
export function coversFile(now: AccessGrant | undefined, then: AccessGrant | undefined, type: string): boolean {
  const searchesAll = now?.scopes.some(
    (scope) => scopeAllows(scope, 's', type) && scope.context !== 'patient' && scope.restriction === undefined,
  );
  return searchesAll === true || grantCovers(now, then && fillingOf(then, type));
}

/** A grant narrowed to what a file of the type was filled by: its searches of that type, for an export does nothing else. */
function fillingOf(grant: AccessGrant, type: string): AccessGrant {
  const searches = grant.scopes.filter((scope) => scopeAllows(scope, 's', type));
  return { ...grant, scopes: searches.map((scope) => ({ ...scope, type, permissions: 's' })) };
}
