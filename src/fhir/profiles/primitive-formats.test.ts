import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPrimitiveValue } from './primitive-formats.ts';

/** Type → values that R4 takes, values that it does not (R4 §2.24.0.1). */
type Row = readonly [right: readonly unknown[], wrong: readonly unknown[]];
const TABLE: Readonly<Record<string, Row>> = {
  boolean: [
    [true, false],
    ['true', 1, null],
  ],
  integer: [
    [0, -2_147_483_648, 2_147_483_647],
    [1.5, 2_147_483_648, '1', Number.NaN],
  ],
  unsignedInt: [
    [0, 7],
    [-1, 0.5],
  ],
  positiveInt: [[1], [0, -1]],
  decimal: [
    [0, -1.5, 1e20],
    ['1.5', Number.POSITIVE_INFINITY],
  ],
  string: [
    ['x', ' x ', 'a\n\tb', '\u00e9'],
    ['', ' ', '\t\n', 'a\u0000b', 'a\u001fb', 7],
  ],
  markdown: [['# x'], ['']],
  uri: [
    ['http://a.example', 'urn:oid:1.2', 'x', '#a'],
    ['', ' ', 'a b'],
  ],
  url: [['http://a.example'], ['a b']],
  canonical: [['http://a.example|1.0'], ['a b']],
  oid: [
    ['urn:oid:1.2.3', 'urn:oid:2.16.840'],
    ['1.2.3', 'urn:oid:3.1', 'urn:oid:1.02', 'urn:oid:1'],
  ],
  uuid: [
    ['urn:uuid:c757873d-ec9a-4326-a141-556f43239520'],
    ['c757873d-ec9a-4326-a141-556f43239520', 'urn:uuid:C757873D-EC9A-4326-A141-556F43239520', 'urn:uuid:1'],
  ],
  id: [
    ['a', 'A-1.b', 'x'.repeat(64)],
    ['', 'x'.repeat(65), 'a_b', 'a/b', 'é'],
  ],
  code: [
    ['a', 'a b', '<='],
    ['', ' a', 'a ', 'a  b', 'a\u00a0'],
  ],
  date: [
    ['2024', '2024-02', '2024-02-29', '0001-01-01'],
    ['2023-02-29', '2024-13', '2024-00', '2024-04-31', '24', '2024-1-1', '2024-01-01T00:00:00Z', '0000'],
  ],
  dateTime: [
    [
      '2024',
      '2024-02',
      '2024-02-29',
      '2024-02-29T23:59:60Z',
      '2024-01-01T00:00:00.123456+14:00',
      '2024-01-01T00:00:00-05:30',
    ],
    [
      '2024-01-01T00:00Z',
      '2024-01-01T00:00:00',
      '2024-01-01T24:00:00Z',
      '2024-01T00:00:00Z',
      '2024-01-01 00:00:00Z',
      '2024-01-01T00:00:00+15:00',
      '2024-02-30T00:00:00Z',
    ],
  ],
  instant: [['2024-01-01T00:00:00Z'], ['2024-01-01', '2024']],
  time: [
    ['00:00:00', '23:59:59.5'],
    ['24:00:00', '00:00', '00:00:00Z'],
  ],
  base64Binary: [
    ['YQ==', 'YWI=', 'YWJj', 'YW\nJj'],
    ['', 'YQ=', 'Y', 'YQ==YQ==', '****', '===='],
  ],
  'no-such-type': [[], ['x', 1]],
};

test('primitives are taken as R4 writes them, and not otherwise', () => {
  assert.ok(!isPrimitiveValue('constructor', 'x'));
  for (const [type, [right, wrong]] of Object.entries(TABLE)) {
    for (const value of right) assert.ok(isPrimitiveValue(type, value), `${type} ${JSON.stringify(value)}`);
    for (const value of wrong) assert.ok(!isPrimitiveValue(type, value), `${type} ${JSON.stringify(value)}`);
  }
});

test('checks take time by the length of the value only', () => {
  const texts = [
    'a '.repeat(500_000),
    ' '.repeat(1_000_000),
    '1'.repeat(1_000_000),
    `urn:oid:1${'.1'.repeat(500_000)}x`,
    'A'.repeat(2_000_001),
  ];
  for (const type of Object.keys(TABLE)) {
    for (const text of texts) {
      const start = performance.now();
      isPrimitiveValue(type, text);
      assert.ok(performance.now() - start < 500, `${type} ${text.slice(0, 10)}`);
    }
  }
});
