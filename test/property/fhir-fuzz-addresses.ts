import fc from 'fast-check';
import type { SearchRegistry } from '../../src/fhir/search/search-registry.ts';
import { OBJECT_NAMES, pick, text, weighted } from './fhir-fuzz-texts.ts';

/** A few of each kind, so that requests meet what is there. */
export const TYPES = [
  'Patient',
  'Observation',
  'Encounter',
  'Organization',
  'Bundle',
  'Parameters',
  'ValueSet',
  'Binary',
  'Group',
  'Composition',
];
const IDS = ['p', 'o', 'e', 'none', 'x'.repeat(64), 'x'.repeat(65), '-', '..', 'a b', 'ä', ...OBJECT_NAMES];
const OPERATIONS = [
  ...[
    '$everything',
    '$match',
    '$validate',
    '$lastn',
    '$docref',
    '$summary',
    '$expand',
    '$validate-code',
    '$lookup',
    '$subsumes',
  ],
  ...['$receipt', '$verify', '$evaluate', '$meta', '$', '$$', '$__proto__', '$constructor', '$%65verything'],
];
const SEGMENTS = [
  ...TYPES,
  ...IDS.slice(0, 6),
  ...OPERATIONS,
  '_history',
  '_search',
  'metadata',
  '*',
  '1',
  '2',
  '0',
  '99999999999',
  '',
  '.',
  ';',
  '%00',
  '%25',
  '%2f',
  '%',
  '_x',
];

export const type = pick(...TYPES);
const id = pick(...IDS);
/** A path of these parts. */
export const at = (...parts: (string | fc.Arbitrary<string>)[]) =>
  fc
    .tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part)))
    .map((list) => list.map(escaped).join('/'));

/** As clients write it, but for what is escaped already. */
function escaped(part: string): string {
  return part.includes('%') ? part : encodeURI(part.toWellFormed()).replace(/[?#]/g, encodeURIComponent);
}

export const path = weighted<string>(
  ...([
    [8, at(type)],
    [8, at(type, id)],
    [3, at(type, '_search')],
    [3, at(type, '_history')],
    [3, at(type, id, '_history')],
  ] as const),
  ...([
    [3, at(type, id, '_history', pick('1', '2', '0', '-1', '1e3', '9'.repeat(30)))],
    [1, at('')],
    [2, at('_history')],
    [1, at('metadata')],
  ] as const),
  ...([
    [4, at(type, pick(...OPERATIONS))],
    [4, at(type, id, pick(...OPERATIONS))],
    [1, at(pick(...OPERATIONS))],
  ] as const),
  ...([
    [2, at(type, id, '_history', '1', pick(...OPERATIONS))],
    [4, at(pick('Patient', 'Encounter', 'Device'), id, pick(...TYPES, '*'))],
  ] as const),
  ...([
    [1, at('Patient', id, type, '_search')],
    [3, fc.array(pick(...SEGMENTS), { maxLength: 6 }).map((parts) => parts.join('/'))],
  ] as const),
);

/** Queries of every parameter that there is, of every modifier, chained and reversed, and of nonsense. */
export function queryArbitrary(registry: SearchRegistry): fc.Arbitrary<string> {
  const codes = [...new Set(TYPES.flatMap((one) => [...(registry.ofType(one)?.keys() ?? [])]))];
  const modifier = pick(
    '',
    '',
    '',
    ':exact',
    ':contains',
    ':missing',
    ':not',
    ':text',
    ':identifier',
    ':above',
    ':below',
    ':in',
    ':not-in',
    ':of-type',
    ':Patient',
    ':__proto__',
    ':',
    '::',
  );
  const code = pick(...codes, ...OBJECT_NAMES, '_filter', '_text', '_content', '_list', '_query', '');
  const single = fc.tuple(code, modifier).map((parts) => parts.join(''));
  const chain = fc.array(
    fc
      .tuple(
        pick('subject', 'patient', 'encounter', 'general-practitioner', 'part-of', 'constructor', 'link'),
        pick('', ':Patient', ':Encounter', ':__proto__'),
      )
      .map((parts) => parts.join('')),
    { minLength: 1, maxLength: 6 },
  );
  const name = weighted<string>(
    [6, single],
    [2, fc.tuple(chain, code).map(([links, last]) => [...links, last].join('.'))],
    [
      2,
      fc
        .array(fc.tuple(type, pick('subject', 'patient', 'encounter', '__proto__')), { minLength: 1, maxLength: 5 })
        .chain((steps) => code.map((last) => `${steps.map(([of, by]) => `_has:${of}:${by}:`).join('')}${last}`)),
    ],
    [
      3,
      pick(
        '_sort',
        '_count',
        '_total',
        '_summary',
        '_elements',
        '_contained',
        '_containedType',
        '_format',
        '_pretty',
        '_cursor',
        '_since',
        '_at',
        '_type',
      ),
    ],
    [
      2,
      pick(
        '_include',
        '_revinclude',
        '_include:iterate',
        '_revinclude:iterate',
        '_include:x',
        '_revinclude:iterate:iterate',
      ),
    ],
    [1, fc.string({ maxLength: 12 })],
  );
  return fc
    .array(fc.tuple(name, text, fc.boolean()), { maxLength: 4 })
    .map((pairs) =>
      pairs
        .map(
          ([key, value, isRaw]) =>
            `${encodeURIComponent(key.toWellFormed())}=${isRaw ? value.replace(/[^\x21-\x7e]|[#]/g, '') : encodeURIComponent(value.toWellFormed())}`,
        )
        .join('&'),
    );
}
