/*
 * SMART App Launch 2.2, "Scopes for requesting FHIR Resources": what a token is limited to. Those of version 1
 * (`patient/*.read`) mean what the specification's table says of them in terms of version 2.
 */

/** Whose records a scope is about: of the patient in context, of what the user may see, or of what the client may. */
export type ScopeContext = 'patient' | 'user' | 'system';

/** create, read (also versions and histories of one resource), update, delete, search (also histories of types). */
export type Permission = 'c' | 'r' | 'u' | 'd' | 's';

export interface ResourceScope {
  readonly context: ScopeContext;
  /** A resource type, or `*`. */
  readonly type: string;
  /** A part of `cruds`, in that order. */
  readonly permissions: string;
  /** A search on that type which what may be seen meets, e.g. `category=http://…|laboratory`. */
  readonly restriction?: string;
}

/** What the token of an app is limited to. */
export interface AccessGrant {
  readonly scopes: readonly ResourceScope[];
  /** The patient in context, of whom alone `patient/` scopes tell: id of the Patient resource, and its account. */
  readonly patient?: { readonly id: string; readonly account: string };
  /** Name of the user's grant, by which it is found out later whether it still holds; none for a back-end service. */
  readonly id?: string;
}

/** Longest scope that is looked at, in characters. */
const MAX_SCOPE = 512;
const FORM = /^(patient|user|system)\/(\*|[A-Z][A-Za-z]{1,63})\.(c?r?u?d?s?|read|write|\*)(?:\?(.+))?$/;
/** At least one `name=value`, and nothing that is none: what a search leaves out would not restrict. */
const CLAUSES = /^[^&=?]+=[^&]+(?:&[^&=?]+=[^&]+)*$/;
const VERSION_1: Readonly<Record<string, string>> = { read: 'rs', write: 'cud', '*': 'cruds' };

/** The resource scope that a text says; undefined for any other (`openid`, `launch/patient`, …) and what is none. */
export function parseResourceScope(text: string): ResourceScope | undefined {
  if (text.length > MAX_SCOPE) return undefined;
  const [, context, type, access, restriction] = FORM.exec(text) ?? [];
  if (context === undefined || type === undefined || access === undefined || access === '') return undefined;
  const permissions = VERSION_1[access] ?? access;
  // Version 1 knows no searches behind its scopes, and no type has every parameter.
  if (restriction !== undefined && (access in VERSION_1 || type === '*' || !CLAUSES.test(restriction)))
    return undefined;
  const scope = { context: context as ScopeContext, type, permissions };
  return restriction === undefined ? scope : { ...scope, restriction };
}

/** Whether a scope lets something be done to resources of a type; that its restriction and its context do is another question. */
export function scopeAllows(scope: ResourceScope, permission: Permission, type: string): boolean {
  return (scope.type === '*' || scope.type === type) && scope.permissions.includes(permission);
}

/**
 * Whether a token that is limited like `now` may have what was begun under `then`: each scope of it is covered, for the
 * same patient. A token that nothing limits may have all.
 */
export function grantCovers(now: AccessGrant | undefined, then: AccessGrant | undefined): boolean {
  if (now === undefined) return true;
  if (then === undefined) return false;
  return then.scopes.every(
    (scope) =>
      (scope.context !== 'patient' || now.patient?.account === then.patient?.account) &&
      now.scopes.some((one) => scopeCovers(one, scope)),
  );
}

/** Whether whoever was allowed one scope may be given the other: nobody gets more than an administrator registered. */
export function scopeCovers(allowed: ResourceScope, asked: ResourceScope): boolean {
  return (
    allowed.context === asked.context &&
    (allowed.type === '*' || allowed.type === asked.type) &&
    [...asked.permissions].every((permission) => allowed.permissions.includes(permission)) &&
    (allowed.restriction === undefined || allowed.restriction === asked.restriction)
  );
}
