import type { JsonObject } from '../../std/canonical-json.ts';
import { rejecter } from '../../std/reject.ts';
import type { Attempt } from './attempts.ts';
import type { Challenges, ChallengeUse } from './challenges.ts';
import { CODES } from './codes.ts';
import { type PasskeyBook, type PasskeyHolder, userHandle } from './passkey-book.ts';
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
   * that both calls come from the browser that did.
   */
  additionOptions(session: string, person: PasskeyHolder): Promise<JsonObject>;
  addPasskey(session: string, person: PasskeyHolder, response: unknown, from: string): Promise<Person>;
}

export function createEnrolment(deps: {
  people: People;
  passkeys: PasskeyBook;
  challenges: Challenges;
  attempt: Attempt;
  party: RelyingParty | undefined;
  clock: () => number;
}): Enrolment {
  const { people, passkeys, challenges, attempt, clock } = deps;

  function party(): RelyingParty {
    if (deps.party === undefined) throw reject('PASSKEYS_UNAVAILABLE');
    return deps.party;
  }

  async function attested({ custodian, account }: PasskeyHolder): Promise<Person> {
    const person = await people.person(custodian, account);
    if (person === undefined) throw reject('PERSON_NOT_ATTESTED');
    return person;
  }

  async function optionsFor(use: ChallengeUse, session: string, holder: PasskeyHolder): Promise<JsonObject> {
    const { custodian, account, label } = await attested(holder);
    const challenge = challenges.issue(use, session);
    const known = await passkeys.passkeysOf(custodian, account);
    return creationOptions(party(), challenge, { handle: userHandle(custodian, account), name: label, known });
  }

  async function take(
    ...[use, session, holder, response, before]: [
      ChallengeUse,
      string,
      PasskeyHolder,
      unknown,
      (() => Promise<void>) | undefined,
    ]
  ): Promise<Person> {
    const relyingParty = party();
    const sent = readCredential(response);
    if (sent === undefined) throw reject('PASSKEY_NOT_TAKEN');
    const state = challenges.check(use, session, sent.challenge);
    if (state === 'expired') throw reject('SIGN_IN_TIMED_OUT');
    const passkey = state === 'open' ? await verifyCredential(relyingParty, sent, clock()) : undefined;
    if (passkey === undefined || !challenges.spend(sent.challenge)) throw reject('PASSKEY_NOT_TAKEN');
    const person = await attested(holder);
    await passkeys.add(holder.custodian, holder.account, passkey, before);
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
