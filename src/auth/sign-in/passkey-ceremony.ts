import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server';
import type { AttestationObject } from '@simplewebauthn/server/helpers';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { base64urlToBytes, bytesToBase64url, utf8ToText } from '../../std/bytes.ts';
import type { JsonObject } from '../../std/canonical-json.ts';
import { CHALLENGE_LIFE_MS } from './challenges.ts';
import type { Passkey } from './passkey-book.ts';
import type { RelyingParty } from './relying-party.ts';

/*
 * The two ceremonies of WebAuthn (L3 §7.1, §7.2), as far as they need nothing but what was sent. Every passkey is
 * discoverable, made and used with user verification. No attestation is asked for: which make an authenticator is of
 * is nobody's business here, and its certificates would be parsed, and looked up, for whoever sends some.
 */

/** EdDSA, ES256, RS256 (IANA COSE Algorithms). */
const ALGORITHMS = [-8, -7, -257];

/** Loaded when somebody comes with a passkey: it would be a part of each start. */
const webauthn = () => import('@simplewebauthn/server');

const base64url = (most: number) => Type.String({ pattern: '^[A-Za-z0-9_-]+$', maxLength: most });
/** Credential ids have at most 1023 bytes (L3 §4). */
const CredentialId = base64url(1364);

const AssertionForm = Type.Object({
  id: CredentialId,
  response: Type.Object({
    clientDataJSON: base64url(4096),
    authenticatorData: base64url(4096),
    signature: base64url(1024),
    userHandle: base64url(86),
  }),
});

const AttestationForm = Type.Object({
  id: CredentialId,
  response: Type.Object({
    clientDataJSON: base64url(4096),
    attestationObject: base64url(8192),
    transports: Type.Optional(Type.Array(Type.String({ pattern: '^[a-z-]{1,16}$' }), { maxItems: 8 })),
  }),
});

/** An assertion of the right form, of which nothing is proved. */
export interface SentAssertion {
  readonly json: AuthenticationResponseJSON;
  readonly id: string;
  readonly userHandle: Uint8Array;
  readonly challenge: Uint8Array;
}

export interface SentCredential {
  readonly json: RegistrationResponseJSON;
  readonly challenge: Uint8Array;
}

/** PublicKeyCredentialRequestOptionsJSON for any passkey of this node. */
export async function requestOptions(party: RelyingParty, challenge: Uint8Array): Promise<JsonObject> {
  const { generateAuthenticationOptions } = await webauthn();
  const options = await generateAuthenticationOptions({
    rpID: party.id,
    challenge: new Uint8Array(challenge),
    userVerification: 'required',
    timeout: CHALLENGE_LIFE_MS,
  });
  return plain(options);
}

/** PublicKeyCredentialCreationOptionsJSON; `name` is shown by the device when it offers the passkey. */
export async function creationOptions(
  party: RelyingParty,
  challenge: Uint8Array,
  user: { readonly handle: Uint8Array; readonly name: string; readonly known: readonly Passkey[] },
): Promise<JsonObject> {
  const { generateRegistrationOptions } = await webauthn();
  const options = await generateRegistrationOptions({
    rpName: 'Aceso',
    rpID: party.id,
    userID: new Uint8Array(user.handle),
    userName: user.name,
    userDisplayName: user.name,
    challenge: new Uint8Array(challenge),
    timeout: CHALLENGE_LIFE_MS,
    attestationType: 'none',
    excludeCredentials: user.known.map(({ id, transports }) => ({ id, transports: [...transports] })),
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    supportedAlgorithmIDs: ALGORITHMS,
  });
  return plain(options);
}

/** undefined for what is no assertion, or one made in a page within another. */
export function readAssertion(response: unknown): SentAssertion | undefined {
  if (!Value.Check(AssertionForm, response)) return undefined;
  const { id } = response;
  const { clientDataJSON, authenticatorData, signature, userHandle: handle } = response.response;
  const [challenge, userHandle] = [challengeOf(clientDataJSON), base64urlToBytes(handle)];
  if (challenge === undefined || userHandle === undefined) return undefined;
  const sent = { clientDataJSON, authenticatorData, signature };
  const json = { id, rawId: id, type: 'public-key', response: sent, clientExtensionResults: {} } as const;
  return { json, id, userHandle, challenge };
}

