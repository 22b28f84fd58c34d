import { createRequire } from 'node:module';
import type { SlowValue } from './slow-values.ts';

// R4 §3.1.1.4, each rule as its sentence says it, on one value at a time. Shares nothing with src/fhir/search.

export const BASE_URL = 'https://example.org/fhir';
export const NOW_MS = Date.UTC(2026, 0, 1);

export interface SlowParameter {
  readonly kind: string;
  readonly targets: readonly string[];
}

/** Whether any of the values is what `text` (one value of the parameter, unescaped pieces) asks for. */
export function slowMatches(
  { kind, targets }: SlowParameter,
  modifier: string,
  text: string,
  values: readonly SlowValue[],
): boolean {
  if (modifier === 'missing') return (values.length === 0) === (text === 'true');
  if (modifier === 'not') return !slowMatches({ kind, targets }, '', text, values);
  if (kind === 'reference') return values.some((value) => matchesReference(value, text, modifier, targets));
  return values.some((value) => MATCHERS[kind]?.(value, text, modifier));
}

const MATCHERS: Record<string, (value: SlowValue, text: string, modifier: string) => boolean> = {
  token: matchesToken,
  string: matchesString,
  uri: matchesUri,
  date: (value, text) => slowDates(value).some((one) => compare(text.slice(0, 2), one, dateOf(text))),
  number: (value, text) => numbersOf(value).some((one) => compareNumber(text, one.low, one.high)),
  quantity: matchesQuantity,
};

// Tokens.

export function slowTokens({ type, value }: SlowValue): { system?: string; code?: string; literal?: true }[] {
  if (type === 'CodeableConcept') return value.coding ?? [];
  if (type === 'Coding') return [value];
  if (type === 'Identifier') return [{ system: value.system, code: value.value }];
  if (type === 'ContactPoint') return [{ system: value.use, code: value.value }];
  if (typeof value === 'string' || typeof value === 'boolean') return [{ code: String(value), literal: true }];
  return [];
}

function matchesToken(one: SlowValue, text: string, modifier: string): boolean {
  if (modifier === 'text') {
    const texts = one.type === 'Identifier' ? [one.value.type?.text] : [one.value.text, one.value.display];
    const displays = (one.value.coding ?? []).map((coding: { display?: string }) => coding.display);
    return [...texts, ...displays].some((shown) => typeof shown === 'string' && plain(shown).startsWith(plain(text)));
  }
  if (modifier === 'of-type') {
    const [system, code, value] = text.split('|');
    const types: { system?: string; code?: string }[] = one.value.type?.coding ?? [];
    return one.value.value === value && types.some((type) => type.system === system && type.code === code);
  }
  return slowTokens(one).some(({ system, code, literal }) => {
    if (!text.includes('|')) return code === text;
    const [wantedSystem, wantedCode] = [text.slice(0, text.indexOf('|')), text.slice(text.indexOf('|') + 1)];
    if (wantedSystem === '') return code === wantedCode && (literal === true || system === undefined);
    return system === wantedSystem && (wantedCode === '' || code === wantedCode);
  });
}

// Strings and URIs.

export function slowStrings({ type, value }: SlowValue): string[] {
  if (typeof value === 'string') return [value];
  if (type === 'HumanName')
    return [value.text, value.family, value.given, value.prefix, value.suffix].flat().filter((one) => one);
  if (type === 'Address')
    return [value.text, value.line, value.city, value.district, value.state, value.postalCode, value.country]
      .flat()
      .filter((one) => one);
  return [];
}

/** Letter by letter: without case, marks, punctuation and more than one space. */
function plain(text: string): string {
  let out = '';
  for (const letter of text.normalize('NFKD').toLowerCase().normalize('NFKD')) {
    if (/\p{M}|\p{P}|\p{Cf}/u.test(letter)) continue;
    const special = { ß: 'ss', æ: 'ae', œ: 'oe', ø: 'o', đ: 'd', ð: 'd', ł: 'l', þ: 'th', ı: 'i', ς: 'σ' }[letter];
    out += special ?? letter;
  }
  return out
    .split(/\s+/)
    .filter((word) => word !== '')
    .join(' ');
}

