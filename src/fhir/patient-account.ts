import { rejectFhir } from './codes.ts';
import type { CompactDefinitions } from './definitions/definitions.ts';
import { localReference } from './references.ts';

/** A parsed resource, as far as the server looks into it. */
export type ParsedResource = { readonly resourceType: string; readonly [name: string]: unknown };

/**
 * Id of the patient whose account `resource` belongs to; undefined when none of its references says so, and what it is
 * about must tell (record-account.ts). The references that put a resource into a patient's compartment are asked in turn,
 * the most telling (patient, subject) first; the first that names a Patient decides. Throws PATIENT_AMBIGUOUS when it
 * names several. A Patient is asked for by itself: its own id is the answer.
 */
export function patientOf(
  resource: ParsedResource,
  definitions: CompactDefinitions,
  baseUrl: string,
): string | undefined {
  if (resource.resourceType === 'Patient') return typeof resource.id === 'string' ? resource.id : undefined;
  const named = namedPatients(resource, definitions, baseUrl);
  if (named === undefined) return undefined;
  const [patient, other] = named.patients;
  if (other !== undefined) throw rejectFhir('PATIENT_AMBIGUOUS', { path: `${resource.resourceType}.${named.path}` });
  return patient;
}

/** The first path of references into a Patient's compartment that names Patients, and their ids. */
export function namedPatients(
  resource: ParsedResource,
  definitions: CompactDefinitions,
  baseUrl: string,
): { readonly path: string; readonly patients: ReadonlySet<string> } | undefined {
  for (const path of definitions.resources[resource.resourceType]?.compartment ?? []) {
    const patients = patientsAt(resource, path, baseUrl);
    if (patients.size > 0) return { path, patients };
  }
  return undefined;
}

/** Ids of the Patients that references at `path` name. */
function patientsAt(resource: ParsedResource, path: string, baseUrl: string): Set<string> {
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