/** undefined for what is no new credential, or one made in a page within another. */
export function readCredential(response: unknown): SentCredential | undefined {
  if (!Value.Check(AttestationForm, response)) return undefined;
  const { id } = response;
  const { clientDataJSON, attestationObject, transports = [] } = response.response;
  const challenge = challengeOf(clientDataJSON);
  if (challenge === undefined) return undefined;
  const sent = { clientDataJSON, attestationObject, transports: transports as never[] };
  return { json: { id, rawId: id, type: 'public-key', response: sent, clientExtensionResults: {} }, challenge };
}

function challengeOf(clientDataJson: string): Uint8Array | undefined {
  try {
    const data = JSON.parse(utf8ToText(base64urlToBytes(clientDataJson) ?? new Uint8Array())) as Record<
      string,
      unknown
    >;
    if (data.crossOrigin === true || data.topOrigin !== undefined || typeof data.challenge !== 'string')
      return undefined;
    return base64urlToBytes(data.challenge);
  } catch {
    return undefined;
  }
}

function expectedOf({ origin, id }: RelyingParty, challenge: Uint8Array) {
  return { expectedChallenge: bytesToBase64url(challenge), expectedOrigin: origin, expectedRPID: id };
}

/**
 * Whether an assertion is signed with the passkey, for this origin and challenge, by somebody who was present. What is
 * then still to be judged: user verification and the counter, which are only worth anything once the signature holds.
 */
export async function verifyAssertion(
  party: RelyingParty,
  { json, challenge }: SentAssertion,
  passkey: Passkey,
): Promise<{ readonly isUserVerified: boolean; readonly counter: number } | undefined> {
  const { verifyAuthenticationResponse } = await webauthn();
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      ...{ response: json, ...expectedOf(party, challenge) },
      requireUserVerification: false,
      credential: {
        id: passkey.id,
        publicKey: new Uint8Array(base64urlToBytes(passkey.publicKey) ?? []),
        counter: 0,
      },
    });
    const { userVerified, newCounter } = authenticationInfo;
    return verified ? { isUserVerified: userVerified, counter: newCounter } : undefined;
  } catch {
    // It throws for whatever is wrong with what was sent, which is all that can be.
    return undefined;
  }
}

/** The passkey of a new credential; undefined unless it was made for this origin and challenge with user verification. */
export async function verifyCredential(
  party: RelyingParty,
  { json, challenge }: SentCredential,
  nowMs: number,
): Promise<Passkey | undefined> {
  const { verifyRegistrationResponse } = await webauthn();
  const { decodeAttestationObject } = await import('@simplewebauthn/server/helpers');
  try {
    const attestation = new Uint8Array(base64urlToBytes(json.response.attestationObject) ?? []);
    if (!isUnattested(decodeAttestationObject(attestation))) return undefined;
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      ...{ response: json, ...expectedOf(party, challenge) },
      requireUserVerification: true,
      supportedAlgorithmIDs: ALGORITHMS,
    });
    if (!verified || registrationInfo === undefined) return undefined;
    const { credential, credentialBackedUp } = registrationInfo;
    // What the browser says it is called is not what was signed.
    if (credential.id !== json.id) return undefined;
    return {
      id: credential.id,
      publicKey: bytesToBase64url(credential.publicKey),
      counter: credential.counter,
      transports: json.response.transports ?? [],
      isSynchronised: credentialBackedUp,
      createdMs: nowMs,
    };
  } catch {
    return undefined;
  }
}

/** `none`, or signed by the new key itself, which browsers let through (L3 §5.1.3); never with certificates. */
function isUnattested(decoded: AttestationObject): boolean {
  const format: string = decoded.get('fmt');
  return format === 'none' || (format === 'packed' && decoded.get('attStmt').get('x5c') === undefined);
}

/** Without the members that are undefined. */
function plain(options: object): JsonObject {
  return JSON.parse(JSON.stringify(options)) as JsonObject;
}
