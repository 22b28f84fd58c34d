import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { bytesToBase64, utf8 } from '../../std/bytes.ts';
import { rejecter } from '../../std/reject.ts';
import type { AskProvider } from './ask-provider.ts';
import { CODES } from './codes.ts';
import type { ProviderMetadata } from './provider-metadata.ts';
import type { ProviderSettings } from './provider-settings.ts';

const reject = rejecter(CODES);

const TokenAnswer = Type.Object({ id_token: Type.String({ minLength: 1, maxLength: 16_384 }) });

/**
 * The ID token for a code (OpenID Connect Core §3.1.3). The access token that comes with it is dropped: nothing else is
 * asked of the provider. Throws Reject EXTERNAL_CODE_REFUSED, EXTERNAL_PROVIDER_UNAVAILABLE, EXTERNAL_PROVIDER_UNFIT.
 */
export async function exchangeCode(
  ask: AskProvider,
  custodian: string,
  given: {
    provider: ProviderSettings;
    metadata: ProviderMetadata;
    code: string;
    verifier: string;
    redirectUri: string;
  },
): Promise<string> {
  const { provider, metadata, code, verifier, redirectUri } = given;
  const form = new URLSearchParams({
    ...{ grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: redirectUri },
  });
  const headers: Record<string, string> = { 'content-type': 'application/x-www-form-urlencoded' };
  const { client_id: id, client_secret: secret = '' } = provider;
  const methods = metadata.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
  if (methods.includes('client_secret_basic')) {
    headers.authorization = `Basic ${bytesToBase64(utf8(`${formEncoded(id)}:${formEncoded(secret)}`))}`;
  } else if (methods.includes('client_secret_post')) {
    form.set('client_id', id);
    form.set('client_secret', secret);
  } else {
    throw reject('EXTERNAL_PROVIDER_UNFIT', { reason: 'token_endpoint_auth_methods_supported' });
  }
  const { status, json } = await ask(custodian, {
    ...{ url: metadata.token_endpoint, method: 'POST', headers, body: utf8(form.toString()) },
  });
  if (status >= 500) throw reject('EXTERNAL_PROVIDER_UNAVAILABLE', { reason: `token: ${status}` });
  if (status !== 200 || !Value.Check(TokenAnswer, json)) throw reject('EXTERNAL_CODE_REFUSED');
  return json.id_token;
}

/** RFC 6749 §2.3.1 and Appendix B. */
function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}
