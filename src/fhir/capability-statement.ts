import type { CapabilityStatement, CapabilityStatementRestResource } from '@medplum/fhirtypes';
import type { FhirServer } from './context.ts';
import { instant } from './resource-text.ts';

/** Interactions and parameters that every type has; the router serves exactly these. */
const INTERACTIONS = ['read', 'vread', 'update', 'delete', 'history-instance', 'create', 'search-type'] as const;
const PARAMETER_TYPES = { identifier: 'token', patient: 'reference', subject: 'reference' } as const;

/** `GET metadata` (R4 §3.1.0.9): what is registered, nothing else. `startedMs` is when this process began to serve it. */
export function capabilityStatement(
  server: FhirServer,
  software: { name: string; version: string },
  startedMs: number,
): CapabilityStatement {
  return {
    resourceType: 'CapabilityStatement',
    status: 'active',
    date: instant(startedMs),
    kind: 'instance',
    software,
    implementation: { description: `${software.name} FHIR R4 server`, url: server.baseUrl },
    fhirVersion: server.definitions.fhirVersion as CapabilityStatement['fhirVersion'],
    format: ['application/fhir+json', 'json'],
    rest: [
      {
        mode: 'server',
        documentation:
          'Unknown search parameters are refused unless Prefer: handling=lenient. Bodies are kept exactly as sent but for ' +
          'id, meta.versionId, meta.lastUpdated, rewritten references and whitespace. GET entries of a transaction are ' +
          'answered after it is written.',
        interaction: [{ code: 'transaction' }, { code: 'batch' }],
        resource: Object.keys(server.definitions.resources).map((type) => resourceOf(server, type)),
      },
    ],
  };
}

function resourceOf(server: FhirServer, type: string): CapabilityStatementRestResource {
  const search = server.definitions.resources[type]?.search ?? {};
  return {
    type: type as NonNullable<CapabilityStatementRestResource['type']>,
    interaction: INTERACTIONS.map((code) => ({ code })),
    versioning: 'versioned',
    readHistory: true,
    updateCreate: true,
    conditionalCreate: true,
    conditionalRead: 'not-supported',
    conditionalUpdate: false,
    conditionalDelete: 'not-supported',
    referencePolicy: ['literal', 'logical', 'enforced'],
    searchParam: [
      { name: '_id', type: 'token' },
      ...(['identifier', 'patient', 'subject'] as const).flatMap((name) =>
        search[name] === undefined ? [] : [{ name, type: PARAMETER_TYPES[name] }],
      ),
    ],
  };
}
