import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foldName, jaroWinkler } from './match-names.ts';
import { patientToPerson } from './match-person.ts';
import { matchPeople } from './match-score.ts';

interface Sketch {
  readonly family?: string | undefined;
  readonly given?: string | readonly string[] | undefined;
  readonly birthDate?: string | undefined;
  readonly gender?: string | undefined;
  readonly phone?: string;
  readonly address?: readonly [line: string, postalCode: string];
  readonly mrn?: string | undefined;
  readonly twin?: number;
}

function patientOf(sketch: Sketch): Record<string, unknown> {
  const { family, given, birthDate, gender, phone, address, mrn, twin } = sketch;
  return {
    resourceType: 'Patient',
    ...(family === undefined && given === undefined ? {} : { name: [{ family, given: [given ?? []].flat() }] }),
    ...(birthDate === undefined ? {} : { birthDate }),
    ...(gender === undefined ? {} : { gender }),
    ...(phone === undefined ? {} : { telecom: [{ system: 'phone', value: phone }] }),
    ...(address === undefined ? {} : { address: [{ line: [address[0]], postalCode: address[1] }] }),
    ...(mrn === undefined ? {} : { identifier: [{ system: 'urn:mrn', value: mrn }] }),
    ...(twin === undefined ? {} : { multipleBirthInteger: twin }),
  };
}

function gradeOf(a: Sketch, b: Sketch): string {
  const forth = matchPeople(patientToPerson(patientOf(a)), patientToPerson(patientOf(b)));
  const back = matchPeople(patientToPerson(patientOf(b)), patientToPerson(patientOf(a)));
  assert.equal(forth.bits, back.bits, 'the same either way round');
  assert.ok(forth.score >= 0 && forth.score <= 1);
  return forth.grade ?? 'none';
}

const ADA: Sketch = {
  family: 'Fernquist',
  given: 'Adelheid',
  birthDate: '1980-03-07',
  gender: 'female',
  phone: '+43 660 1234567',
  address: ['Mill Lane 4', '1010'],
  mrn: 'M1',
};
const { mrn: _mrn, phone: _phone, address: _address, ...BARE } = ADA;

test('Jaro-Winkler as Winkler gives it', () => {
  const near = (a: string, b: string) => Math.round(jaroWinkler(a, b) * 1000) / 1000;
  assert.equal(near('martha', 'marhta'), 0.961);
  assert.equal(near('dwayne', 'duane'), 0.84);
  assert.equal(near('dixon', 'dicksonx'), 0.813);
  assert.equal(near('abc', 'xyz'), 0);
  assert.equal(near('', 'a'), 0);
  assert.equal(near('same', 'same'), 1);
});

test('names are compared without case, accents and marks, and never at length', () => {
  assert.equal(foldName("Núñez-O'Brien"), 'nunez obrien');
  assert.equal(foldName('  ÅSA  '), 'asa');
  assert.equal(foldName('x'.repeat(1_000_000)).length, 64);
});

const CASES: readonly (readonly [string, string, Sketch, Sketch])[] = [
  ['itself', 'certain', ADA, ADA],
  ['number and birth date', 'certain', { mrn: 'M1', birthDate: '1980-03-07' }, ADA],
  ['number alone', 'probable', { mrn: 'M1' }, ADA],
  ['name, birth date and sex: common names meet', 'probable', BARE, BARE],
  ['and the phone', 'certain', { ...BARE, phone: '0660/1234567' }, ADA],
  ['accents and case', 'probable', { ...BARE, family: 'FÉRNQUIST' }, BARE],
  ['a slip in the family name', 'probable', { ...BARE, family: 'Fernqiust' }, BARE],
  ['a short form', 'probable', { ...BARE, given: 'Adel' }, BARE],
  ['an initial', 'probable', { ...BARE, given: 'A.' }, BARE],
  ['called by the second name', 'probable', { ...BARE, given: ['Maria', 'Adelheid'] }, BARE],
  ['day and month swapped', 'probable', { ...BARE, birthDate: '1980-07-03' }, BARE],
  ['one digit of the year', 'possible', { ...BARE, birthDate: '1981-03-07' }, BARE],
  ['and the phone agrees', 'probable', { ...BARE, birthDate: '1981-03-07', phone: '06601234567' }, ADA],
  ['names swapped', 'probable', { ...BARE, family: 'Adelheid', given: 'Fernquist' }, BARE],
  ['married since', 'possible', { ...BARE, family: 'Mossgate' }, BARE],
  ['no birth date, same phone', 'probable', { family: 'Fernquist', given: 'Adelheid', phone: '06601234567' }, ADA],
  ['no birth date', 'none', { family: 'Fernquist', given: 'Adelheid' }, BARE],
  ['no birth date, same sex', 'possible', { family: 'Fernquist', given: 'Adelheid', gender: 'female' }, BARE],
  ['year of birth alone', 'probable', { ...BARE, birthDate: '1980' }, BARE],
  ['twin sister', 'possible', { ...ADA, given: 'Berta', mrn: 'M2' }, ADA],
  [
    'twin of a like name, told by order of birth',
    'possible',
    { ...ADA, given: 'Adelheide', mrn: 'M2', twin: 2 },
    { ...ADA, twin: 1 },
  ],
  ['mother of the same name', 'possible', { ...ADA, birthDate: '1955-11-20', mrn: 'M2' }, ADA],
  ['same name, another day, nothing else', 'none', { ...BARE, birthDate: '1944-12-01' }, BARE],
  ['born the same day', 'none', { family: 'Moss', given: 'Olga', birthDate: '1980-03-07', gender: 'female' }, BARE],
  [
    'a number that a family shares',
    'possible',
    { ...ADA, given: 'Otto', birthDate: '2010-01-02', gender: 'male' },
    ADA,
  ],
  [
    'number and birth date, another name: a newborn was named',
    'probable',
    { mrn: 'M1', family: 'Moss', given: 'Karl', birthDate: '1980-03-07' },
    ADA,
  ],
  [
    'a number typed wrongly',
    'none',
    { mrn: 'M1', family: 'Moss', given: 'Karl', birthDate: '1962-12-01', gender: 'male' },
    ADA,
  ],
  [
    'father and son of one name, without birth dates',
    'probable',
    { ...ADA, birthDate: undefined, mrn: undefined },
    ADA,
  ],
  ['somebody of the family', 'possible', { ...ADA, given: undefined, birthDate: undefined, mrn: undefined }, ADA],
  ['nothing', 'none', {}, ADA],
];

for (const [what, grade, a, b] of CASES) test(`${what}: ${grade}`, () => assert.equal(gradeOf(a, b), grade));

test('members of another form than FHIR’s are passed over', () => {
  const odd = { name: 'x', identifier: {}, telecom: [null, 7, { value: {} }], birthDate: ['1980'], address: [[]] };
  const person = patientToPerson({ resourceType: 'Patient', ...odd, multipleBirthInteger: 'two', gender: 'unknown' });
  assert.deepEqual(person, { identifiers: [], names: [], telecoms: [], addresses: [] });
});
