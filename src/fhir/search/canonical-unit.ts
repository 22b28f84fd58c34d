import { createRequire } from 'node:module';

export const UCUM = 'http://unitsofmeasure.org';

/** A unit by what it is of base units: `mg` is 0.001 of `g`, `Cel` is 1 of `K` and 273.15 more. */
export interface CanonicalUnit {
  readonly unit: string;
  readonly factor: number;
  readonly offset: number;
}

/** The part of `@lhncbc/ucum-lhc` that is used; it has no types of its own. */
interface UcumUtils {
  convertToBaseUnits(
    unit: string,
    value: number,
  ): { status: string; magnitude: number; unitToExp: Record<string, number>; fromUnitIsSpecial: boolean };
}

/** Units are few; what clients make up must not fill the memory. */
const MAX_CACHED = 5000;
/**
 * UCUM §2, a little narrower: visible ASCII; annotations are plain, they and parentheses end a component. On what this leaves out the
 * library would write to the console.
 */
const CODE = /^(?=.{1,64}$)(?:[!-'*-z|~]|(?<=^|[./(])\((?!\))|\)(?=[./){]|$)|\{[^{}()[\]\s]*\}(?=[./)]|$))+$/;
/** Values at which a scale shows whether it is linear. */
const STEP = 1e6;

const cache = new Map<string, CanonicalUnit | undefined>();
let ucum: UcumUtils | undefined;

/**
 * The unit that `code` of UCUM comes down to; undefined for what UCUM does not know, for arbitrary units (`[iU]`, which
 * compare with nothing but themselves), and for scales that are not linear (pH, decibel). The library (35 ms, 13 MB) is
 * loaded by the first unit.
 */
export function canonicalUnit(code: string): CanonicalUnit | undefined {
  if (cache.has(code)) return cache.get(code);
  if (!CODE.test(code)) return undefined;
  const unit = convert(code);
  if (cache.size >= MAX_CACHED) cache.clear();
  cache.set(code, unit);
  return unit;
}

/** `value` of `unit` in base units, to 12 digits, so that 5.35 mg and 0.00535 g are the same number. */
export function inBaseUnits(value: number, { factor, offset }: CanonicalUnit): number {
  const converted = value * factor + offset;
  return Number.isFinite(converted) ? Number(converted.toPrecision(12)) : value * factor;
}

function convert(code: string): CanonicalUnit | undefined {
  try {
    ucum ??= loadUcum();
    const one = ucum.convertToBaseUnits(code, 1);
    if (one.status !== 'succeeded' || !Number.isFinite(one.magnitude)) return undefined;
    const unit = unitText(one.unitToExp);
    if (!one.fromUnitIsSpecial) return one.magnitude > 0 ? { unit, factor: one.magnitude, offset: 0 } : undefined;
    // A long step, since a short one drowns in the offset: mCel is 0.001 K and 273.15.
    const [zero, far, further] = [0, STEP, 2 * STEP].map(
      (value) => ucum?.convertToBaseUnits(code, value).magnitude ?? 0,
    );
    const [offset, factor] = [zero ?? 0, ((far ?? 0) - (zero ?? 0)) / STEP];
    const isLinear = factor > 0 && Math.abs((further ?? 0) - (far ?? 0) - factor * STEP) < factor * STEP * 1e-6;
    if (!isLinear) return undefined;
    return { unit, factor: Number(factor.toPrecision(12)), offset: Number(offset.toPrecision(12)) };
  } catch {
    // The library throws on some codes that are none.
    return undefined;
  }
}

function unitText(exponents: Record<string, number>): string {
  const parts = Object.entries(exponents).sort(([a], [b]) => (a < b ? -1 : 1));
  return parts.length === 0 ? '1' : parts.map(([unit, power]) => (power === 1 ? unit : `${unit}${power}`)).join('.');
}

function loadUcum(): UcumUtils {
  const { UcumLhcUtils } = createRequire(import.meta.url)('@lhncbc/ucum-lhc') as {
    UcumLhcUtils: { getInstance(): UcumUtils };
  };
  return UcumLhcUtils.getInstance();
}
