import { scopeAllows } from '../../auth/scopes.ts';
import { isReject } from '../../std/reject.ts';
import { rejectFhir } from '../codes.ts';
import type { FhirContext } from '../context.ts';
import { compartmentParameters } from '../operations/compartments.ts';
import type { ExportRequest } from './bulk-job.ts';
import { rejectBulk } from './codes.ts';
import { accountsOf } from './export-accounts.ts';
import {
  elementsOf,
  type Given,
  invalid,
  listOf,
  named,
  patientsOf,
  requireNdjson,
  sinceOf,
} from './export-parameters.ts';
import { parseFilter, splitFilters } from './type-filters.ts';

/** A kick-off as HTTP brings it (Bulk Data 2.0.0, "Bulk Data Kick-off Request"). */
export interface KickOff {
  readonly level: ExportRequest['level'];
  readonly group?: string;
  readonly url: string;
  readonly given: Given;
  readonly isPost: boolean;
  readonly isLenient: boolean;
}

const FORM: ReadonlySet<string> = new Set(['_format', '_pretty']);
const SUPPORTED = ['_outputFormat', '_since', '_type', '_typeFilter', '_elements', 'patient'] as const;
const UNSUPPORTED = [
  'includeAssociatedData',
  'organizeOutputBy',
  'organizeOutputByType',
  'allowPartialManifests',
] as const;

/** Written first, since what comes after refers to them: who imports the files one after the other finds all targets. */
const FIRST = ['Organization', 'Location', 'Practitioner', 'PractitionerRole', 'Patient', 'RelatedPerson', 'Encounter'];

/**
 * Understands a kick-off, and finds the patients that it names. Throws EXPORT_…, PARAMETER_UNKNOWN, NOT_FOUND (no such
 * group) and what a search throws; with `isLenient`, what is unknown or unsupported is noted instead.
 */
export async function exportRequest(context: FhirContext, kickOff: KickOff): Promise<ExportRequest> {
  const { level, given, isLenient, url } = kickOff;
  const notes: string[] = [];
  /** What may be ignored is, with a note; nothing else is. */
  const lenient = <T>(run: () => T, parameter: string): T | undefined => {
    try {
      return run();
    } catch (thrown) {
      if (!isLenient || !isReject(thrown)) throw thrown;
      notes.push(`${named(parameter)} was ignored: ${thrown.message}`);
      return undefined;
    }
  };
  for (const name of new Set(given.map(([one]) => one))) lenient(() => requireSupported(kickOff, name), name);
  requireNdjson(given);
  const sinceMs = sinceOf(given);
  const types = exportedTypes(context, kickOff, lenient);
  const filters = filtersOf(context, given, types, lenient);
  const elements = lenient(() => elementsOf(given, types, context.definitions), '_elements');
  const wantsPatients = level !== 'system' && kickOff.isPost;
  const accounts = await accountsOf(context, {
    ...{ level, isLenient, note: (text) => notes.push(text) },
    ...(kickOff.group === undefined ? {} : { group: kickOff.group }),
    ...(wantsPatients ? { patients: patientsOf(given, context.baseUrl) } : {}),
  });
  return {
    ...{ level, url, types, filters, notes },
    ...(sinceMs === undefined ? {} : { sinceMs }),
    ...(elements === undefined ? {} : { elements }),
    ...(accounts === undefined ? {} : { accounts }),
  };
}

type Lenient = <T>(run: () => T, parameter: string) => T | undefined;

function requireSupported({ level, isPost }: KickOff, name: string): void {
  if (FORM.has(name)) return;
  if ((UNSUPPORTED as readonly string[]).includes(name))
    throw rejectBulk('EXPORT_PARAMETER_UNSUPPORTED', { parameter: name });
  if (!(SUPPORTED as readonly string[]).includes(name))
    throw rejectFhir('PARAMETER_UNKNOWN', { parameter: named(name) });
  if (name === 'patient' && (level === 'system' || !isPost))
    throw rejectBulk('EXPORT_PARAMETER_UNSUPPORTED', { parameter: name });
}

/** Types that are exported: of those asked for, or of all, the ones that the level has and a token's scopes are about. */
function exportedTypes(
  { definitions, caller }: FhirContext,
  { level, given }: KickOff,
  lenient: Lenient,
): readonly string[] {
  const isHere = (type: string) => level === 'system' || compartmentParameters('Patient', type).length > 0;
  const isInScopes = (type: string) => caller.grant?.scopes.some((scope) => scopeAllows(scope, 's', type)) ?? true;
  const asked = listOf(given, '_type');
  if (asked.length === 0) {
    const types = Object.keys(definitions.resources).filter((type) => isHere(type) && isInScopes(type));
    if (types.length === 0) throw rejectFhir('SCOPE_INSUFFICIENT');
    return inOrder(types);
  }
  const requireType = (type: string): true => {
    if (!Object.hasOwn(definitions.resources, type)) throw rejectBulk('EXPORT_TYPE_UNKNOWN', { type: named(type) });
    if (!isHere(type)) throw rejectBulk('EXPORT_TYPE_OUTSIDE', { type });
    if (!isInScopes(type)) throw rejectFhir('SCOPE_INSUFFICIENT');
    return true;
  };
  const types = asked.filter((type) => lenient(() => requireType(type), '_type'));
  if (types.length === 0) throw invalid('_type', 'at least one type that can be exported here');
  return inOrder(types);
}

function inOrder(types: readonly string[]): readonly string[] {
  const known = new Set(types);
  return [...FIRST.filter((type) => known.delete(type)), ...[...known].sort()];
}

/** Each is read once now, so that what cannot be searched is refused now and not by a job that fails later. */
function filtersOf(
  context: FhirContext,
  given: Given,
  types: readonly string[],
  lenient: Lenient,
): Readonly<Record<string, readonly string[]>> {
  const filters: Record<string, string[]> = {};
  const { registry, baseUrl, clock } = context;
  const values = given.flatMap(([name, value]) => (name === '_typeFilter' ? [value] : []));
  for (const [type, query] of lenient(() => splitFilters(values), '_typeFilter') ?? []) {
    lenient(() => {
      if (!types.includes(type)) throw invalid('_typeFilter', 'queries of types that are exported');
      parseFilter({ registry, baseUrl, nowMs: clock() }, type, query);
      filters[type] = [...(filters[type] ?? []), query];
    }, '_typeFilter');
  }
  return filters;
}
