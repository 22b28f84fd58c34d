import type { FhirOperation } from '../../operations/operation.ts';
import { createExpand } from './expand.ts';
import type { TerminologyOperationOptions } from './find-terminology.ts';
import { createLookup } from './lookup.ts';
import { createSubsumes } from './subsumes.ts';
import { createValidateInSystem, createValidateInValueSet } from './validate-code.ts';

/** The terminology operations of R4 that are served here. */
export function createTerminologyOperations(options: TerminologyOperationOptions): readonly FhirOperation[] {
  return [
    createExpand(options),
    createValidateInValueSet(options),
    createValidateInSystem(options),
    createLookup(options),
    createSubsumes(options),
  ];
}
