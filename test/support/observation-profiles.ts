import type { ElementDefinition, StructureDefinition } from '@medplum/fhirtypes';
import { loadDefinitions } from '../../src/fhir/definitions/load-definitions.ts';
import { r4Validator } from '../../src/fhir/profiles/r4-validator.ts';
import { createValidator, type ValidationRequest, type Validator } from '../../src/fhir/profiles/validator.ts';
import type { Terminology } from '../../src/fhir/terminology/terminology.ts';

const definitions = await loadDefinitions();

/** R4 alone. */
export const base = r4Validator(definitions);

/** URL of the profile that `profiled` makes. */
export const P = 'http://example.org/p';

/** A profile of Observation from its elements after the first, and further profiles. */
export function profiled(
  elements: readonly ElementDefinition[],
  more: readonly StructureDefinition[] = [],
  terminology?: Terminology,
): Validator {
  const structure = {
    url: P,
    type: 'Observation',
    snapshot: { element: [{ path: 'Observation' }, ...elements] },
  } as StructureDefinition;
  return createValidator({
    definitions,
    structures: [structure, ...more].map((one) => ({
      url: one.url as string,
      type: one.type as string,
      load: () => one,
    })),
    ...(terminology === undefined ? {} : { terminology }),
  });
}

/** Errors and warnings, one a line. */
export function said(validator: Validator, resource: object, request: ValidationRequest = { profiles: [P] }): string[] {
  return validator
    .validate(resource as Record<string, unknown>, request)
    .filter(({ severity }) => severity !== 'information')
    .map(({ severity, code, path, text }) => `${severity === 'error' ? '' : `${severity} `}${code} ${path}: ${text}`);
}

/** What is said by R4 alone. */
export function baseSaid(resource: object, request: ValidationRequest = {}): string[] {
  return said(base, resource, request);
}

/** What R4 asks of an Observation, and no more. */
export const OBSERVATION = { resourceType: 'Observation', status: 'final', code: { text: 'x' } };

const SLICED: ElementDefinition = {
  path: 'Observation.category',
  min: 0,
  max: '*',
  base: { path: 'Observation.category', min: 0, max: '*' },
};

/** A slice of `byText`: categories of this text. */
export function slice(
  sliceName: string,
  text: string,
  more: Partial<ElementDefinition> = {},
): readonly ElementDefinition[] {
  return [
    { path: 'Observation.category', sliceName, min: 0, max: '1', ...more },
    { path: 'Observation.category.text', min: 1, max: '1', patternString: text },
  ];
}

/** Slicing of categories by their text. */
export function byText(rules: 'open' | 'closed' | 'openAtEnd', ordered = false): ElementDefinition {
  return { ...SLICED, slicing: { discriminator: [{ type: 'pattern', path: 'text' }], rules, ordered } };
}

/** An Observation with categories of these texts. */
export function categories(...texts: string[]): object {
  return { ...OBSERVATION, category: texts.map((text) => ({ text })) };
}
