import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { isReject } from '../../std/reject.ts';
import { createMatch } from './match.ts';
import { blocksOf } from './match-candidates.ts';
import { patientToPerson } from './match-person.ts';
import { createTestData, type TestData, testCall } from './test-visible-data.ts';

interface Sent {
  readonly id: string;
  readonly grade: string;
  readonly score: number;
}

async function ask(data: TestData, body: unknown, query = ''): Promise<{ sent: Sent[]; advice: string[] }> {
  const result = await createMatch(data.open).run(data.context, testCall({ query, text: JSON.stringify(body) }));
  const entries: {
    resource: { id: string; issue?: { details: { text: string } }[] };
    search: { mode: string; score: number; extension: { url: string; valueCode: string }[] };
  }[] = JSON.parse(result.body ?? '').entry ?? [];
  const matches = entries.filter(({ search }) => search.mode === 'match');
  return {
    sent: matches.map(({ resource, search }) => {
      assert.equal(search.extension[0]?.url, 'http://hl7.org/fhir/StructureDefinition/match-grade');
      return { id: resource.id, grade: search.extension[0]?.valueCode ?? '', score: search.score };
    }),
    advice: entries.flatMap(({ resource }) => (resource.issue ?? []).map(({ details }) => details.text)),
  };
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const thrown = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  return isReject(thrown) ? thrown.code : String(thrown);
}

const person = (id: string, more: Record<string, unknown>) => ({ resourceType: 'Patient', id, ...more });
const ADA = {
  name: [{ family: 'Fernquist', given: ['Ada'] }],
  birthDate: '1980-03-07',
  gender: 'female',
  telecom: [{ value: '0660 1234567' }],
  identifier: [{ system: 'urn:mrn', value: 'A|1' }],
};

async function people(): Promise<TestData> {
  const data = await createTestData();
  const add = (id: string, more: Record<string, unknown>) =>
    data.add(person(id, { ...ADA, ...more }), `account of ${id}`);
  add('ada', {});
  add('twin', { name: [{ family: 'Fernquist', given: ['Berta'] }], identifier: [{ system: 'urn:mrn', value: 'A2' }] });
  add('typo', { name: [{ family: 'Fernqiust', given: ['Ada'] }], identifier: [], telecom: [] });
  add('swapped', { birthDate: '1980-07-03', identifier: [], telecom: [] });
  add('other', { name: [{ family: 'Moss', given: ['Olga'] }], birthDate: '1950-01-01', identifier: [], telecom: [] });
  return data;
}

test('the likeliest first, with grade and score, and only they are journalled', async () => {
  const data = await people();
  const { sent, advice } = await ask(data, person('', ADA));
  assert.deepEqual(
    sent.map(({ id, grade }) => [id, grade]),
    [
      ['ada', 'certain'],
      ['typo', 'probable'],
      ['swapped', 'probable'],
      ['twin', 'possible'],
    ],
  );
  assert.ok(sent.every(({ score }, i) => score <= (sent[i - 1]?.score ?? 1) && score > 0));
  assert.deepEqual(data.journalled, [['Patient/ada', 'Patient/swapped', 'Patient/twin', 'Patient/typo']]);
  assert.deepEqual(advice, []);
});

test('as Parameters too; count; only a certain one', async () => {
  const data = await people();
  const parameters = (resource: unknown) => ({
    resourceType: 'Parameters',
    parameter: [{ name: 'resource', resource }],
  });
  const two = await ask(data, parameters(person('', ADA)), 'count=2');
  assert.deepEqual(
    two.sent.map(({ id }) => id),
    ['ada', 'typo'],
  );
  assert.deepEqual(data.journalled.at(-1), ['Patient/ada', 'Patient/typo']);
  // Of several that are likely none is the one.
  const unsure = await ask(data, parameters(person('', ADA)), 'onlyCertainMatches=true');
  assert.deepEqual(unsure.sent, []);
  assert.match(unsure.advice[0] ?? '', /onlyCertainMatches/);
  // That there are such is told all the same.
  assert.deepEqual(data.journalled.at(-1), ['Patient/ada', 'Patient/typo']);
  for (const id of ['typo', 'swapped']) data.hidden.add(`Patient/${id}`);
  const sure = await ask(data, parameters(person('', ADA)), 'onlyCertainMatches=true');
  assert.deepEqual(
    sure.sent.map(({ id }) => id),
    ['ada'],
  );
});

test('who may not be seen is not found, by number neither', async () => {
  const data = await people();
  data.hidden.add('Patient/ada');
  const { sent } = await ask(data, person('', { identifier: ADA.identifier }));
  assert.deepEqual(sent, []);
  assert.deepEqual(data.journalled, [[]]);
});

