import type { OrdinalTest } from '../../vault/index/index-query.ts';

export type Prefix = 'eq' | 'ne' | 'gt' | 'lt' | 'ge' | 'le' | 'sa' | 'eb' | 'ap';

const PREFIXED = /^(eq|ne|gt|lt|ge|le|sa|eb|ap)?(.*)$/s;

export function splitPrefix(text: string): { readonly prefix: Prefix; readonly rest: string } {
  const [, prefix = 'eq', rest = ''] = PREFIXED.exec(text) ?? [];
  return { prefix: prefix as Prefix, rest };
}

/** What a search value means: from `low` to `high`, where the end itself belongs to it unless `isOpen`. */
export interface SearchRange {
  readonly low: number;
  readonly high: number;
  readonly isOpen: boolean;
}

/** The range of a number, and the number. */
export interface NumberRange extends SearchRange {
  readonly value: number;
}

/**
 * What the interval of a resource's value must pass, by R4's table of prefixes (§3.1.1.4.5), as alternatives of tests
 * that must all hold. `eq`: lies within the range. `gt` and `lt`: reaches above or below it. `sa` and `eb`: lies above or
 * below it as a whole. `ap`: overlaps it (widen it before).
 */
export function prefixTests(prefix: Prefix, { low, high, isOpen }: SearchRange): readonly (readonly OrdinalTest[])[] {
  const within: readonly OrdinalTest[] = [
    { end: 'low', is: '>=', value: low },
    { end: 'high', is: isOpen ? '<' : '<=', value: high },
  ];
  const above = isOpen ? '>=' : '>';
  switch (prefix) {
    case 'eq':
      return [within];
    case 'ne':
      return [[{ end: 'low', is: '<', value: low }], [{ end: 'high', is: above, value: high }]];
    case 'gt':
      return [[{ end: 'high', is: above, value: high }]];
    case 'lt':
      return [[{ end: 'low', is: '<', value: low }]];
    case 'ge':
      return [[{ end: 'high', is: above, value: high }], within];
    case 'le':
      return [[{ end: 'low', is: '<', value: low }], within];
    case 'sa':
      return [[{ end: 'low', is: above, value: high }]];
    case 'eb':
      return [[{ end: 'high', is: '<', value: low }]];
    case 'ap':
      return [
        [
          { end: 'low', is: isOpen ? '<' : '<=', value: high },
          { end: 'high', is: '>=', value: low },
        ],
      ];
  }
}

const NUMBER = /^([+-]?)(\d{1,40})(?:\.(\d{1,40}))?(?:[eE]([+-]?\d{1,4}))?$/;

/**
 * The range of a number in a search (R4 §3.1.1.4.6). With `eq` and `ne` it is as precise as it was written: 100 is from
 * 99.5 up to, not including, 100.5, and 1e2, to one significant figure, from 50 to 150 (R4's example of 95 to 105 is
 * mistaken, as R5 says). With other prefixes it is the number itself; with `ap` a tenth of it to either side. Undefined
 * when `text` is no number.
 */
export function numberRange(prefix: Prefix, text: string): NumberRange | undefined {
  const match = NUMBER.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  const power = Number(exponent) - fraction.length;
  const digits = BigInt(`${whole}${fraction}`) * (sign === '-' ? -1n : 1n);
  const value = finite(Number(`${digits}e${power}`));
  if (prefix === 'ap') {
    const margin = Math.abs(value) / 10;
    return { value, low: finite(value - margin), high: finite(value + margin), isOpen: false };
  }
  if (prefix !== 'eq' && prefix !== 'ne') return { value, low: value, high: value, isOpen: false };
  const low = finite(Number(`${digits * 10n - 5n}e${power - 1}`));
  const high = finite(Number(`${digits * 10n + 5n}e${power - 1}`));
  return closed({ value, low, high, isOpen: true });
}

/** Written to more digits than are kept, a range closes on the number itself. */
export function closed({ value, low, high, isOpen }: NumberRange): NumberRange {
  return isOpen && high <= value ? { value, low, high: value, isOpen: false } : { value, low, high, isOpen };
}

function finite(value: number): number {
  return Math.min(Math.max(value, -Number.MAX_VALUE), Number.MAX_VALUE);
}