function matchesString(one: SlowValue, text: string, modifier: string): boolean {
  return slowStrings(one).some((value) => {
    if (modifier === 'exact') return value === text;
    return modifier === 'contains' ? plain(value).includes(plain(text)) : plain(value).startsWith(plain(text));
  });
}

function matchesUri({ type, value }: SlowValue, text: string, modifier: string): boolean {
  const forms = type === 'canonical' ? [value, value.split(/[|#]/)[0]] : [value];
  return forms.some((form: string) => {
    if (modifier === 'below') return form.startsWith(text);
    if (modifier === 'above')
      return form === text || (text.startsWith(form) && (form.endsWith('/') || text[form.length] === '/'));
    return form === text;
  });
}

// References.

/** `Type/id` of a resource of this server, with the version if there is one. */
function localOf(reference: string): { name: string; version?: string } | undefined {
  const path = reference.startsWith(`${BASE_URL}/`) ? reference.slice(BASE_URL.length + 1) : reference;
  const parts = path.split('#')[0]?.split('/') ?? [];
  if (!/^[A-Z][A-Za-z]+$/.test(parts[0] ?? '') || !/^[A-Za-z0-9.-]{1,64}$/.test(parts[1] ?? '')) return undefined;
  const name = `${parts[0]}/${parts[1]}`;
  if (parts.length === 2) return { name };
  if (parts.length === 4 && parts[2] === '_history') return { name, version: parts[3] as string };
  return undefined;
}

export function slowAddress({ type, value }: SlowValue): string | undefined {
  if (type === 'Reference') return value.reference;
  return typeof value === 'object' ? value.resourceType && `${value.resourceType}/${value.id}` : value;
}

function matchesReference(one: SlowValue, text: string, modifier: string, targets: readonly string[]): boolean {
  if (modifier === 'identifier') {
    const { identifier } = one.value;
    return identifier !== undefined && matchesToken({ type: 'Identifier', value: identifier }, text, '');
  }
  const address = slowAddress(one);
  if (address === undefined || address.startsWith('#')) return false;
  const wanted = localOf(modifier === '' || text.includes('/') ? text : `${modifier}/${text}`);
  const local = localOf(address);
  if (wanted !== undefined)
    return wanted.name === local?.name && (wanted.version === undefined || wanted.version === local.version);
  const isId = /^[A-Za-z0-9.-]{1,64}$/.test(text);
  const [type = '', id] = local?.name.split('/') ?? [];
  if (isId && local !== undefined) return id === text && (targets.length === 0 || targets.includes(type));
  return local === undefined && (address === text || address.split(/[|#]/)[0] === text);
}

// Dates: from the first millisecond up to, not including, the last.

interface Span {
  readonly from: number;
  readonly to: number;
}

export function spanOf(text: string): Span {
  if (text.length <= 10) {
    const [year = 0, month, day] = text.split('-').map(Number);
    const from = Date.UTC(year, (month ?? 1) - 1, day ?? 1);
    if (month === undefined) return { from, to: Date.UTC(year + 1, 0, 1) };
    return { from, to: day === undefined ? Date.UTC(year, month, 1) : from + 86_400_000 };
  }
  const zoned = /(Z|[+-]\d\d:\d\d)$/.test(text) ? text : `${text}Z`;
  const fraction = /\.(\d+)/.exec(zoned)?.[1];
  const from = Date.parse(
    zoned.replace(/\.\d+/, fraction === undefined ? '' : `.${fraction.slice(0, 3).padEnd(3, '0')}`),
  );
  if (fraction !== undefined) return { from, to: from + Math.max(1, 10 ** (3 - fraction.length)) };
  return { from, to: from + (/T\d\d:\d\d(Z|[+-])/.test(zoned) ? 60_000 : 1000) };
}

export function slowDates({ type, value }: SlowValue): Span[] {
  if (type === 'Period') return [value].filter((one) => one.start || one.end).map(periodSpan);
  if (type === 'Timing') {
    const bounds = value.repeat?.boundsPeriod;
    const all = [...(value.event ?? []).map(spanOf), ...(bounds ? [periodSpan(bounds)] : [])];
    if (all.length === 0) return [];
    return [{ from: Math.min(...all.map(({ from }) => from)), to: Math.max(...all.map(({ to }) => to)) }];
  }
  return ['date', 'dateTime', 'instant'].includes(type) ? [spanOf(value)] : [];
}

function periodSpan({ start, end }: { start?: string; end?: string }): Span {
  return {
    from: start === undefined ? Number.NEGATIVE_INFINITY : spanOf(start).from,
    to: end === undefined ? Number.POSITIVE_INFINITY : spanOf(end).to,
  };
}

function dateOf(text: string): Span {
  const prefix = text.slice(0, 2);
  const span = spanOf(text.slice(2));
  if (prefix !== 'ap') return span;
  const tenth = Math.floor(Math.abs(NOW_MS - span.from) * 0.1);
  return { from: span.from - tenth, to: span.to + tenth };
}

function compare(prefix: string, target: Span, search: Span): boolean {
  const containsIt = search.from <= target.from && target.to <= search.to;
  const reachesAbove = target.to > search.to;
  const reachesBelow = target.from < search.from;
  switch (prefix) {
    case 'eq':
      return containsIt;
    case 'ne':
      return !containsIt;
    case 'gt':
      return reachesAbove;
    case 'lt':
      return reachesBelow;
    case 'ge':
      return reachesAbove || containsIt;
    case 'le':
      return reachesBelow || containsIt;
    case 'sa':
      return target.from >= search.to;
    case 'eb':
      return target.to <= search.from;
    case 'ap':
      return target.from < search.to && target.to > search.from;
  }
  throw new TypeError(prefix);
}

// Numbers: as whole numbers of 10^-400, so that nothing is rounded. Undefined ends are open.

const PLACES = 400;

function exact(text: string): bigint {
  const [, sign, whole = '', fraction = '', power = '0'] =
    /^([+-]?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(text) ?? [];
  const zeros = PLACES - fraction.length + Number(power);
  return BigInt(`${sign}${whole}${fraction}`) * 10n ** BigInt(zeros);
}

export function numbersOf({ type, value }: SlowValue): { low?: number; high?: number }[] {
  if (type === 'Range')
    return [{ low: value.low?.value, high: value.high?.value }].filter((one) => (one.low ?? one.high) !== undefined);
  return typeof value === 'number' ? [{ low: value, high: value }] : [];
}

function compareNumber(text: string, low: number | undefined, high: number | undefined): boolean {
  const [prefix, number] = [text.slice(0, 2), text.slice(2)];
  const from = low === undefined ? undefined : exact(String(low));
  const to = high === undefined ? undefined : exact(String(high));
  const point = exact(number);
  const above = (limit: bigint) => to === undefined || to > limit;
  const below = (limit: bigint) => from === undefined || from < limit;
  const isPoint = from === point && to === point;
  const digits = number.replace(/e.*$/i, '');
  const power = Number(/e(.*)$/i.exec(number)?.[1] ?? 0) - (digits.split('.')[1]?.length ?? 0);
  const half = 10n ** BigInt(PLACES + power) / 2n;
  const isSame = !below(exact(number) - half) && to !== undefined && to < exact(number) + half;
  switch (prefix) {
    case 'eq':
      return isSame;
    case 'ne':
      return !isSame;
    case 'gt':
      return above(point);
    case 'lt':
      return below(point);
    case 'ge':
      return above(point) || isPoint;
    case 'le':
      return below(point) || isPoint;
    case 'sa':
      return from !== undefined && from > point;
    case 'eb':
      return to !== undefined && to < point;
    case 'ap': {
      const unscaled = exact(number);
      const tenth = (unscaled < 0n ? -unscaled : unscaled) / 10n;
      return (from === undefined || from <= unscaled + tenth) && (to === undefined || to >= unscaled - tenth);
    }
  }
  throw new TypeError(prefix);
}

interface Ucum {
  convertToBaseUnits(
    unit: string,
    value: number,
  ): { status: string; magnitude: number; unitToExp: object; fromUnitIsSpecial: boolean };
}
let ucum: Ucum | undefined;

/** In base units, or undefined where UCUM has none; special scales other than temperature are left as they are. */
function baseOf(unit: string, value: number): { value: number; dimension: string } | undefined {
  ucum ??= (
    createRequire(import.meta.url)('@lhncbc/ucum-lhc') as { UcumLhcUtils: { getInstance(): Ucum } }
  ).UcumLhcUtils.getInstance();
  const { status, magnitude, unitToExp, fromUnitIsSpecial } = ucum.convertToBaseUnits(unit, value);
  const dimension = JSON.stringify(Object.entries(unitToExp ?? {}).sort());
  if (status !== 'succeeded' || (fromUnitIsSpecial && dimension !== '[["K",1]]')) return undefined;
  return { value: magnitude, dimension };
}

export function slowQuantities({ type, value }: SlowValue) {
  if (type === 'Money')
    return [
      { low: value.value, high: value.value, system: 'urn:iso:std:iso:4217', code: value.currency, unit: undefined },
    ];
  if (type === 'Range') {
    const { system, code, unit } = value.low?.value === undefined ? (value.high ?? {}) : value.low;
    return numbersOf({ type, value }).map((one) => ({ ...one, system, code, unit }));
  }
  if (type === 'SampledData' || typeof value?.value !== 'number') return [];
  const { system, code, unit, comparator = '' } = value;
  const [low, high] = [
    comparator.includes('<') ? undefined : value.value,
    comparator.includes('>') ? undefined : value.value,
  ];
  return [{ low, high, system, code, unit }];
}

function matchesQuantity(one: SlowValue, text: string): boolean {
  const [number = '', system = '', code = ''] = text.split('|');
  return slowQuantities(one).some((quantity) => {
    const { low, high } = quantity;
    if (code === '') return compareNumber(number, low, high);
    if (system === '') return (quantity.code === code || quantity.unit === code) && compareNumber(number, low, high);
    const isUcum = system === 'http://unitsofmeasure.org';
    const wanted = isUcum ? baseOf(code, 1) : undefined;
    if (wanted === undefined)
      return quantity.system === system && quantity.code === code && compareNumber(number, low, high);
    if (quantity.system !== system || quantity.code === undefined) return false;
    const base = baseOf(quantity.code, 1);
    if (base?.dimension !== wanted.dimension) return false;
    const inBase = (unit: string) => (value: number) =>
      Number((baseOf(unit, value) as { value: number }).value.toPrecision(12));
    // The ends of the search in its own unit, the value in its own, both brought down to base units.
    const [from, to] = [
      low === undefined ? undefined : inBase(quantity.code)(low),
      high === undefined ? undefined : inBase(quantity.code)(high),
    ];
    return compareScaled(number, from, to, inBase(code));
  });
}

/** Like `compareNumber`, with the search's ends scaled and the value's already so. */
function compareScaled(
  text: string,
  low: number | undefined,
  high: number | undefined,
  scale: (value: number) => number,
): boolean {
  const [prefix, number] = [text.slice(0, 2), text.slice(2)];
  const digits = number.replace(/e.*$/i, '');
  const power = Number(/e(.*)$/i.exec(number)?.[1] ?? 0) - (digits.split('.')[1]?.length ?? 0);
  const unit = 10n ** BigInt(PLACES + power);
  const toNumber = (value: bigint) => scale(Number(decimal(value)));
  const [from, to] = [low ?? Number.NEGATIVE_INFINITY, high ?? Number.POSITIVE_INFINITY];
  const point = toNumber(exact(number));
  const [start, end] = [toNumber(exact(number) - unit / 2n), toNumber(exact(number) + unit / 2n)];
  const isPoint = from === point && to === point;
  const isSame = isPoint || (start <= from && to < end);
  const size = exact(number) < 0n ? -exact(number) : exact(number);
  const near = [toNumber(exact(number) - size / 10n), toNumber(exact(number) + size / 10n)] as const;
  return (
    {
      eq: isSame,
      ne: !isSame,
      gt: to > point,
      lt: from < point,
      ge: to > point || isPoint,
      le: from < point || isPoint,
      sa: from > point,
      eb: to < point,
      ap: from <= near[1] && to >= near[0],
    }[prefix] ?? false
  );
}

function decimal(value: bigint): string {
  return `${value}e-${PLACES}`;
}
