import { type ParsedResource, valuesAt } from './patient-account.ts';

type Coding = { readonly system?: unknown; readonly code?: unknown };

/** What consent asks of a version: `labels` are codes of `meta.security`, `categories` the type and its `category`. */
export interface Classification {
  readonly labels: readonly string[];
  readonly categories: readonly string[];
}

/** Labels and categories, each `system|code`; the resource type is `http://hl7.org/fhir/resource-types|Observation`. */
export function classify(resource: ParsedResource): Classification {
  const codings = valuesAt(resource, 'category').flatMap((concept) => codingsOf(concept));
  return {
    labels: unique(valuesAt(resource, 'meta.security').flatMap(codingToCode)),
    categories: unique([typeCategory(resource.resourceType), ...codings.flatMap(codingToCode)]),
  };
}

/** A resource type as a category like any other: of the code system that R4 binds Consent.provision.class to. */
export function typeCategory(type: string): string {
  return `http://hl7.org/fhir/resource-types|${type}`;
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
