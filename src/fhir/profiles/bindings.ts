import type { CodeValue } from '../terminology/terminology.ts';
import { isObject, report, type Walk } from './walk.ts';

export type BindingStrength = 'required' | 'extensible';
type Membership = 'member' | 'absent' | 'unknown';

/**
 * A value against a bound value set (R4 §4.1.5.2): of a CodeableConcept one coding must be in it. `codes` are all codes
 * of the set, where no terminology is at hand. Extensible bindings warn, and let a text stand alone.
 */
export function checkBinding(
  value: unknown,
  type: string,
  valueSet: string,
  strength: BindingStrength,
  walk: Walk,
  codes?: ReadonlySet<string>,
): void {
  const membership = membershipOf(value, type, valueSet, strength, walk, codes);
  if (membership === 'absent') {
    const severity = strength === 'required' ? 'error' : 'warning';
    report(walk, 'code-invalid', `Not a code of ${valueSet} (${strength})`, undefined, severity);
  } else if (membership === 'unknown' && strength === 'required' && walk.terminology !== undefined) {
    report(walk, 'not-supported', `Whether the code is of ${valueSet} cannot be told here`, undefined, 'information');
  }
}

/** Whether a value is of a value set; `member` for a type that has no code. */
export function membershipOf(
  value: unknown,
  type: string,
  valueSet: string,
  strength: BindingStrength,
  walk: Walk,
  codes?: ReadonlySet<string>,
): Membership {
  if (typeof value === 'string') return isCodeType(type) ? one({ code: value }, valueSet, walk, codes) : 'member';
  if (!isObject(value)) return 'member';
  if (type === 'CodeableConcept') {
    const codings = Array.isArray(value.coding) ? value.coding : [];
    const found = codings.map((coding) => codingMembership(coding, valueSet, walk, codes));
    if (found.includes('member')) return 'member';
    if (found.includes('unknown')) return 'unknown';
    if (found.length === 0 && hasOnlyExtensions(value)) return 'member';
    return found.length === 0 && strength === 'extensible' ? 'member' : 'absent';
  }
  if (type === 'Coding' || type === 'Quantity') return codingMembership(value, valueSet, walk, codes);
  return 'member';
}

/** A concept that only says why there is none (data-absent-reason). */
function hasOnlyExtensions(value: Readonly<Record<string, unknown>>): boolean {
  return value.extension !== undefined && value.text === undefined;
}

function codingMembership(coding: unknown, valueSet: string, walk: Walk, codes?: ReadonlySet<string>): Membership {
  if (!isObject(coding) || typeof coding.code !== 'string') {
    return isObject(coding) && hasOnlyExtensions(coding) ? 'member' : 'absent';
  }
  const system = typeof coding.system === 'string' ? { system: coding.system } : {};
  return one({ code: coding.code, ...system }, valueSet, walk, codes);
}

/** Names that R4's own elements take beside media types (CapabilityStatement.format: `xml | json | ttl | mime type`). */
const MEDIA_TYPES = 'http://hl7.org/fhir/ValueSet/mimetypes';
const SHORT_MEDIA_TYPES = new Set(['json', 'xml', 'ttl']);

function one(code: CodeValue, valueSet: string, walk: Walk, codes?: ReadonlySet<string>): Membership {
  const told = walk.terminology?.inValueSet(valueSet, code) ?? 'unknown';
  if (told === 'absent' && SHORT_MEDIA_TYPES.has(code.code) && valueSet.split('|')[0] === MEDIA_TYPES) return 'member';
  // A terminology that does not know a set of R4's own does not take away what R4's definitions list.
  if (told !== 'unknown' || codes === undefined) return told;
  return codes.has(code.code) ? 'member' : 'absent';
}

function isCodeType(type: string): boolean {
  return type === 'code' || type === 'string' || type === 'uri' || type === 'id';
}
