import type { Found } from './compile-expression.ts';

const HUMAN_NAME = ['text', 'family', 'given', 'prefix', 'suffix'];
const ADDRESS = ['text', 'line', 'city', 'district', 'state', 'postalCode', 'country'];

/** Strings of a value, each part of a HumanName or Address by itself (R4 §3.1.1.4.8). */
export function stringValues({ value, leaf }: Found): readonly string[] {
  if (typeof value === 'string') return value === '' ? [] : [value];
  if (leaf.type === 'HumanName') return parts(value, HUMAN_NAME);
  if (leaf.type === 'Address') return parts(value, ADDRESS);
  return [];
}

function parts(value: unknown, names: readonly string[]): string[] {
  const out: string[] = [];
  for (const name of names) {
    const part = (value as Record<string, unknown>)[name];
    if (Array.isArray(part)) for (const one of part) addText(one, out);
    else addText(part, out);
  }
  return out;
}

function addText(value: unknown, out: string[]): void {
  if (typeof value === 'string' && value !== '') out.push(value);
}
