import type { Found } from './compile-expression.ts';

/** What a token parameter compares (R4 §3.1.1.4.10). */
export interface TokenValue {
  readonly system?: string;
  readonly code?: string;
  /** A code, boolean, id, string or uri: its system, if any, is that of its binding and stands nowhere. */
  readonly isPrimitive: boolean;
}

/** Types whose value is the code itself. */
const PRIMITIVES = new Set(['code', 'boolean', 'id', 'string', 'uri', 'url', 'canonical', 'oid', 'uuid', 'markdown']);

export function isPrimitiveToken(type: string): boolean {
  return PRIMITIVES.has(type);
}

/**
 * Tokens of a value: of a Coding, of each coding of a CodeableConcept, of an Identifier, of a ContactPoint (whose system
 * is its `use`, as R4's table says), or of a primitive.
 */
export function tokenValues({ value, leaf }: Found): readonly TokenValue[] {
  switch (leaf.type) {
    case 'CodeableConcept':
      return codings(value).flatMap((coding) => pair(coding.system, coding.code));
    case 'Coding': {
      const { system, code } = value as { system?: unknown; code?: unknown };
      return pair(system, code);
    }
    case 'Identifier': {
      const { system, value: code } = value as { system?: unknown; value?: unknown };
      return pair(system, code);
    }
    case 'ContactPoint': {
      const { use, value: code } = value as { use?: unknown; value?: unknown };
      return pair(use, code);
    }
  }
  if (typeof value === 'boolean') return [{ code: String(value), isPrimitive: true }];
  if (typeof value !== 'string' || value === '' || !isPrimitiveToken(leaf.type)) return [];
  return [{ code: value, isPrimitive: true, ...(leaf.system === undefined ? {} : { system: leaf.system }) }];
}

/** Texts that `:text` looks into: CodeableConcept.text, Coding.display, Identifier.type.text. */
export function tokenTexts({ value, leaf }: Found): readonly string[] {
  if (leaf.type === 'CodeableConcept') {
    return [(value as { text?: unknown }).text, ...codings(value).map(({ display }) => display)].filter(isText);
  }
  if (leaf.type === 'Coding') return [(value as { display?: unknown }).display].filter(isText);
  if (leaf.type !== 'Identifier') return [];
  return [(value as { type?: { text?: unknown } }).type?.text].filter(isText);
}

/** The codings of an Identifier's type, for `:of-type`. */
export function identifierTypes({ value, leaf }: Found): readonly TokenValue[] {
  if (leaf.type !== 'Identifier') return [];
  return codings((value as { type?: unknown }).type).flatMap((coding) => pair(coding.system, coding.code));
}

interface RawCoding {
  readonly system?: unknown;
  readonly code?: unknown;
  readonly display?: unknown;
}

function codings(concept: unknown): readonly RawCoding[] {
  const coding = (concept as { coding?: unknown } | null | undefined)?.coding;
  return Array.isArray(coding) ? coding.filter((one) => typeof one === 'object' && one !== null) : [];
}

function pair(system: unknown, code: unknown): readonly TokenValue[] {
  if (isText(code)) return [isText(system) ? { system, code, isPrimitive: false } : { code, isPrimitive: false }];
  return isText(system) ? [{ system, isPrimitive: false }] : [];
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
