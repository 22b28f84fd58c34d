import type { CapabilityStatement } from '@medplum/fhirtypes';
import { msToInstant } from '../../../std/instant.ts';
import { AUDIT_PARAMETERS } from './audit-search.ts';
import { balpProfile } from './event-codes.ts';

const PROFILES = [
  ...['Create', 'Read', 'Update', 'Delete', 'Query'].flatMap((name) => [name, `Patient${name}`]),
  ...['AuthZconsent', 'PrivacyDisclosure.Source', 'PrivacyDisclosure.Recipient'],
];

/** What the audit record repository serves (IHE ITI-81 Retrieve ATNA Audit Event). */
export function auditStatement(auditUrl: string, startedMs: number): CapabilityStatement {
  return {
    resourceType: 'CapabilityStatement',
    status: 'active',
    date: msToInstant(startedMs),
    kind: 'instance',
    software: { name: 'Aceso' },
    implementation: { description: 'Audit events rendered from the custodian’s journal', url: auditUrl },
    fhirVersion: '4.0.1',
    format: ['application/fhir+json', 'json'],
    rest: [
      {
        mode: 'server',
        documentation:
          'Of patients and delegates what is about the patient, of privacy officers everything. Newest first, without a total. Events are rendered when they are asked for; the receipt of one verifies what it was rendered from.',
        resource: [
          {
            type: 'AuditEvent',
            supportedProfile: PROFILES.map(balpProfile),
            interaction: [{ code: 'read' }, { code: 'search-type' }],
            versioning: 'no-version',
            searchParam: AUDIT_PARAMETERS.map(([name, type]) => ({ name, type: type as 'token' })),
            operation: [{ name: 'receipt', definition: 'urn:aceso:operation:receipt' }],
          },
        ],
      },
    ],
  };
}
