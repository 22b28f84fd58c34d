import type { Caller } from '../../src/auth/caller.ts';
import { r4Conformance } from '../../src/fhir/conformance.ts';
import type { FhirContext } from '../../src/fhir/context.ts';
import { loadDefinitions } from '../../src/fhir/definitions/load-definitions.ts';
import { LIMITS } from '../../src/fhir/limits.ts';
import type { HospitalNode } from './hospital-node.ts';

/** What an operation at the hospital stands on; the caller is a practitioner of the hospital's who treats, but for `caller`. */
export async function operationContext(
  { hospital, floors }: HospitalNode,
  caller: Partial<Caller> = {},
): Promise<FhirContext> {
  return {
    ...{ vault: hospital.vault, clock: hospital.clock, limits: LIMITS },
    ...r4Conformance(await loadDefinitions()),
    ...{ access: floors.access, registration: floors.registration, baseUrl: 'http://node/fhir' },
    reportFailure: (error) => {
      throw error;
    },
    caller: {
      ...{ custodian: hospital.account, account: 'd'.repeat(32), kind: 'practitioner' },
      ...{ organisation: hospital.account, roles: [], purpose: 'TREAT', ...caller },
    },
  };
}
