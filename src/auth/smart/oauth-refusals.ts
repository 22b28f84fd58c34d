import type { IncomingMessage } from 'node:http';
import type Provider from 'oidc-provider';
import type { KoaContextWithOIDC } from 'oidc-provider';

/**
 * Errors that this server may answer, by the names that are registered for them: RFC 6749 §4.1.2.1 and §5.2, OpenID
 * Connect Core §3.1.2.6, RFC 6750 §3.1, RFC 7009 §2.2.1, RFC 8707 §2; `invalid_redirect_uri` is of RFC 7591 §3.2.2.
 */
const REGISTERED: ReadonlySet<string> = new Set([
  ...['invalid_request', 'unauthorized_client', 'access_denied', 'unsupported_response_type', 'invalid_scope'],
  ...['server_error', 'temporarily_unavailable', 'invalid_client', 'invalid_grant', 'unsupported_grant_type'],
  ...['interaction_required', 'login_required', 'account_selection_required', 'consent_required'],
  ...['invalid_request_uri', 'invalid_request_object', 'request_not_supported', 'request_uri_not_supported'],
  ...['registration_not_supported', 'invalid_token', 'insufficient_scope', 'unsupported_token_type', 'invalid_target'],
  'invalid_redirect_uri',
]);

/** Refusals that the provider answers past the framework, as codes to be counted. */
export interface OAuthRefusals {
  /** Listens to a provider, once for each that there is. */
  watch(provider: Provider): void;
  /** After the answer with that status: the code of what was refused; undefined for what was not. */
  codeOf(request: IncomingMessage, status: number): string | undefined;
}

/** Codes come from the small set above, whatever is sent: what has no name there counts by its status. */
export function createOAuthRefusals(): OAuthRefusals {
  const watched = new WeakSet<Provider>();
  const said = new WeakMap<IncomingMessage, string>();

  function note({ req }: KoaContextWithOIDC, refusal: Error & { readonly error?: string }): void {
    const { error = 'server_error' } = refusal;
    said.set(req, REGISTERED.has(error) ? error : 'server_error');
  }

  return {
    watch(provider) {
      if (watched.has(provider)) return;
      watched.add(provider);
      provider.on('authorization.error', note).on('grant.error', note).on('introspection.error', note);
      provider.on('revocation.error', note).on('jwks.error', note).on('discovery.error', note);
      provider.on('server_error', note);
    },
    codeOf(request, status) {
      if (status < 400) return said.get(request);
      return said.get(request) ?? (status < 500 ? 'invalid_request' : 'server_error');
    },
  };
}