test('what is too little or of another form is refused before anything is looked for', async () => {
  const data = await people();
  const parameters = (...parameter: unknown[]) => ({ resourceType: 'Parameters', parameter });
  const refusals: readonly (readonly [unknown, string, string])[] = [
    [person('', {}), '', 'MATCH_TOO_LITTLE'],
    [person('', { gender: 'female', name: [{ family: 'Fernquist' }] }), '', 'MATCH_TOO_LITTLE'],
    [person('', { birthDate: '1980' }), '', 'MATCH_TOO_LITTLE'],
    [{ resourceType: 'Person' }, '', 'OPERATION_INPUT_INVALID'],
    [[], '', 'OPERATION_INPUT_INVALID'],
    [parameters(), '', 'OPERATION_INPUT_INVALID'],
    [parameters({ name: 'resource', resource: { resourceType: 'Person' } }), '', 'OPERATION_INPUT_INVALID'],
    [parameters(...Array(300).fill({ name: 'resource' })), '', 'OPERATION_INPUT_INVALID'],
    [parameters({}), '', 'OPERATION_INPUT_INVALID'],
    [person('', ADA), 'count=none', 'PARAMETER_INVALID'],
    [person('', ADA), 'onlyCertainMatches=maybe', 'PARAMETER_INVALID'],
    [person('', ADA), 'threshold=1', 'PARAMETER_UNKNOWN'],
  ];
  for (const [body, query, code] of refusals)
    assert.equal(await codeOf(ask(data, body, query)), code, JSON.stringify(body));
  assert.equal(await codeOf(createMatch(data.open).run(data.context, testCall())), 'BODY_EMPTY');
  assert.equal(data.searches.count, 0);
});

test('values with marks that separate values are searched for as they are', () => {
  const identifier = [{ system: 'urn:a|b', value: 'x,y' }, { value: 'c$d' }];
  const [first, second] = blocksOf(patientToPerson({ identifier, telecom: [{ value: 'a\\b@c.org' }] }));
  assert.deepEqual(first, [['identifier', 'urn:a\\|b|x\\,y']]);
  assert.deepEqual(second, [['identifier', 'c\\$d']]);
});

test('huge input costs no more searches', async () => {
  const data = await people();
  const many = <T>(one: (i: number) => T) => Array.from({ length: 2000 }, (_, i) => one(i));
  const huge = person('', {
    identifier: many((i) => ({ system: 'urn:x', value: `${i}` })),
    telecom: many((i) => ({ value: `06601234${i}` })),
    name: many((i) => ({ family: `${'x'.repeat(500)}${i}`, given: many(() => 'y') })),
    birthDate: '1980-03-07',
  });
  await ask(data, huge);
  assert.ok(data.searches.count <= 26, `${data.searches.count} searches`);
});

test('a crowd of the same name is cut, aloud', async () => {
  const data = await createTestData();
  for (let i = 0; i < 120; i++) data.add(person(`p${i}`, { ...ADA, telecom: [], identifier: [] }), `account ${i}`);
  const { sent, advice } = await ask(data, person('', ADA), 'count=50');
  assert.equal(sent.length, 50);
  assert.match(advice[0] ?? '', /give more details/);
});

/** Numbers that look random and are the same in every run. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const FAMILIES =
  'Smith Jones Meyer Garcia Novak Rossi Silva Kowalski Nguyen Hansen Moreau Fischer Larsen Costa Petrov Brown Keller Ortega Berg Lindt Maurer Winter Sommer Falk Brandt Pohl Reuter Stark Vogel Zeman'.split(
    ' ',
  );
const GIVENS =
  'Anna Maria Peter Hans Lena Paul Julia Thomas Eva Karl Nina Lukas Sara David Clara Felix Mona Simon Ines Robert Helga Oskar Vera Moritz Ida'.split(
    ' ',
  );

type Drawn = Record<string, unknown> & { id: string; name: { family: string; given: string[] }[]; birthDate: string };

/** Common names are commoner: the lesser of two draws. */
function drawPerson(random: (below: number) => number, id: string): Drawn {
  const common = (list: readonly string[]) => list[Math.min(random(list.length), random(list.length))] ?? '';
  // Two parts make family names as many as they are in life.
  const family = random(3) === 0 ? common(FAMILIES) : `${common(FAMILIES)}${common(FAMILIES).toLowerCase()}`;
  const two = (value: number) => String(value + 1).padStart(2, '0');
  return {
    ...{ resourceType: 'Patient', id, name: [{ family, given: [common(GIVENS)] }] },
    birthDate: `${1930 + random(90)}-${two(random(12))}-${two(random(28))}`,
    gender: random(2) === 0 ? 'male' : 'female',
    telecom: [{ system: 'phone', value: `0660${1_000_000 + random(9_000_000)}` }],
    address: [{ line: [`Street ${random(400)}`], postalCode: String(1000 + random(300)) }],
  };
}

