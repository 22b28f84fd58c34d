import type { Address, Extension, HumanName } from '@medplum/fhirtypes';
import { hl7Coding } from './coding.ts';
import type { Random } from './random.ts';

/** Names are made up from these lists; a likeness to anybody is chance. */
const FEMALE = [
  'Ada',
  'Bea',
  'Clara',
  'Dina',
  'Edith',
  'Flora',
  'Gloria',
  'Hazel',
  'Ines',
  'Joan',
  'Kira',
  'Lena',
  'Mabel',
  'Nora',
  'Olive',
  'Paula',
  'Quinn',
  'Rosa',
  'Stella',
  'Thea',
  'Uma',
  'Vera',
  'Wilma',
  'Yara',
  'Zelda',
];
const MALE = [
  'Abel',
  'Boris',
  'Cyrus',
  'Dario',
  'Elmer',
  'Felix',
  'Gustav',
  'Hugo',
  'Ivan',
  'Jonas',
  'Karl',
  'Leon',
  'Milo',
  'Nestor',
  'Otto',
  'Pablo',
  'Quentin',
  'Ralph',
  'Silas',
  'Tomas',
  'Ulric',
  'Victor',
  'Walter',
  'Yusuf',
  'Zeno',
];
/** Family names are made of two parts: some 600 of them, so that a name is shared by a few and not by all. */
const FAMILY_BEGINNINGS = [
  ...['Alder', 'Ash', 'Birch', 'Bram', 'Clover', 'Cor', 'Dun', 'Elm', 'Fern', 'Gale', 'Hazel', 'Ivy', 'Juniper'],
  ...['Kestrel', 'Lark', 'Linden', 'Moss', 'Nettle', 'Oaken', 'Pine', 'Quill', 'Rowan', 'Sedge', 'Thistle', 'Under'],
  ...['Violan', 'Willow', 'Yarrow', 'Zinnia', 'Winter'],
];
const FAMILY_ENDINGS = [
  ...['brook', 'by', 'croft', 'dale', 'feather', 'field', 'gate', 'hollow', 'holm', 'ham', 'lund', 'marsh', 'mere'],
  ...['moor', 'quist', 'ridge', 'shaw', 'stead', 'ton', 'water'],
];
const STREETS = [
  'Almond Way',
  'Beacon Row',
  'Canal Street',
  'Dogwood Drive',
  'Evergreen Lane',
  'Foundry Road',
  'Garden Court',
  'Harbor Street',
  'Iris Avenue',
  'Juniper Place',
];
const PLACES: readonly (readonly [city: string, state: string, postalCode: string])[] = [
  ['Springfield', 'MA', '01103'],
  ['Worcester', 'MA', '01608'],
  ['Lowell', 'MA', '01852'],
  ['Quincy', 'MA', '02169'],
  ['Plymouth', 'MA', '02360'],
  ['Salem', 'MA', '01970'],
];

/** US Core OMB race categories, with their rough shares of a population. */
const RACES: readonly (readonly [code: string, display: string, share: number])[] = [
  ['2106-3', 'White', 0.62],
  ['2054-5', 'Black or African American', 0.14],
  ['2028-9', 'Asian', 0.08],
  ['1002-5', 'American Indian or Alaska Native', 0.02],
  ['2131-1', 'Other Race', 0.14],
];

export function generateName(random: Random, gender: 'female' | 'male'): HumanName {
  const given = gender === 'female' ? FEMALE : MALE;
  const first = random.pick(given);
  return {
    use: 'official',
    family: random.pick(FAMILY_BEGINNINGS) + random.pick(FAMILY_ENDINGS),
    given: [first, random.pick(given.filter((name) => name !== first))],
  };
}

export function generateAddress(random: Random): Address {
  const [city, state, postalCode] = random.pick(PLACES);
  return {
    use: 'home',
    line: [`${random.integer(1, 480)} ${random.pick(STREETS)}`],
    city,
    state,
    postalCode,
    country: 'US',
  };
}

/** A number of the range that is kept for fiction (555-0100 to 555-0199). */
export function generatePhone(random: Random): string {
  return `(413) 555-01${String(random.integer(0, 99)).padStart(2, '0')}`;
}

const US_CORE = 'http://hl7.org/fhir/us/core/StructureDefinition';
const OMB = 'urn:oid:2.16.840.1.113883.6.238';

/** The race, ethnicity and birth sex extensions of US Core Patient. */
export function generateDemographics(random: Random, gender: 'female' | 'male'): Extension[] {
  const race = weighted(random);
  const ethnicity = random.chance(0.15)
    ? (['2135-2', 'Hispanic or Latino'] as const)
    : (['2186-5', 'Not Hispanic or Latino'] as const);
  return [
    ombExtension('us-core-race', race[0], race[1]),
    ombExtension('us-core-ethnicity', ethnicity[0], ethnicity[1]),
    { url: `${US_CORE}/us-core-birthsex`, valueCode: gender === 'female' ? 'F' : 'M' },
  ];
}

function weighted(random: Random): (typeof RACES)[number] {
  let left = random.next();
  for (const race of RACES) {
    left -= race[2];
    if (left < 0) return race;
  }
  return RACES[0] as (typeof RACES)[number];
}

function ombExtension(name: string, code: string, display: string): Extension {
  return {
    url: `${US_CORE}/${name}`,
    extension: [
      { url: 'ombCategory', valueCoding: { system: OMB, code, display } },
      { url: 'text', valueString: display },
    ],
  };
}

/** Marital status of an adult (HL7 v3 MaritalStatus). */
export function generateMaritalStatus(random: Random) {
  const [code, display] = random.pick([
    ['M', 'Married'],
    ['M', 'Married'],
    ['S', 'Never Married'],
    ['D', 'Divorced'],
    ['W', 'Widowed'],
  ] as const);
  return { coding: [hl7Coding('v3-MaritalStatus', code, display)], text: display };
}
