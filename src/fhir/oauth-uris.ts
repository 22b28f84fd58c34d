import type { CapabilityStatementRestSecurity } from '@medplum/fhirtypes';

/** Endpoints of the authorization server that stands before the service. */
export interface OAuthUris {
  readonly authorize: string;
  readonly token: string;
  readonly introspect: string;
  readonly revoke: string;
  readonly register: string;
}

const URIS = 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris';

/** `CapabilityStatement.rest.security` as SMART App Launch 1.0 had it, which many clients still read. */
export function smartSecurity(uris: OAuthUris): CapabilityStatementRestSecurity {
  const extension = Object.entries(uris).map(([url, valueUri]) => ({ url, valueUri: String(valueUri) }));
  const system = 'http://terminology.hl7.org/CodeSystem/restful-security-service';
  return {
    extension: [{ url: URIS, extension }],
    cors: true,
    service: [{ coding: [{ system, code: 'SMART-on-FHIR' }] }],
    description: 'SMART App Launch 2.2; see .well-known/smart-configuration.',
  };
}
