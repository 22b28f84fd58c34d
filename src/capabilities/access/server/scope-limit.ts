import type { AccessGrant, Permission, ResourceScope } from '../../../auth/scopes.ts';
import { scopeAllows } from '../../../auth/scopes.ts';
import type { ParsedResource } from '../../../fhir/patient-account.ts';

/** Rule of the journal for what a token's scopes do not reach. */
export const OUT_OF_SCOPE = 'scope:none';

/**
 * Whether a resource meets the search behind a scope; the FHIR side fills it. A search that cannot be put to one resource
 * is met by none.
 */
export type RestrictionPort = (type: string, restriction: string, resource: ParsedResource, timeMs: number) => boolean;

/** What one question is about. `account` is undefined while it is not known, and then not looked at. */
export interface InQuestion {
  readonly permission: Permission;
  readonly type: string;
  readonly account: string | undefined;
  /** The records are of no patient, and of a type that is for everybody (fhir/record-kinds.ts). */
  readonly isOwn: boolean;
}

/**
 * The scopes that reach what is asked about, but for the searches behind them. `patient/` scopes tell of the patient in
 * context, and of what is nobody's and for everybody (SMART App Launch 2.2, "Scopes for requesting FHIR Resources").
 */
export function reachingScopes({ scopes, patient }: AccessGrant, asked: InQuestion): readonly ResourceScope[] {
  const { permission, type, account, isOwn } = asked;
  return scopes.filter(
    (scope) =>
      scopeAllows(scope, permission, type) &&
      (scope.context !== 'patient' || account === undefined || isOwn || patient?.account === account),
  );
}

/** Whether any of the scopes lets this resource through. `open` is called only where a scope looks into it. */
export async function reaches(
  scopes: readonly ResourceScope[],
  restriction: RestrictionPort,
  type: string,
  timeMs: number,
  open: () => Promise<ParsedResource | undefined>,
): Promise<boolean> {
  if (scopes.some((scope) => scope.restriction === undefined)) return true;
  if (scopes.length === 0) return false;
  const resource = await open();
  return resource !== undefined && meetsAny(scopes, restriction, type, timeMs, resource);
}

export function meetsAny(
  scopes: readonly ResourceScope[],
  restriction: RestrictionPort,
  type: string,
  timeMs: number,
  resource: ParsedResource,
): boolean {
  return scopes.some(
    (scope) => scope.restriction === undefined || restriction(type, scope.restriction, resource, timeMs),
  );
}
