import type { JsonObject } from '../../std/canonical-json.ts';
import { rejecter } from '../../std/reject.ts';
import type { Attempt } from './attempts.ts';
import type { Challenges, ChallengeUse } from './challenges.ts';
import { CODES } from './codes.ts';
import type { Credential } from './credential.ts';
import type { Holds } from './holds.ts';
import { type Passkey, type PasskeyBook, type PasskeyHolder, userHandle } from './passkey-book.ts';
import { creationOptions, readCredential, verifyCredential } from './passkey-ceremony.ts';
import type { People } from './people.ts';
import type { Person } from './person.ts';
import type { RelyingParty } from './relying-party.ts';

const reject = rejecter(CODES);

/**
 * How passkeys come to people: by an administrator's link, or beside one who has just signed in otherwise. Throws
 * Rejects of codes.ts.
 */
export interface Enrolment {
  /** PublicKeyCredentialCreationOptionsJSON for whom the link was made. */
  options(code: string, from: string): Promise<JsonObject>;
  /** Takes the passkey, a RegistrationResponseJSON, and uses the link up. */
  enrol(code: string, response: unknown, from: string): Promise<Person>;
  /**
   * The same for somebody who signed in within this very session: the caller sees to it that this was a moment ago, and
   * that both calls come from the browser that did. The passkey holds for as long as what they signed in by.
   */
  additionOptions(session: string, person: PasskeyHolder): Promise<JsonObject>;
  addPasskey(session: string, person: SignedInBy, response: unknown, from: string): Promise<Person>;
}

/** Somebody, and by what they signed in. */
type SignedInBy = PasskeyHolder & { readonly by: Credential };

export function createEnrolment(deps: {
  people: People;
  passkeys: PasskeyBook;
  holds: Holds;
  challenges: Challenges;
  attempt: Attempt;
  /** Throws Reject PERSON_NOT_ATTESTED. */
  attested: (holder: PasskeyHolder) => Promise<Person>;
  /** Throws Reject PASSKEYS_UNAVAILABLE. */
  relyingParty: () => RelyingParty;
  clock: () => number;
}): Enrolment {
  const { people, passkeys, holds, challenges, attempt, attested, relyingParty, clock } = deps;

  async function optionsFor(use: ChallengeUse, session: string, holder: PasskeyHolder): Promise<JsonObject> {
    const { custodian, account, label } = await attested(holder);
    const challenge = challenges.issue(use, session);
    // A device that keeps one which ended may make another in its place.
    const known = (await standing(holder)).filter(({ isHeld }) => isHeld).map(({ passkey }) => passkey);
    return creationOptions(relyingParty(), challenge, { handle: userHandle(custodian, account), name: label, known });
  }

  async function standing(
    holder: PasskeyHolder,
  ): Promise<readonly { readonly passkey: Passkey; readonly isHeld: boolean }[]> {
    const known = await passkeys.passkeysOf(holder.custodian, holder.account);
    return Promise.all(
      known.map(async (passkey) => ({ passkey, isHeld: await holds(holder, `passkey:${passkey.id}`) })),
    );
  }

  async function take(
    ...[use, session, holder, response, before]: [
      ChallengeUse,
      string,
      PasskeyHolder & { readonly by?: Credential },
      unknown,
      (() => Promise<void>) | undefined,
    ]
  ): Promise<Person> {
    const party = relyingParty();
    const sent = readCredential(response);
    if (sent === undefined) throw reject('PASSKEY_NOT_TAKEN');
    const state = challenges.check(use, session, sent.challenge);
    if (state === 'expired') throw reject('SIGN_IN_TIMED_OUT');
    const passkey = state === 'open' ? await verifyCredential(party, sent, clock()) : undefined;
    if (passkey === undefined || !challenges.spend(sent.challenge, holder.account)) throw reject('PASSKEY_NOT_TAKEN');
    const person = await attested(holder);
    const { custodian, account, by } = holder;
    // Those that ended are in nobody's way.
    for (const { passkey: ended, isHeld } of await standing(holder))
      if (!isHeld) await passkeys.update({ custodian, account }, ended.id, () => undefined);
    await passkeys.add(custodian, account, by === undefined ? passkey : { ...passkey, by }, before);
    return person;
  }

  return {
    options: (code, from) => attempt(code, from, async () => optionsFor('enrolment', code, await people.invited(code))),
    enrol: (code, response, from) =>
      attempt(code, from, async () => {
        const holder = await people.invited(code);
        // The link is used up before the passkey is kept: a crash between costs another link, and never opens two.
        return take('enrolment', code, holder, response, () => people.redeem(code));
      }),
    additionOptions: (session, person) => optionsFor('addition', session, person),
    addPasskey: (session, person, response, from) =>
      attempt(session, from, () => take('addition', session, person, response, undefined)),
  };
}
