import { type AccessGrant, type ResourceScope, scopeAllows } from '../../auth/scopes.ts';

/**
 * Whether a token may fetch a file of a type that an export under another token wrote (Bulk Data 2.0.0, "Privacy and
 * Security Considerations": scopes that cover all resources being exported). It may when it has no limits, when it may
 * search all of the type, or when it has every scope by which the file was filled.
 */
export function coversFile(now: AccessGrant | undefined, then: AccessGrant | undefined, type: string): boolean {
  if (now === undefined) return true;
  const own = now.scopes.filter((scope) => scopeAllows(scope, 's', type));
  if (own.some(({ context, restriction }) => context !== 'patient' && restriction === undefined)) return true;
  if (then === undefined || now.patient?.account !== then.patient?.account) return false;
  return then.scopes
    .filter((scope) => scopeAllows(scope, 's', type))
    .every((used) => own.some((one) => isSame(one, used)));
}

function isSame(one: ResourceScope, other: ResourceScope): boolean {
  return one.context === other.context && one.restriction === other.restriction;
}
