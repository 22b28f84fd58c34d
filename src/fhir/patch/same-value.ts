import { elementsOf, membersOf } from '../json-spans.ts';
import type { PatchWork } from './patch-work.ts';

/**
 * True when two `exactJson` texts are the same JSON value (RFC 6902 §4.6): members in any order, strings by their
 * characters, numbers by their value to the last digit (1.10 is 1.1, and 1e2 is 100).
 */
export function sameValue(one: string, other: string, work: PatchWork): boolean {
  work.spend(one.length + other.length);
  if (one === other) return true;
  const kind = one.charAt(0);
  if (kind === '{') return other.startsWith('{') && sameMembers(one, other, work);
  if (kind === '[') return other.startsWith('[') && sameElements(one, other, work);
  if (kind === '"') return other.startsWith('"') && JSON.parse(one) === JSON.parse(other);
  const value = decimalValue(one);
  return value !== undefined && value === decimalValue(other);
}

function sameMembers(one: string, other: string, work: PatchWork): boolean {
  const members = membersOf(one);
  const others = new Map(membersOf(other).map((member) => [member.name, member]));
  return (
    members.length === others.size &&
    members.every(({ name, start, end }) => {
      const found = others.get(name);
      return found !== undefined && sameValue(one.slice(start, end), other.slice(found.start, found.end), work);
    })
  );
}

function sameElements(one: string, other: string, work: PatchWork): boolean {
  const elements = elementsOf(one, 0);
  const others = elementsOf(other, 0);
  return (
    elements.length === others.length &&
    elements.every(({ start, end }, index) => {
      const found = others[index] as { start: number; end: number };
      return sameValue(one.slice(start, end), other.slice(found.start, found.end), work);
    })
  );
}

/** One text for all ways to write a number: sign, digits without zeros at either end, exponent. */
function decimalValue(text: string): string | undefined {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (match === null) return undefined;
  const [, sign, whole, fraction = '', exponent = '0'] = match as unknown as [string, string, string, string?, string?];
  const digits = (whole + fraction).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  return `${sign}${significant}e${BigInt(exponent) - BigInt(fraction.length) + BigInt(digits.length - significant.length)}`;
}
