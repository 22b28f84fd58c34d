import canonicalize from 'canonicalize';
import { utf8, utf8ToText } from './bytes.ts';

/**
 * The JSON that bodies are made of: RFC 8785 in exact bytes, printable ASCII only, no null, no float, no integer
 * beyond ±(2^53−1). One value has one encoding, in every language.
 */
export type Json = string | number | boolean | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json;
}

/** How many arrays and objects may lie one in another in a body. */
export const MAX_JSON_DEPTH = 32;

const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;

/** Path of the first thing in `value` that a body must not hold, with why; undefined when there is none. */
export function jsonFault(value: unknown, path = '$', depth = 0): string | undefined {
  if (typeof value === 'boolean') return undefined;
  if (typeof value === 'string') return PRINTABLE_ASCII.test(value) ? undefined : `${path}: not printable ASCII`;
  if (typeof value === 'number') {
    return Number.isSafeInteger(value) && !Object.is(value, -0) ? undefined : `${path}: not an integer within 2^53-1`;
  }
  if (typeof value !== 'object' || value === null) return `${path}: ${value === null ? 'null' : typeof value}`;
  if (depth === MAX_JSON_DEPTH) return `${path}: nested deeper than ${MAX_JSON_DEPTH}`;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const fault = jsonFault(value[i], `${path}[${i}]`, depth + 1);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return `${path}: not a plain object`;
  // fence: any fault refuses the value, whichever is named first
  for (const name of Object.keys(value)) {
    if (!PRINTABLE_ASCII.test(name) || name === '__proto__') return `${path}: member name`;
    const fault = jsonFault((value as Record<string, unknown>)[name], `${path}.${name}`, depth + 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** RFC 8785 text of a body. Throws TypeError when the value is none (`jsonFault` says where). */
export function canonicalText(value: Json): string {
  const fault = jsonFault(value);
  if (fault !== undefined) throw new TypeError(`not canonical JSON: ${fault}`);
  // Checked above, since canonicalize alone would drop undefined and round integers beyond 2^53.
  return canonicalize(value) as string;
}

/** RFC 8785 bytes of a body. Throws TypeError when the value is none. */
export function canonicalBytes(value: Json): Uint8Array {
  return utf8(canonicalText(value));
}

/** The value of exact RFC 8785 bytes; undefined for anything else: other bytes, null, floats, text beyond ASCII. */
export function parseCanonical(bytes: Uint8Array): Json | undefined {
  let text: string;
  let value: unknown;
  try {
    text = utf8ToText(bytes);
    // fence: what it rounds or merges does not give the same text back below
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (jsonFault(value) !== undefined) return undefined;
  return canonicalize(value) === text ? (value as Json) : undefined;
}
