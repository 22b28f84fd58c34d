import type { FhirOperation } from '../operations/operation.ts';
import { rejectBulk } from './codes.ts';

const DEFINITIONS = 'http://hl7.org/fhir/uv/bulkdata/OperationDefinition';

/** For the capability statement. Calls come by routes of their own; from within a Bundle none can be answered later. */
export const BULK_OPERATIONS: readonly FhirOperation[] = [
  { ...exportAt('export'), on: ['system'] },
  { ...exportAt('patient-export'), on: ['type'], types: ['Patient'] },
  { ...exportAt('group-export'), on: ['instance'], types: ['Group'] },
];

function exportAt(definition: string): Omit<FhirOperation, 'on'> {
  return {
    name: '$export',
    definition: `${DEFINITIONS}/${definition}`,
    get: true,
    run: async () => {
      throw rejectBulk('EXPORT_OVER_HTTP_ONLY');
    },
  };
}
