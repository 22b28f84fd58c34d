import type { FastifyBaseLogger } from 'fastify';
import { verifyEd25519, verifyEs256 } from '#crypto/platform';
import type { KeyRecord } from '../../chain/account.ts';
import {
  parseAnswer,
  type SignInAnswer,
  type SignInStatement,
  sessionName,
  signInBytes,
  statementToText,
} from '../../chain/sign-in-statement.ts';
import { primitiveCheck } from '../../chain/signature.ts';
import { base64urlToBytes, bytesToBase64url, bytesToHex, hexToBytes } from '../../std/bytes.ts';
import type { JsonObject } from '../../std/canonical-json.ts';
import { isReject, rejecter } from '../../std/reject.ts';
import type { DocumentStore } from '../documents.ts';
import { type AttemptLimitOptions, createAttemptLimits } from './attempt-limits.ts';
import { createAttempt } from './attempts.ts';
import type { AttestationPort } from './attestation.ts';
import { type ChallengeUse, challengeExpiry, createChallenges } from './challenges.ts';
import { CODES } from './codes.ts';
import type { Credential } from './credential.ts';
import { createEnrolment, type Enrolment } from './enrolment.ts';
import { createHolds, type Holds } from './holds.ts';
import { createPasskeyBook, type PasskeyHolder } from './passkey-book.ts';
import { readAssertion, requestOptions, verifyAssertion } from './passkey-ceremony.ts';
import { createPeople, type People } from './people.ts';
import type { Person } from './person.ts';
import { type RelyingParty, relyingPartyOf } from './relying-party.ts';

export type { Person };

/** Somebody, and by what they have just signed in. */
export type SignedIn = Person & { readonly by: Credential };

const reject = rejecter(CODES);

type Refusal = 'PASSKEY_REFUSED' | 'WALLET_SIGN_IN_REFUSED';

/**
 * How people say who they are. Each call belongs to one attempt, tied to `session` (the OAuth interaction's uid: nobody
 * else can guess it), and comes from an address `from` (the request's). Challenges are single use and hold for five
 * minutes. Throws Rejects of codes.ts; those with data.retryAfterSeconds may be tried again then.
 */
export interface SignIn {
  /** PublicKeyCredentialRequestOptionsJSON: any discoverable passkey of this node, with user verification. */
  passkeyOptions(session: string): Promise<JsonObject>;
  /** `response` is an AuthenticationResponseJSON. */
  passkey(session: string, response: unknown, from: string): Promise<SignedIn>;
  /** What a wallet signs to sign in; one line of text, see chain/sign-in-statement.ts. */
  walletChallenge(session: string): Promise<{ readonly statement: string; readonly expiresAtMs: number }>;
  /** `signed` is the line of text that the wallet gives back. */
  wallet(session: string, signed: unknown, from: string): Promise<SignedIn>;
  /** The person as attested now; undefined once they are not any more: asked at each token's use. */
  person(custodian: string, account: string): Promise<Person | undefined>;
  /** Whether what they signed in by is still theirs: asked with `person`. */
  readonly holds: Holds;
}

/** Signing in, and all that it rests on, for those who wire it. */
export interface SignInDesk extends SignIn {
  readonly people: People;
  readonly enrolment: Enrolment;
}

export interface SignInOptions {
  /** Vaults of this node's organisations; one that does not serve has no documents. */
  readonly stores: readonly DocumentStore[];
  readonly attestation: AttestationPort;
  /** Public address of the node; its host is the relying party of passkeys. */
  readonly baseUrl: string;
  /** Genesis hash of the ledger. */
  readonly chain: string;
  /** How often it may fail. */
  readonly limits?: AttemptLimitOptions;
  readonly clock: () => number;
  readonly log: Pick<FastifyBaseLogger, 'warn'>;
}

