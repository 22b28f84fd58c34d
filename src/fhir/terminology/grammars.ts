import { NO, PERHAPS, type Truth, YES } from './truth.ts';

/** Restricted names of RFC 6838 §4.2 with parameters as in RFC 2045 §5.1. */
const MEDIA_TYPE =
  /^[A-Za-z0-9][\w!#$&.+^-]{0,126}\/[A-Za-z0-9][\w!#$&.+^-]{0,126}(?:\s{0,8};\s{0,8}[\w!#$&.+^-]{1,64}=(?:[\w!#$&.+^:/-]{1,128}|"[^"\\]{0,128}"))*$/;
const MAX_CHARS = 256;

/**
 * Systems that are a syntax, for which nobody lists the codes. A well-formed media type is one (BCP 13 leaves the
 * registry open). A language tag is when its language has a name here; other well-formed ones may be registered (BCP 47),
 * as may a currency that has none (ISO 4217).
 */
export const GRAMMARS: ReadonlyMap<string, (code: string) => Truth> = new Map([
  ['urn:ietf:bcp:13', (code: string) => (code.length <= MAX_CHARS && MEDIA_TYPE.test(code) ? YES : NO)],
  ['urn:ietf:bcp:47', languageTag],
  ['urn:iso:std:iso:4217', currency],
]);

let names: Intl.DisplayNames | undefined;
let currencies: ReadonlySet<string> | undefined;

function languageTag(code: string): Truth {
  if (code.length > MAX_CHARS || !/^[A-Za-z0-9-]+$/.test(code)) return NO;
  names ??= new Intl.DisplayNames(['en'], { type: 'language', fallback: 'none' });
  try {
    return names.of(new Intl.Locale(code).language) === undefined ? PERHAPS : YES;
  } catch {
    // Grandfathered and private tags are BCP 47's, but not Intl's.
    return /^[ix]-/i.test(code) ? PERHAPS : NO;
  }
}

function currency(code: string): Truth {
  if (!/^[A-Z]{3}$/.test(code)) return NO;
  currencies ??= new Set(Intl.supportedValuesOf('currency'));
  return currencies.has(code) ? YES : PERHAPS;
}
