import { rejectFhir } from './codes.ts';
import type { CompactDefinitions } from './definitions/definitions.ts';
import { localReference } from './references.ts';

/** A parsed resource, as far as the server looks into it. */
export type ParsedResource = { readonly resourceType: string; readonly [name: string]: unknown };

/**
 * Id of the patient whose account `resource` belongs to; undefined when it is about no patient of this server and so
 * is the custodian's own. The references that put a resource into a patient's compartment are asked in turn, the most
 * telling (patient, subject) first; the first that names a Patient decides. Throws PATIENT_AMBIGUOUS when it names
 * several. A Patient is asked for by itself: its own id is the answer.
 */
export function patientOf(
  resource: ParsedResource,
  definitions: CompactDefinitions,
  baseUrl: string,
): string | undefined {
  if (resource.resourceType === 'Patient') return typeof resource.id === 'string' ? resource.id : undefined;
  for (const path of definitions.resources[resource.resourceType]?.compartment ?? []) {
    const patients = patientsAt(resource, path, baseUrl);
    if (patients.size > 1) throw rejectFhir('PATIENT_AMBIGUOUS', { path: `${resource.resourceType}.${path}` });
    for (const patient of patients) return patient;
  }
  return undefined;
}

/** Ids of the Patients that references at `path` name. */
export function patientsAt(resource: ParsedResource, path: string, baseUrl: string): Set<string> {
  const ids = new Set<string>();
  for (const value of valuesAt(resource, path)) {
    const reference = (value as { reference?: unknown } | null)?.reference;
    const target = typeof reference === 'string' ? localReference(reference, baseUrl) : undefined;
    if (target?.type === 'Patient') ids.add(target.id);
  }
  return ids;
}

/** Values at a path of element names, arrays on the way spread. */
export function valuesAt(resource: ParsedResource, path: string): unknown[] {
  let values: unknown[] = [resource];
  for (const name of path.split('.')) {
    values = values.flatMap((value) =>
      typeof value === 'object' && value !== null ? ((value as Record<string, unknown>)[name] ?? []) : [],
    );
  }
  return values;
}
