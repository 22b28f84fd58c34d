import { LAUNCH_SCOPES } from './registered-scopes.ts';

/** Capabilities of SMART App Launch 2.2, "Conformance": those that tests show. */
const CAPABILITIES = [
  ...['launch-ehr', 'launch-standalone', 'client-public', 'client-confidential-symmetric'],
  ...['client-confidential-asymmetric', 'sso-openid-connect', 'context-banner'],
  ...['context-ehr-patient', 'context-ehr-encounter', 'context-standalone-patient'],
  ...['permission-offline', 'permission-online', 'permission-patient', 'permission-user'],
  ...['permission-v1', 'permission-v2'],
];

/** The endpoints, below the issuer. */
export function smartEndpoints(issuer: string) {
  return {
    authorize: `${issuer}/authorize`,
    token: `${issuer}/token`,
    introspect: `${issuer}/introspect`,
    revoke: `${issuer}/revoke`,
    register: `${issuer}/register`,
  } as const;
}

/** `.well-known/smart-configuration` (SMART App Launch 2.2, "Metadata"). */
export function smartConfiguration(issuer: string): object {
  const { authorize, token, introspect, revoke, register } = smartEndpoints(issuer);
  return {
    issuer,
    jwks_uri: `${issuer}/jwks`,
    authorization_endpoint: authorize,
    token_endpoint: token,
    introspection_endpoint: introspect,
    revocation_endpoint: revoke,
    registration_endpoint: register,
    token_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'private_key_jwt'],
    token_endpoint_auth_signing_alg_values_supported: ['RS384', 'ES384'],
    grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials'],
    response_types_supported: ['code'],
    code_challenge_methods_supported: ['S256'],
    scopes_supported: [...LAUNCH_SCOPES, 'patient/*.cruds', 'user/*.cruds', 'system/*.cruds'],
    capabilities: CAPABILITIES,
  };
}
