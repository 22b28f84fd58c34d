import { OperationOutcomeError, type TypedValueWithPath, validateResource } from '@medplum/core';
import type { OperationOutcomeIssue, Resource } from '@medplum/fhirtypes';
import type { JsonObject } from '../std/canonical-json.ts';
import { rejectFhir } from './codes.ts';
import type { CompactDefinitions } from './definitions/definitions.ts';
import { LIMITS } from './limits.ts';
import { shapeFaults } from './shape.ts';

/**
 * Structural validation of one resource against R4: elements, cardinalities, primitive formats, invariants, types of
 * references, and codes of required bindings whose value set lists them all. `definitions` must be loaded
 * (`loadDefinitions`). Throws Reject RESOURCE_INVALID {issues: [{path, fault}]}; faults name elements, never values.
 */
export function validateStructure(
  resource: { readonly resourceType: string; readonly [name: string]: unknown },
  definitions: CompactDefinitions,
): void {
  let issues = shapeFaults(resource, definitions);
  if (issues.length === 0) {
    const tokens: Record<string, TypedValueWithPath[]> = {};
    issues = [...structureIssues(resource as unknown as Resource, tokens), ...bindingIssues(tokens, definitions)];
  }
  if (issues.length > 0) throw rejectFhir('RESOURCE_INVALID', { issues: issues.slice(0, LIMITS.issues) });
}

function structureIssues(resource: Resource, tokens: Record<string, TypedValueWithPath[]>): JsonObject[] {
  try {
    return validateResource(resource, { collect: { tokens }, base64BinaryMaxBytes: LIMITS.resourceBytes })
      .filter(isFault)
      .map(issueToData);
  } catch (error) {
    if (error instanceof OperationOutcomeError) {
      const issues = (error.outcome.issue ?? []).filter((issue) => issue.severity === 'error' || isFault(issue));
      return issues.map(issueToData);
    }
    throw error;
  }
}

/** The warning of the validator that is a fault by R4: a reference to a type that the element does not take. */
function isFault(issue: OperationOutcomeIssue): boolean {
  return /^Invalid reference: got "[A-Z]/.test(issue.details?.text ?? '');
}

function issueToData(issue: OperationOutcomeIssue): JsonObject {
  return { path: ascii(issue.expression?.[0] ?? ''), fault: ascii(issue.details?.text ?? issue.diagnostics ?? '') };
}

function bindingIssues(
  tokens: Readonly<Record<string, TypedValueWithPath[]>>,
  { valueSets }: CompactDefinitions,
): JsonObject[] {
  const issues: JsonObject[] = [];
  for (const [url, values] of Object.entries(tokens)) {
    const codes = codeSet(url, valueSets);
    if (codes === undefined) continue;
    for (const { type, value, path } of values) {
      if (type === 'code' && typeof value === 'string' && !codes.has(value)) {
        issues.push({ path: ascii(path), fault: `Not a code of ${ascii(url)}` });
      }
    }
  }
  return issues;
}

const sets = new Map<string, ReadonlySet<string>>();

function codeSet(url: string, valueSets: CompactDefinitions['valueSets']): ReadonlySet<string> | undefined {
  let set = sets.get(url);
  const codes = valueSets[url];
  if (set === undefined && codes !== undefined) {
    set = new Set(codes);
    sets.set(url, set);
  }
  return set;
}

function ascii(text: string): string {
  return text.slice(0, 300).replace(/[^\x20-\x7e]/g, '?');
}
