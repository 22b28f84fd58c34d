import { createExclusive } from '../../jobs/exclusive.ts';
import { type DocumentStore, readJson, writeJson } from '../documents.ts';
import type { ExternalSignIn } from '../external/external-sign-in.ts';
import { type Credential, parseCredential } from '../sign-in/credential.ts';
import type { PasskeyHolder } from '../sign-in/passkey-book.ts';
import type { Person, SignIn } from '../sign-in/sign-in.ts';
import { nameOf } from './oauth-documents.ts';
import { personFromSubject, subjectOf } from './subject.ts';

/**
 * Whether what came of a sign-in still holds. Sessions and grants keep its mark: by what the person signed in, and how
 * often they had signed out everywhere before. Both are asked anew at each use, and so is the ledger, so that a stolen
 * credential's sessions and refresh tokens end with it.
 */
export interface Standing {
  /** What a session and a grant keep of a sign-in. A session's is its `acr`, which is in no token. */
  mark(by: PasskeyHolder & { readonly by: Credential }): Promise<string>;
  /**
   * The person of a subject as far as a mark goes, as attested now; undefined once the account, what they signed in by, or
   * what that was made by is gone, and when they signed out everywhere since.
   */
  personBy(subject: string | undefined, mark: string | undefined): Promise<Person | undefined>;
  /** Ends what was signed in until now, in every browser and app. */
  signOutEverywhere(holder: PasskeyHolder): Promise<void>;
}

/** How often somebody signed out everywhere. Kept for as long as there may be anything that came before. */
const KIND = 'signed-out';
interface SignedOut {
  readonly times: number;
}

const MARK = /^(\d{1,15}) (\S+)$/;

/** By what somebody signed in, of a mark; undefined for none. */
export function credentialOfMark(mark: string | undefined): string | undefined {
  return MARK.exec(mark ?? '')?.[2];
}

export function createStanding(deps: {
  readonly stores: readonly DocumentStore[];
  readonly signIn: Pick<SignIn, 'person' | 'holds'>;
  readonly external: Pick<ExternalSignIn, 'limited'>;
}): Standing {
  const { stores, signIn, external } = deps;
  const inTurn = createExclusive();

  function storeOf(custodian: string): DocumentStore | undefined {
    return stores.find((one) => one.custodian === custodian);
  }

  async function timesOf(holder: PasskeyHolder): Promise<number> {
    const store = storeOf(holder.custodian);
    const known = store && (await readJson<SignedOut>(store, KIND, nameOf(subjectOf(holder))));
    return known?.times ?? 0;
  }

  return {
    mark: async (by) => `${await timesOf(by)} ${by.by}`,
    async personBy(subject, mark) {
      const [, times, credential = ''] = MARK.exec(mark ?? '') ?? [];
      if (subject === undefined || times === undefined) return undefined;
      const person = await personFromSubject(signIn, subject);
      if (person === undefined || Number(times) !== (await timesOf(person))) return undefined;
      const { kind, name } = parseCredential(credential) ?? {};
      if (kind === 'external') return name === undefined ? undefined : external.limited(person, name);
      return (await signIn.holds(person, credential)) ? person : undefined;
    },
    signOutEverywhere: (holder) =>
      inTurn(async () => {
        const store = storeOf(holder.custodian);
        if (store === undefined) return;
        const next: SignedOut = { times: (await timesOf(holder)) + 1 };
        await writeJson(store, KIND, nameOf(subjectOf(holder)), next);
      }),
  };
}
