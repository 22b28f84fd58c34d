import type { ConsentState, MatrixCaller, Owner, Planted } from './access-matrix-world.ts';

/** Types of the custodian's own that everybody sees who was let in; the others are its staff's. */
const SHARED: readonly string[] = ['Practitioner'];

/** Which version of something is asked for: what it says, or that it was deleted. */
export type Version = 'content' | 'deletion';

/** What A's consents and the jurisdiction's defaults let somebody see, whatever the token is limited to. */
export function consentLets(caller: MatrixCaller, owner: Owner, state: ConsentState): boolean {
  if (caller.custodian !== 'here' || owner === 'never') return false;
  if (owner === 'own') return true;
  if (caller.patient !== undefined) return caller.patient === owner;
  if (owner === 'a' && state === 'deny') return false;
  return caller.isOwnStaff || (owner === 'a' && state === 'permit');
}

/** Whether a scope of the token is about this at all; a token of the organisation's own is about everything. */
export function isInScope({ scopes }: MatrixCaller, permission: string, type?: string): boolean {
  return scopes === undefined || scopes.some((text) => scopeSays(text, permission, type) !== undefined);
}

export function sees(
  caller: MatrixCaller,
  { owner, type }: Pick<Planted, 'owner' | 'type'>,
  state: ConsentState,
  permission: string,
  version: Version = 'content',
): boolean {
  if (!consentLets(caller, owner, state)) return false;
  const isShared = owner === 'own' && SHARED.includes(type);
  if (owner === 'own' && !isShared && (!caller.isOwnStaff || caller.patient !== undefined)) return false;
  if (caller.scopes === undefined) return true;
  return caller.scopes.some((text) => {
    const said = scopeSays(text, permission, type);
    if (said === undefined) return false;
    // All that is planted meets the one search that is used; a deletion meets none.
    if (said.isSearched && version === 'deletion') return false;
    return said.context !== 'patient' || isShared || owner === caller.context;
  });
}

/** Whether a valid write of the type for that owner goes through, which elsewhere writes something else. */
export function mayWrite(caller: MatrixCaller, { owner, type }: Planted, permission: string): boolean {
  if (caller.custodian === undefined || !caller.isOwnStaff || caller.patient !== undefined) return false;
  return (
    caller.scopes === undefined ||
    caller.scopes.some((text) => {
      const said = scopeSays(text, permission, type);
      const isShared = owner === 'own' && SHARED.includes(type);
      return said !== undefined && (said.context !== 'patient' || isShared || owner === caller.context);
    })
  );
}

function scopeSays(
  text: string,
  permission: string,
  type: string | undefined,
): { readonly context: string; readonly isSearched: boolean } | undefined {
  const [, context = '', of, letters = '', search] =
    /^(patient|user|system)\/(\*|\w+)\.([cruds]+)(\?.+)?$/.exec(text) ?? [];
  if (!letters.includes(permission)) return undefined;
  if (type !== undefined && of !== '*' && of !== type) return undefined;
  return { context, isSearched: search !== undefined };
}
