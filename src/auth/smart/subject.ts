import type { Person, SignIn } from '../sign-in/sign-in.ts';

/** `sub` of a person: who attests, and the account. Pseudonymous, and the same for every client of an organisation. */
export function subjectOf({ custodian, account }: Pick<Person, 'custodian' | 'account'>): string {
  return `${custodian}.${account}`;
}

const SUBJECT = /^([0-9a-f]{32})\.([0-9a-f]{32})$/;

/** The person of a subject, as attested now; undefined when nobody is any more. */
export async function personFromSubject(signIn: Pick<SignIn, 'person'>, subject: string): Promise<Person | undefined> {
  const [, custodian, account] = SUBJECT.exec(subject) ?? [];
  return custodian === undefined || account === undefined ? undefined : signIn.person(custodian, account);
}