export function createSignIn(options: SignInOptions): SignInDesk {
  const { stores, attestation, baseUrl, chain, clock, log } = options;
  const { origin } = new URL(baseUrl);
  const party = relyingPartyOf(baseUrl);
  const passkeys = createPasskeyBook(stores);
  const people = createPeople({ stores, attestation, passkeys, clock });
  const holds = createHolds({ attestation, passkeys });
  const challenges = createChallenges(clock);
  const limits = createAttemptLimits(options.limits);
  const attempt = createAttempt(limits, clock);
  const enrolment = createEnrolment({ people, passkeys, holds, challenges, attempt, attested, relyingParty, clock });

  function relyingParty(): RelyingParty {
    if (party === undefined) throw reject('PASSKEYS_UNAVAILABLE');
    return party;
  }

  function requireOpen(use: ChallengeUse, session: string, challenge: Uint8Array, refusal: Refusal): void {
    const state = challenges.check(use, session, challenge);
    if (state === 'expired') throw reject('SIGN_IN_TIMED_OUT');
    if (state === 'wrong') throw reject(refusal);
  }

  async function attested({ custodian, account }: PasskeyHolder): Promise<Person> {
    const person = await people.person(custodian, account);
    if (person === undefined) throw reject('PERSON_NOT_ATTESTED');
    return person;
  }

  /** Nothing is counted against a passkey, or said of its holder, before its signature was found right. */
  async function byPasskey(session: string, response: unknown): Promise<SignedIn> {
    const sent = readAssertion(response);
    if (sent === undefined) throw reject('PASSKEY_REFUSED');
    requireOpen('passkey', session, sent.challenge, 'PASSKEY_REFUSED');
    const found = await passkeys.find(sent.userHandle, sent.id);
    const proved = found && (await verifyAssertion(relyingParty(), sent, found.passkey));
    if (found === undefined || proved === undefined || !challenges.spend(sent.challenge, found.holder.account))
      throw reject('PASSKEY_REFUSED');
    const { holder, passkey } = found;
    const credential = `${bytesToHex(sent.userHandle)} ${passkey.id}`;
    const waitMs = limits.credentialWaitMs(credential, clock());
    if (waitMs > 0) throw reject('PASSKEY_PAUSED', { retryAfterSeconds: Math.ceil(waitMs / 1000) });
    try {
      if (!proved.isUserVerified) throw reject('PASSKEY_PERSON_UNVERIFIED');
      const person = await attested(holder);
      const by: Credential = `passkey:${passkey.id}`;
      if (!(await holds(holder, by))) throw reject('PASSKEY_LAPSED');
      await countUse(person, passkey.id, proved.counter);
      limits.credentialWorked(credential);
      return { ...person, by };
    } catch (error) {
      if (isReject(error)) limits.credentialFailed(credential, clock());
      throw error;
    }
  }

  /**
   * Keeps the counter that was seen. One that did not grow means that somebody else used a copy meanwhile (WebAuthn L3
   * §6.1.1): refused, said in the log, and kept for the administrator's list. Authenticators that do not count say 0.
   */
  async function countUse(person: Person, id: string, counter: number): Promise<void> {
    let wentBack = false;
    await passkeys.update(person, id, (passkey) => {
      wentBack = (counter > 0 || passkey.counter > 0) && counter <= passkey.counter;
      return wentBack ? { ...passkey, wentBackMs: clock() } : { ...passkey, counter, usedMs: clock() };
    });
    if (!wentBack) return;
    const { custodian, account, kind } = person;
    // Patients' accounts are in no log.
    const who = kind === 'practitioner' ? { custodian, account } : { custodian };
    log.warn(who, 'the counter of a passkey went back');
    throw reject('PASSKEY_COUNTER_WENT_BACK');
  }

  async function byWallet(session: string, signed: unknown): Promise<SignedIn> {
    const answer = typeof signed === 'string' ? parseAnswer(signed.trim()) : undefined;
    const challenge = answer && base64urlToBytes(answer.challenge);
    if (answer === undefined || challenge === undefined) throw reject('WALLET_SIGN_IN_REFUSED');
    requireOpen('wallet', session, challenge, 'WALLET_SIGN_IN_REFUSED');
    const statement = statementOf(session, challenge);
    const known = attestation.attested(answer.custodian, answer.account);
    // Delegates sign for themselves, not for the patient: only a patient's own keys sign in.
    const keys = known?.kind === 'patient' ? known.keys : [];
    const isSigned = await isSignedBy(keys, answer, signInBytes(statement, answer.custodian, answer.account));
    if (!isSigned || !challenges.spend(challenge, answer.account)) throw reject('WALLET_SIGN_IN_REFUSED');
    return { ...(await attested(answer)), by: `wallet:${answer.key}` };
  }

  function statementOf(session: string, challenge: Uint8Array): SignInStatement {
    const expiresAtMs = challengeExpiry(challenge);
    return { chain, origin, session: sessionName(session), challenge: bytesToBase64url(challenge), expiresAtMs };
  }

  return {
    people,
    enrolment,
    person: people.person,
    holds,
    async passkeyOptions(session) {
      return requestOptions(relyingParty(), challenges.issue('passkey', session));
    },
    passkey: (session, response, from) => attempt(session, from, () => byPasskey(session, response)),
    async walletChallenge(session) {
      const statement = statementOf(session, challenges.issue('wallet', session));
      return { statement: statementToText(statement), expiresAtMs: statement.expiresAtMs };
    },
    wallet: (session, signed, from) => attempt(session, from, () => byWallet(session, signed)),
  };
}

/** By the algorithm of the ledger's key record, never by what the answer says. */
async function isSignedBy(keys: readonly KeyRecord[], answer: SignInAnswer, message: Uint8Array): Promise<boolean> {
  const key = keys.find(({ id }) => id === answer.key);
  const [publicKey, signature] = [hexToBytes(key?.publicKey ?? ''), base64urlToBytes(answer.signature)];
  if (key === undefined || publicKey === undefined || signature === undefined) return false;
  const { algorithm, rpIdHash, origin } = key;
  const check = primitiveCheck({
    ...{ account: answer.account, keyRecordHash: '', algorithm, publicKey, message, signature },
    ...(rpIdHash === undefined ? {} : { rpIdHash }),
    ...(origin === undefined ? {} : { origin }),
  });
  if (check === undefined) return false;
  const verify = check.algorithm === 'ed25519' ? verifyEd25519 : verifyEs256;
  return verify(check.publicKey, check.message, check.signature);
}
