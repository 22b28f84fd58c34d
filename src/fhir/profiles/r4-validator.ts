import type { CompactDefinitions } from '../definitions/definitions.ts';
import { createValidator, type Validator } from './validator.ts';

const made = new WeakMap<CompactDefinitions, Validator>();

/** A validator of R4 alone, without profiles and terminology; made once for the same definitions. */
export function r4Validator(definitions: CompactDefinitions): Validator {
  let validator = made.get(definitions);
  if (validator === undefined) {
    validator = createValidator({ definitions });
    made.set(definitions, validator);
  }
  return validator;
}