function withSlip(random: (below: number) => number, text: string): string {
  const at = 1 + random(Math.max(1, text.length - 2));
  const [a, b] = [text[at] ?? '', text[at + 1] ?? ''];
  const kind = random(3);
  if (kind === 0) return text.slice(0, at) + b + a + text.slice(at + 2);
  return text.slice(0, at) + (kind === 1 ? '' : 'e') + text.slice(at + 1);
}

/** The same person as another desk wrote it down: one or two faults, and some things not asked for. */
function asAgain(random: (below: number) => number, one: Drawn): Record<string, unknown> {
  const { id: _id, ...copy } = structuredClone(one) as Drawn & Record<string, unknown>;
  const [name] = copy.name;
  for (let faults = random(3); faults > 0 && name !== undefined; faults--) {
    const [year = '', month = '', day = ''] = copy.birthDate.split('-');
    const kind = random(7);
    if (kind === 0) name.family = withSlip(random, name.family);
    else if (kind === 1) name.given = [withSlip(random, name.given[0] ?? '')];
    else if (kind === 2 && Number(day) <= 12) copy.birthDate = `${year}-${day}-${month}`;
    else if (kind === 3) copy.birthDate = `${year}-${month}-${String(random(28) + 1).padStart(2, '0')}`;
    else if (kind === 4) delete (copy as Record<string, unknown>).telecom;
    else if (kind === 5) delete (copy as Record<string, unknown>).address;
    else copy.address = [{ line: [`Road ${random(400)}`], postalCode: String(1000 + random(300)) }];
  }
  return copy;
}

let crowd: TestData;
let drawn: Drawn[];
before(async () => {
  const random = randomOf(42);
  crowd = await createTestData();
  drawn = Array.from({ length: 3000 }, (_, i) => drawPerson(random, `p${i}`));
  // Every tenth has a twin at home: all the same but given name and phone.
  for (const one of drawn.filter((_, i) => i % 10 === 0)) {
    const given = [GIVENS[random(GIVENS.length)] ?? ''];
    if (given[0] === one.name[0]?.given[0]) continue;
    const { telecom: _telecom, ...home } = one;
    drawn.push({ ...home, id: `${one.id}-twin`, name: [{ family: one.name[0]?.family ?? '', given }] });
  }
  for (const one of drawn) crowd.add(one as Drawn & { resourceType: string }, `account of ${one.id}`);
});

test('precision and recall on generated people, with faults and twins', async (t) => {
  const random = randomOf(7);
  const asked = 250;
  const right = { certain: 0, probable: 0, possible: 0 };
  const wrong = { certain: 0, probable: 0, possible: 0 };
  let first = 0;
  for (let i = 0; i < asked; i++) {
    const one = drawn[random(drawn.length)] as Drawn;
    const { sent } = await ask(crowd, asAgain(random, one));
    if (sent[0]?.id === one.id) first++;
    for (const { id, grade } of sent) (id === one.id ? right : wrong)[grade as keyof typeof right]++;
  }
  // People of whom nothing is kept.
  let strangers = 0;
  for (let i = 0; i < 100; i++) {
    const { id: _id, ...stranger } = drawPerson(random, '');
    const { sent } = await ask(crowd, stranger);
    strangers += sent.filter(({ grade }) => grade !== 'possible').length;
  }
  const likely = right.certain + right.probable;
  const found = likely + right.possible;
  const share = (of: number, all: number) => `${((100 * of) / all).toFixed(1)} %`;
  t.diagnostic(`$match of ${asked} among ${drawn.length}: found ${share(found, asked)}, first ${share(first, asked)}`);
  t.diagnostic(
    `certain: ${right.certain} right, ${wrong.certain} wrong; probable: ${right.probable}, ${wrong.probable}`,
  );
  t.diagnostic(`possible: ${right.possible}, ${wrong.possible}; strangers taken for somebody: ${strangers} of 100`);
  assert.equal(wrong.certain, 0);
  assert.ok(wrong.probable <= 0.02 * likely, `${wrong.probable} wrong of ${likely}`);
  assert.ok(likely >= 0.9 * asked, `${likely} likely of ${asked}`);
  assert.ok(found >= 0.97 * asked, `${found} found of ${asked}`);
  assert.ok(strangers <= 2);
});
