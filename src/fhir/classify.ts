import type { SearchToken } from '../vault/vault.ts';
import type { CompactDefinitions } from './definitions/definitions.ts';
import { type ParsedResource, patientsAt, valuesAt } from './patient-account.ts';
import { localReference } from './references.ts';

type Coding = { readonly system?: unknown; readonly code?: unknown };

/** What consent asks of a version: `labels` are codes of `meta.security`, `categories` the type and its `category`. */
export interface Classification {
  readonly labels: readonly string[];
  readonly categories: readonly string[];
}

/** Labels and categories, each `system|code`; the resource type is the category `type|Observation`. */
export function classify(resource: ParsedResource): Classification {
  const codings = valuesAt(resource, 'category').flatMap((concept) => codingsOf(concept));
  return {
    labels: unique(valuesAt(resource, 'meta.security').flatMap(codingToCode)),
    categories: unique([`type|${resource.resourceType}`, ...codings.flatMap(codingToCode)]),
  };
}

function codingsOf(concept: unknown): unknown[] {
  const coding = (concept as { coding?: unknown } | null)?.coding;
  return Array.isArray(coding) ? coding : [];
}

function codingToCode(coding: unknown): string[] {
  const { system, code } = (coding ?? {}) as Coding;
  return typeof code === 'string' ? [`${typeof system === 'string' ? system : ''}|${code}`] : [];
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)].sort();
}

/** Names that an identifier is indexed under: with its system, and by its value alone. */
export const IDENTIFIER = 'identifier';
export const IDENTIFIER_VALUE = 'identifier.value';

/**
 * Search tokens of a version: `identifier` as `system|value` (system may be empty) and by value alone, `patient` and
 * `subject` as `Type/id`.
 */
export function searchTokens(
  resource: ParsedResource,
  definitions: CompactDefinitions,
  baseUrl: string,
): SearchToken[] {
  const search = definitions.resources[resource.resourceType]?.search ?? {};
  const tokens = new Map<string, SearchToken>();
  const add = (parameter: string, value: string) => tokens.set(`${parameter} ${value}`, { parameter, value });
  for (const path of search.identifier ?? []) {
    for (const item of valuesAt(resource, path)) {
      const { system, value } = (item ?? {}) as { system?: unknown; value?: unknown };
      if (typeof value !== 'string') continue;
      add(IDENTIFIER, `${typeof system === 'string' ? system : ''}|${value}`);
      add(IDENTIFIER_VALUE, value);
    }
  }
  for (const path of search.patient ?? []) {
    for (const id of patientsAt(resource, path, baseUrl)) add('patient', `Patient/${id}`);
  }
  for (const path of search.subject ?? []) {
    for (const item of valuesAt(resource, path)) {
      const reference = (item as { reference?: unknown } | null)?.reference;
      const target = typeof reference === 'string' ? localReference(reference, baseUrl) : undefined;
      // Patients are under `patient` already, which `subject=Patient/…` looks up.
      if (target !== undefined && (target.type !== 'Patient' || search.patient === undefined)) {
        add('subject', `${target.type}/${target.id}`);
      }
    }
  }
  return [...tokens.values()];
}
