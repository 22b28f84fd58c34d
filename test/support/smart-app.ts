import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { Browser, type Colleague, type Landing, newPkce, type SmartNode, signIn } from './smart-node.ts';

/** What an app does at the authorization server, step by step, so that tests may do each step wrong. */

export const REDIRECT = 'https://app.example/callback';

export const APP = {
  client_name: 'Growth charts',
  redirect_uris: [REDIRECT],
  token_endpoint_auth_method: 'none',
  scope: 'openid fhirUser launch launch/patient offline_access patient/*.cruds user/*.cruds',
};

export interface AuthorizeParameters {
  readonly client_id: string;
  readonly code_challenge: string;
  readonly [name: string]: string | undefined;
}

/** Address of an authorization request; a parameter that is undefined is left out. */
export function authorizeUrl({ baseUrl, fhirUrl }: SmartNode, given: AuthorizeParameters): string {
  const parameters = {
    response_type: 'code',
    redirect_uri: REDIRECT,
    scope: 'openid fhirUser launch/patient offline_access patient/Patient.rs patient/Observation.rs',
    state: 'state-of-the-app',
    aud: fhirUrl,
    code_challenge_method: 'S256',
    ...given,
  };
  const said = Object.entries(parameters).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return `${baseUrl}/auth/authorize?${new URLSearchParams(said)}`;
}

/** Scopes that the consent page offers. */
export function scopesOn(text: string): string[] {
  return [...text.matchAll(/name="scope" value="([^"]+)"/g)].map((found) => (found[1] ?? '').replaceAll('&amp;', '&'));
}

/** Family name of a patient whom everybody of the first organisation may see. */
export async function familyAt({ fhir, admin }: SmartNode): Promise<string> {
  const { json } = await fhir(admin, 'Patient?_count=1');
  return json.entry[0].resource.name[0].family;
}

/** Searches the patient by name on the consent page; the id of the first who is offered. */
export async function findPatient(browser: Browser, { at }: Landing, name: string): Promise<string> {
  const { text } = await browser.request(`${at}?search=${encodeURIComponent(name)}`);
  const id = /type="radio" name="patient" value="([^"]+)"/.exec(text)?.[1];
  assert.ok(id !== undefined, text);
  return id;
}

/** Allows all that the consent page offers; where the browser ends. */
export function allow(browser: Browser, consent: Landing, patient?: string): Promise<Landing> {
  const scopes = scopesOn(consent.answer.text);
  return browser.form(`${consent.at}/consent`, [
    ...(patient === undefined ? [] : [['patient', patient] as const]),
    ...scopes.map((scope) => ['scope', scope] as const),
  ]);
}

export interface TokenAnswer {
  readonly status: number;
  readonly json: Readonly<Record<string, string>>;
}

export async function tokenRequest(
  { baseUrl }: Pick<SmartNode, 'baseUrl'>,
  fields: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<TokenAnswer> {
  const response = await fetch(`${baseUrl}/auth/token`, {
    method: 'POST',
    headers: { ...headers },
    body: new URLSearchParams(fields),
  });
  return { status: response.status, json: (await response.json()) as Record<string, string> };
}

/** What an app has of an authorization that came to its end. */
export interface Authorized {
  readonly code: string;
  readonly verifier: string;
}

/** The code that the browser brings back to the app. */
export function codeAt({ at, answer }: Landing): string {
  const code = new URL(at).searchParams.get('code');
  assert.ok(code !== null, answer.text);
  return code;
}

/** Runs an authorization to its code: signs in, chooses the patient of that family name if one is given, allows all. */
export async function authorized(
  node: SmartNode,
  {
    clientId,
    colleague,
    family,
    ...more
  }: { clientId: string; colleague: Colleague; family?: string } & Record<string, unknown>,
): Promise<Authorized & { readonly patient: string | undefined }> {
  const browser = new Browser(node.baseUrl);
  const { verifier, challenge } = newPkce();
  const url = authorizeUrl(node, {
    client_id: clientId,
    code_challenge: challenge,
    ...(more as Record<string, string>),
  });
  const consent = await signIn(browser, await browser.follow(url), colleague);
  const patient = family === undefined ? undefined : await findPatient(browser, consent, family);
  return { code: codeAt(await allow(browser, consent, patient)), verifier, patient };
}

/** Exchanges a code for tokens, as the app that it was given to. */
export function exchange(node: SmartNode, clientId: string, { code, verifier }: Authorized): Promise<TokenAnswer> {
  const grant = { grant_type: 'authorization_code', redirect_uri: REDIRECT };
  return tokenRequest(node, { ...grant, code, client_id: clientId, code_verifier: verifier });
}

/** A key of a back-end service, RS384 or ES384 (SMART App Launch 2.2, "Asymmetric authentication"). */
export interface ServiceKey {
  readonly alg: 'RS384' | 'ES384';
  readonly jwk: Record<string, unknown>;
  readonly privateKey: KeyObject;
}

export function newServiceKey(alg: 'RS384' | 'ES384'): ServiceKey {
  const pair =
    alg === 'RS384'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const kid = randomUUID();
  const privateKey = createPrivateKey(pair.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  return { alg, jwk: { ...pair.publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' }, privateKey };
}

export interface AssertionOptions {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
  /** Seconds from now. */
  readonly expiresIn?: number;
}

/** A signed assertion of a client, right unless told otherwise. */
export function assertionOf(
  { baseUrl }: Pick<SmartNode, 'baseUrl'>,
  clientId: string,
  { alg, jwk, privateKey }: ServiceKey,
  { claims = {}, header = {}, expiresIn = 60 }: AssertionOptions = {},
): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const said = { iss: clientId, sub: clientId, aud: `${baseUrl}/auth/token`, exp: now + expiresIn, jti: randomUUID() };
  return new SignJWT({ ...said, ...claims })
    .setProtectedHeader({ alg, kid: jwk.kid as string, typ: 'JWT', ...header })
    .sign(privateKey);
}

export function serviceToken(
  node: Pick<SmartNode, 'baseUrl'>,
  assertion: string,
  scope = 'system/*.rs',
): Promise<TokenAnswer> {
  return tokenRequest(node, {
    grant_type: 'client_credentials',
    scope,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
  });
}

/** A registration of a back-end service with this key. */
export function serviceOf(key: ServiceKey, more: object = {}): object {
  return {
    client_name: 'Quality measures',
    grant_types: ['client_credentials'],
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [key.jwk] },
    scope: 'system/*.rs',
    actor: { purposes: ['HOPERAT', 'TREAT'] },
    ...more,
  };
}
