import type { DocumentStore } from '../documents.ts';
import type { ClientRegistration, ClientRegistry } from './client-registry.ts';

/** Path below the issuer of the page on which people see what they allowed, and end it. */
export const ACCOUNT_PATH = '/account';

const PREFIX = 'own-page.';
const NAME = 'your apps and sign-ins';
/** S256 of nothing: this client is given no code, so there is nothing to exchange. */
const CHALLENGE = '47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU';

/** Whether a client is the node's own page: people sign in to it, and it asks for no consent and gets no token. */
export function isOwnPage({ client_id: id }: Pick<ClientRegistration, 'client_id'>): boolean {
  return id.startsWith(PREFIX);
}

/**
 * The registered clients and, for each organisation that serves, the node's own page, so that people sign in to it in the
 * ways that they sign in to apps. Ids of clients have no dot.
 */
export function withOwnPage(
  clients: ClientRegistry,
  stores: readonly Pick<DocumentStore, 'custodian'>[],
  issuer: string,
): ClientRegistry {
  function ownPage(id: string) {
    const custodian = stores.find((one) => id === `${PREFIX}${one.custodian}`)?.custodian;
    const shown = { client_id: id, client_name: NAME, redirect_uris: [`${issuer}${ACCOUNT_PATH}`], scope: 'openid' };
    return custodian === undefined ? undefined : { ...shown, token_endpoint_auth_method: 'none' as const, custodian };
  }

  return {
    ...clients,
    client(id) {
      const own = ownPage(id);
      return own === undefined ? clients.client(id) : { ...own, registeredAtMs: 0 };
    },
    metadata(id) {
      const own = ownPage(id);
      if (own === undefined) return clients.metadata(id);
      const { custodian: _of, ...shown } = own;
      const application_type = issuer.startsWith('http:') ? 'native' : 'web';
      return { ...shown, grant_types: ['authorization_code'], response_types: ['code'], application_type };
    },
  };
}

/** Query of the request by which somebody signs in to the page, as somebody of that organisation. */
export function ownPageRequest(custodian: string, issuer: string, fhirUrl: string): string {
  return new URLSearchParams({
    ...{ client_id: `${PREFIX}${custodian}`, response_type: 'code', redirect_uri: `${issuer}${ACCOUNT_PATH}` },
    ...{ scope: 'openid', aud: fhirUrl, code_challenge: CHALLENGE, code_challenge_method: 'S256' },
  }).toString();
}
