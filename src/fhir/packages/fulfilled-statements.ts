import { basename } from 'node:path';

/**
 * Capability statements of packages that this server is shown to fulfil, item by item (docs/us-core-6.1.0.md): what a package
 * merely asks for is no reason to claim it.
 */
const FULFILLED: ReadonlyMap<string, string> = new Map([
  ['hl7.fhir.us.core#6.1.0', 'http://hl7.org/fhir/us/core/CapabilityStatement/us-core-server'],
]);

/** Canonical URLs for `CapabilityStatement.instantiates`, of compact package files (`<name>#<version>.jsonl`). */
export function fulfilledStatements(packageFiles: readonly string[]): readonly string[] {
  return packageFiles.flatMap((file) => FULFILLED.get(basename(file, '.jsonl')) ?? []);
}
