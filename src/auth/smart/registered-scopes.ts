import { parseResourceScope, type ResourceScope, scopeCovers } from '../scopes.ts';

/** Scopes that are about the launch and the user, and no resources (SMART App Launch 2.2, "Scopes and Launch Context"). */
export const LAUNCH_SCOPES: readonly string[] = [
  ...['openid', 'fhirUser', 'profile', 'launch', 'launch/patient', 'launch/encounter'],
  ...['offline_access', 'online_access'],
];

/** Resource scopes that a text of scopes says, with the text of each. */
export function resourceScopes(text: string): readonly (ResourceScope & { readonly text: string })[] {
  return text.split(' ').flatMap((one) => {
    const scope = parseResourceScope(one);
    return scope === undefined ? [] : [{ ...scope, text: one }];
  });
}

/**
 * Those of the asked resource scopes that the client was registered for, as they were asked: what is not covered is
 * left out, and the token's answer says what was granted (RFC 6749 §3.3).
 */
export function allowedResourceScopes(registered: string, asked: string, client: 'app' | 'service'): string[] {
  const allowed = resourceScopes(registered);
  return resourceScopes(asked)
    .filter((scope) => (scope.context === 'system') === (client === 'service'))
    .filter((scope) => allowed.some((one) => scopeCovers(one, scope)))
    .map(({ text }) => text);
}

/** A fault of a registration's scopes; undefined when there is none. */
export function scopesFault(registered: string): string | undefined {
  for (const one of registered.split(' ')) {
    if (!LAUNCH_SCOPES.includes(one) && parseResourceScope(one) === undefined) return `scope: ${one.slice(0, 64)}`;
  }
  return undefined;
}
