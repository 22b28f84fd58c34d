import type { JsonObject } from '../std/canonical-json.ts';
import { rejectFhir } from './codes.ts';
import type { CompactDefinitions } from './definitions/definitions.ts';
import { r4Validator } from './profiles/r4-validator.ts';
import type { Validator } from './profiles/validator.ts';

/**
 * Structural validation of one resource against R4 alone: elements, cardinalities, formats of primitives, narrative,
 * invariants, types of references, and codes of required bindings whose value set lists them all. Throws Reject
 * RESOURCE_INVALID {issues: [{path, fault, code}]}; faults name elements, never values.
 */
export function validateStructure(
  resource: { readonly resourceType: string; readonly [name: string]: unknown },
  definitions: CompactDefinitions,
): void {
  refuseInvalid(resource, r4Validator(definitions));
}

/** Refuses what a validator finds an error in, as `validateStructure` does; warnings and notes let a resource pass. */
export function refuseInvalid(resource: Readonly<Record<string, unknown>>, validator: Validator): void {
  const issues: JsonObject[] = [];
  for (const { severity, code, path, text } of validator.validate(resource)) {
    if (severity === 'error') issues.push({ path, fault: text, code });
  }
  if (issues.length > 0) throw rejectFhir('RESOURCE_INVALID', { issues });
}
