import type { Caller } from '../caller.ts';
import type { Person } from '../sign-in/sign-in.ts';
import type { PatientChoice } from './pages.ts';

/** Who may be chosen as the patient in context; the FHIR service fills it, under the same decision as any search. */
export interface PatientDirectory {
  /** The patient's own record; undefined when the custodian has none of that account. */
  ofAccount(custodian: string, account: string): Promise<PatientChoice | undefined>;
  /** At most twenty patients of a name whom the caller may see. */
  search(caller: Caller, name: string): Promise<readonly PatientChoice[]>;
  /** The resource that a person is, e.g. `Practitioner/1`, for `fhirUser`; undefined where the custodian has none. */
  userOf(person: Person): Promise<string | undefined>;
  /** A patient whom the caller may see, with the account; undefined for any other. */
  find(caller: Caller, id: string): Promise<(PatientChoice & { readonly account: string }) | undefined>;
}

/** What a person may do while choosing: no token limits them yet. */
export function callerOfPerson(person: Person): Caller {
  const { custodian, account, kind, organisation, roles, purposes } = person;
  return { custodian, account, kind, organisation, roles, purpose: purposes[0] ?? '' };
}
