import fc from 'fast-check';

export const pick = <Value>(...values: readonly Value[]) => fc.constantFrom(...values);
export const weighted = <Value>(...arms: readonly (readonly [weight: number, arbitrary: fc.Arbitrary<Value>])[]) =>
  fc.oneof(...arms.map(([weight, arbitrary]) => ({ weight, arbitrary })));

/** Names that objects have, and that tables of names must not find. */
export const OBJECT_NAMES = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'valueOf',
  '__defineGetter__',
];
/** Long texts on which careless patterns take for ever. */
const SLOW_TEXTS = [
  ...[`${'a'.repeat(3000)}!`, ' '.repeat(3000), `${'0'.repeat(3000)}x`, `2020-01-01T00:00:00.${'0'.repeat(3000)}`],
  ...[
    '\\'.repeat(3001),
    ','.repeat(3000),
    '|'.repeat(3000),
    '$'.repeat(3000),
    `${'a,'.repeat(1500)}`,
    '('.repeat(3000),
  ],
  ...[
    `${'1'.repeat(3000)}e${'9'.repeat(30)}`,
    `-${'.1'.repeat(1000)}`,
    `${'http://'.repeat(400)}`,
    `${'.a'.repeat(1500)}`,
    `${'/'.repeat(3000)}`,
  ],
  ...[`${'\u0130'.repeat(1000)}`, `${'e\u0301'.repeat(1000)}`, '\u{1F600}'.repeat(500), `${'\ufdfa'.repeat(500)}`],
];
const TEXTS = [
  ...[
    '',
    'x',
    'p',
    'Patient/p',
    'Patient/p/_history/1',
    'http://aceso.example/fhir/Patient/p',
    '#x',
    '*',
    '0',
    '-1',
    '1e400',
    '1e-400',
  ],
  ...[
    'true',
    'false',
    '2020',
    '2020-02-30',
    '2020-02',
    '2020-01-01T10:00Z',
    'ge2020',
    'ap',
    'apx',
    'ne1',
    '24:00',
    '9999-12-31',
    '0000',
  ],
  ...[
    'a|b',
    '|',
    '|x',
    'x|',
    'a|b|c',
    '5|http://unitsofmeasure.org|mg',
    '5||',
    '5.40e-3|http://unitsofmeasure.org|[in_i]',
    'a$b',
    '$',
    ',',
    '\\,',
    '\\',
  ],
  ...[
    '\u0000',
    '\ud800',
    '\udfff',
    '\u202e',
    'Ä',
    'İ',
    'ß',
    '%',
    '%zz',
    '+',
    '&',
    '=',
    '..',
    '../..',
    '{{x}}',
    "' or 1=1 --",
    '"',
  ],
  ...[
    'Patient:subject',
    'Observation:subject',
    'Observation:*',
    '*:*',
    'Observation:subject:Patient',
    'Patient:link:Patient:x',
  ],
  ...OBJECT_NAMES,
];
export const text = weighted<string>(
  [6, pick(...TEXTS)],
  [1, pick(...SLOW_TEXTS)],
  [2, fc.string({ maxLength: 30, unit: 'binary' })],
);
