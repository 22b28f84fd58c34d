import { base64urlToBytes, bytesToBase64url } from '../../std/bytes.ts';

/*
 * What the pages that make and use passkeys have in common: JSON to and from the node, the browser's dialog, and plain
 * words for what went wrong.
 */

/** A refusal of the node, in its own words. */
class Refused extends Error {
  override readonly name = 'Refused';
}

/** Longest answer that is shown, in characters. */
const MAX_SENTENCE = 400;

/** JSON of the node's answer. Throws an error whose words `explain` gives. */
export async function postJson(url: string, body: object): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    credentials: 'same-origin',
  });
  const answer: unknown = await response.json().catch(() => undefined);
  if (!response.ok) throw new Refused(sentenceOf(answer));
  return answer;
}

function sentenceOf(answer: unknown): string {
  const {
    code = '',
    message = '',
    data,
  } = (answer ?? {}) as {
    code?: string;
    message?: string;
    data?: { retryAfterSeconds?: number };
  };
  // The node's sentence begins with its code, which is for programs.
  const sentence = message.startsWith(`${code}: `) ? message.slice(code.length + 2) : message;
  const wait = data?.retryAfterSeconds === undefined ? '' : ` (${data.retryAfterSeconds} seconds)`;
  return sentence === '' ? 'The server refused this and did not say why.' : `${sentence.slice(0, MAX_SENTENCE)}${wait}`;
}

/** AuthenticationResponseJSON of the passkey that the person chose. */
export async function usePasskey(options: PublicKeyCredentialRequestOptionsJSON): Promise<object> {
  requirePasskeys();
  const publicKey =
    PublicKeyCredential.parseRequestOptionsFromJSON?.(options) ??
    ({ ...options, challenge: bytesOf(options.challenge) } as unknown as PublicKeyCredentialRequestOptions);
  return responseOf(await navigator.credentials.get({ publicKey }));
}

/** RegistrationResponseJSON of a new passkey. */
export async function makePasskey(options: PublicKeyCredentialCreationOptionsJSON): Promise<object> {
  requirePasskeys();
  const publicKey =
    PublicKeyCredential.parseCreationOptionsFromJSON?.(options) ??
    ({
      ...options,
      challenge: bytesOf(options.challenge),
      user: { ...options.user, id: bytesOf(options.user.id) },
      excludeCredentials: options.excludeCredentials?.map((known) => ({ ...known, id: bytesOf(known.id) })),
    } as unknown as PublicKeyCredentialCreationOptions);
  return responseOf(await navigator.credentials.create({ publicKey }));
}

function requirePasskeys(): void {
  if (typeof PublicKeyCredential === 'undefined')
    throw new Refused('This browser has no passkeys, or the page is not on https; use a newer browser.');
}

function bytesOf(text: string): Uint8Array {
  return base64urlToBytes(text) ?? new Uint8Array();
}

/** What the node reads of a credential; written out, since not all browsers have `toJSON`. */
function responseOf(credential: Credential | null): object {
  if (!(credential instanceof PublicKeyCredential)) throw new Refused('The browser gave no passkey; try again.');
  const { id, response } = credential;
  const clientDataJSON = textOf(response.clientDataJSON);
  if (response instanceof AuthenticatorAttestationResponse) {
    const transports = response.getTransports?.() ?? [];
    return { id, response: { clientDataJSON, attestationObject: textOf(response.attestationObject), transports } };
  }
  const { authenticatorData, signature, userHandle } = response as AuthenticatorAssertionResponse;
  const sent = { clientDataJSON, authenticatorData: textOf(authenticatorData), signature: textOf(signature) };
  return { id, response: userHandle === null ? sent : { ...sent, userHandle: textOf(userHandle) } };
}

function textOf(buffer: ArrayBuffer): string {
  return bytesToBase64url(new Uint8Array(buffer));
}

/** What went wrong, and what to do, for the person before the page. */
export function explain(error: unknown): string {
  if (error instanceof Refused) return error.message;
  if (error instanceof DOMException)
    return DIALOG_WORDS[error.name] ?? 'The device could not do this; try another one.';
  if (error instanceof TypeError) return 'The server does not answer; check the connection, and try again.';
  return 'Something went wrong on this page; load it again.';
}

/** What browsers throw (WebAuthn L3 §5.1.3, §5.1.4). They do not say whether somebody cancelled or has no passkey. */
const DIALOG_WORDS: Readonly<Record<string, string>> = {
  NotAllowedError: 'That was cancelled, took too long, or this device has no passkey for this address. Try again.',
  InvalidStateError: 'This device holds a passkey of yours already; sign in with it.',
  SecurityError: 'Passkeys do not work at this address; ask the operator to set the node’s public address.',
  NotSupportedError: 'This device makes no passkeys of a kind that is taken here; try another one.',
  ConstraintError: 'This device cannot ask for a PIN, fingerprint or face; set that up on it, or try another one.',
};

export function byId<T extends HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no ${id}`);
  return element as T;
}

/** Runs `work` at each press of a button, one at a time; says in #fault what went wrong. */
export function atPress(button: HTMLButtonElement, work: () => Promise<void>): void {
  const fault = byId('fault');
  button.addEventListener('click', async () => {
    button.disabled = true;
    fault.textContent = '';
    try {
      await work();
    } catch (error) {
      fault.textContent = explain(error);
    } finally {
      button.disabled = false;
    }
  });
}
