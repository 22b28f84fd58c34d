/**
 * Formats of R4's primitive types (R4 §2.24.0.1). Each check is linear in the length of the value: no expression here
 * has two ways to match the same text.
 */

// biome-ignore lint/suspicious/noControlCharactersInRegex: R4's strings may not hold them.
const CONTROL = /[\x00-\x08\x0b\x0c\x0e-\x1f]/;
const NOT_BLANK = /[^ \t\r\n]/;
const STRING_CHARS = 1024 * 1024;
const INTEGER_MAX = 2_147_483_647;

const ID = /^[A-Za-z0-9.-]{1,64}$/;
const CODE = /^\S+(?:\s\S+)*$/;
const NO_SPACE = /^\S+$/;
const OID = /^urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+$/;
const UUID = /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const DATE = /^([0-9]{4})(?:-(0[1-9]|1[0-2])(?:-(0[1-9]|[12][0-9]|3[01]))?)?$/;
const TIME = /^(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?$/;
const ZONE = /^(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))$/;
const BASE64 = /^[0-9A-Za-z+/]*={0,2}$/;

type Check = (value: unknown) => boolean;

const isText = (value: unknown): value is string =>
  typeof value === 'string' && NOT_BLANK.test(value) && !CONTROL.test(value) && value.length <= STRING_CHARS;
const isUri: Check = (value) => typeof value === 'string' && NO_SPACE.test(value) && !CONTROL.test(value);
const matching =
  (pattern: RegExp): Check =>
  (value) =>
    typeof value === 'string' && pattern.test(value);
const integerFrom =
  (min: number): Check =>
  (value) =>
    Number.isInteger(value) && (value as number) >= min && (value as number) <= INTEGER_MAX;

const CHECKS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['boolean', (value) => typeof value === 'boolean'],
  ['integer', integerFrom(-INTEGER_MAX - 1)],
  ['unsignedInt', integerFrom(0)],
  ['positiveInt', integerFrom(1)],
  ['decimal', (value) => typeof value === 'number' && Number.isFinite(value)],
  ['string', isText],
  ['markdown', isText],
  ['xhtml', (value) => typeof value === 'string' && NOT_BLANK.test(value) && !CONTROL.test(value)],
  ['uri', isUri],
  ['url', isUri],
  ['canonical', isUri],
  ['oid', matching(OID)],
  ['uuid', matching(UUID)],
  ['id', matching(ID)],
  ['code', (value) => typeof value === 'string' && CODE.test(value) && !CONTROL.test(value)],
  ['date', (value) => typeof value === 'string' && isDate(value)],
  ['dateTime', (value) => typeof value === 'string' && isDateTime(value)],
  ['instant', (value) => typeof value === 'string' && value.includes('T') && isDateTime(value)],
  ['time', matching(TIME)],
  ['base64Binary', (value) => typeof value === 'string' && isBase64(value)],
]);

/** Whether `value` is written as R4 asks of the primitive type. A type that is none of R4's has no right value. */
export function isPrimitiveValue(type: string, value: unknown): boolean {
  return CHECKS.get(type)?.(value) ?? false;
}

/** The day must exist: 2023-02-29 is no date, 2024-02-29 is. The year 0000 is none of R4's. */
function isDate(text: string): boolean {
  const match = text.length <= 10 ? DATE.exec(text) : null;
  if (match === null || match[1] === '0000') return false;
  return match[3] === undefined || Number(match[3]) <= daysIn(Number(match[1]), Number(match[2]));
}

function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** A time of day needs a whole date before it, seconds and a zone. */
function isDateTime(text: string): boolean {
  const at = text.indexOf('T');
  if (at === -1) return isDate(text);
  if (at !== 10 || !isDate(text.slice(0, 10)) || text.length > 64) return false;
  const time = text.slice(11);
  const zone = time.endsWith('Z') ? 1 : 6;
  return ZONE.test(time.slice(-zone)) && TIME.test(time.slice(0, -zone));
}

function isBase64(text: string): boolean {
  const packed = /\s/.test(text) ? text.replace(/\s/g, '') : text;
  return packed.length > 0 && packed.length % 4 === 0 && BASE64.test(packed);
}
