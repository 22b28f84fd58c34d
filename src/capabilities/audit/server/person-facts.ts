import { fold } from '../../../fhir/search/fold.ts';

/*
 * What of Patients and Practitioners is compared to find who looked at whom. It is folded, held while a list is made, and
 * shown to nobody.
 */

interface FhirPerson {
  readonly identifier?: readonly { readonly system?: string; readonly value?: string }[];
  readonly name?: readonly { readonly family?: string; readonly given?: readonly string[] }[];
  readonly birthDate?: string;
  readonly address?: readonly { readonly line?: readonly string[]; readonly postalCode?: string }[];
  readonly contact?: readonly { readonly name?: { readonly family?: string } }[];
}

export interface PersonFacts {
  /** `system|value` of each. */
  readonly identifiers: readonly string[];
  readonly families: readonly string[];
  readonly addresses: readonly string[];
  /** Family names of contacts. */
  readonly contacts: readonly string[];
  /** Family, first given name and birth date; undefined where one is missing. */
  readonly nameAndBirth: string | undefined;
}

/** Reads exact bytes of a Patient, a Practitioner or a RelatedPerson. */
export function personFacts(text: string): PersonFacts {
  const { identifier = [], name = [], birthDate, address = [], contact = [] } = JSON.parse(text) as FhirPerson;
  const families = name.flatMap(({ family }) => folded(family));
  const given = name[0]?.given?.[0];
  return {
    identifiers: identifier.flatMap(({ system, value }) =>
      system === undefined || value === undefined ? [] : [`${system}|${value}`],
    ),
    families: [...new Set(families)],
    // A street without a place is not told apart from the same street elsewhere.
    addresses: address.flatMap(({ line = [], postalCode }) =>
      line.length === 0 || postalCode === undefined ? [] : folded(`${line.join(' ')} ${postalCode}`),
    ),
    contacts: contact.flatMap(({ name: named }) => folded(named?.family)),
    nameAndBirth:
      families[0] === undefined || given === undefined || birthDate === undefined
        ? undefined
        : `${families[0]} ${fold(given)} ${birthDate}`,
  };
}

function folded(text: string | undefined): string[] {
  const value = text === undefined ? '' : fold(text).trim();
  return value === '' ? [] : [value];
}
