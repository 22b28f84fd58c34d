/**
 * What a narrative's `div` may hold (R4 §2.4.0, txt-1 and txt-2): the formatting elements of HTML 4 chapters 7-11 and
 * 15, anchors, images, style attributes. It is shown in browsers, so everything that is not on these lists is refused,
 * and nothing is ever rewritten. The scanner takes well-formed XML only and goes over the text once.
 */

const ELEMENTS = new Set(
  (
    'div p br hr h1 h2 h3 h4 h5 h6 a span b em i strong small big tt dfn q var abbr acronym cite blockquote address bdo ' +
    'kbd sub sup ul ol li dl dt dd pre code samp ins del u s table caption colgroup col thead tfoot tbody tr th td img map area'
  ).split(' '),
);

const ATTRIBUTES = new Set(
  (
    'title style class id lang xml:lang xml:space xml:id dir accesskey tabindex span width height align valign char ' +
    'charoff abbr axis headers scope rowspan colspan name href hreflang rel rev type charset shape coords src alt ' +
    'longdesc usemap ismap border cellpadding cellspacing summary frame rules cite datetime start value compact ' +
    'bgcolor nowrap color clear noshade size hspace vspace target nohref'
  ).split(' '),
);

const LINKS = new Set(['href', 'src', 'cite', 'longdesc', 'usemap']);
const XHTML = 'http://www.w3.org/1999/xhtml';
const NAME = /[A-Za-z_][A-Za-z0-9_:.-]*/y;
const SPACE = /[ \t\r\n]*/y;
const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
const ENTITY = /&([^;&\s]{0,32})(;?)/g;
const ENTITY_NAME = /^(?:[A-Za-z][A-Za-z0-9]*|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6})$/;
const ACTIVE_STYLE = /\\|\/\*|expression|@import|behaviou?r|binding|javascript:|vbscript:|</;
const STYLE_LINK = /url\(([^)]*)\)?/g;
/** Data that a browser shows as a picture and never runs. */
const PICTURE = /^data: ?image\/(?:png|gif|jpeg|jpg|webp|bmp)[;,]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it looks for.
const NOT_IN_LINK = /[\x00-\x1f\x7f\\]/;
const SCHEMES = new Set(['http', 'https', 'mailto', 'tel', 'urn', 'ftp', 'cid']);
const MAX_DEPTH = 256;

/** Why a narrative's `div` is refused; undefined when it may stand. Never cites the text. */
export function narrativeFault(div: string): string | undefined {
  let at = 0;
  let hasContent = false;
  const open: string[] = [];
  const skipSpace = (): void => {
    SPACE.lastIndex = at;
    SPACE.test(div);
    at = SPACE.lastIndex;
  };
  const name = (): string | undefined => {
    NAME.lastIndex = at;
    const found = NAME.exec(div)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  };

  function attributes(element: string): string | { readonly closed: boolean } {
    const seen = new Set<string>();
    for (;;) {
      const before = at;
      skipSpace();
      if (div.startsWith('/>', at)) {
        at += 2;
        return { closed: true };
      }
      if (div[at] === '>') {
        at++;
        return { closed: false };
      }
      const attribute = at > before ? name() : undefined;
      if (attribute === undefined) return MALFORMED;
      skipSpace();
      if (div[at] !== '=') return MALFORMED;
      at++;
      skipSpace();
      const quote = div[at];
      if (quote !== '"' && quote !== "'") return MALFORMED;
      const end = div.indexOf(quote, at + 1);
      if (end === -1) return MALFORMED;
      const raw = div.slice(at + 1, end);
      at = end + 1;
      if (seen.has(attribute)) return MALFORMED;
      seen.add(attribute);
      const fault = attributeFault(element, attribute, raw, open.length === 0);
      if (fault !== undefined) return fault;
    }
  }

  for (;;) {
    const next = div.indexOf('<', at);
    const text = next === -1 ? div.slice(at) : div.slice(at, next);
    if (/\S/.test(text)) {
      if (open.length === 0) return 'The narrative has text outside its div';
      if (text.includes(']]>') || decode(text, false) === undefined) return MALFORMED;
      hasContent = true;
    }
    if (next === -1) break;
    at = next;
    if (div.startsWith('<!--', at)) {
      const end = div.indexOf('-->', at + 4);
      if (end === -1) return MALFORMED;
      // What a browser might read as the comment's end, or as a condition, is none.
      if (/^-?>|--|<!|\[if|-$/i.test(div.slice(at + 4, end))) return 'The narrative has a comment that is not plain';
      at = end + 3;
      continue;
    }
    at++;
    if (div[at] === '!' || div[at] === '?') return 'The narrative has a declaration, CDATA or processing instruction';
    const closing = div[at] === '/';
    if (closing) at++;
    const element = name();
    if (element === undefined) return MALFORMED;
    if (closing) {
      skipSpace();
      if (div[at] !== '>' || open.pop() !== element) return MALFORMED;
      at++;
      if (open.length === 0 && /\S/.test(div.slice(at))) return 'The narrative has content outside its div';
      continue;
    }
    if (open.length === 0 && element !== 'div') return 'The narrative is not one div';
    if (!ELEMENTS.has(element)) return 'The narrative has an element that is not allowed there';
    const end = attributes(element);
    if (typeof end === 'string') return end;
    if (element === 'img') hasContent = true;
    if (!end.closed) {
      open.push(element);
      if (open.length > MAX_DEPTH) return 'The narrative is nested too deep';
    } else if (open.length === 0) {
      return 'The narrative is empty';
    }
  }
  if (open.length > 0) return MALFORMED;
  return hasContent ? undefined : 'The narrative is empty';
}

const MALFORMED = 'The narrative is not well-formed XHTML';

function attributeFault(element: string, attribute: string, raw: string, isRoot: boolean): string | undefined {
  if (raw.includes('<')) return MALFORMED;
  if (attribute === 'xmlns') return raw === XHTML ? undefined : 'The narrative is not in the namespace of XHTML';
  // A prefix that is declared and, as no such name is on the lists, never used.
  if (attribute.startsWith('xmlns:')) return isRoot ? undefined : 'The narrative has an attribute that is not allowed';
  if (!ATTRIBUTES.has(attribute)) return 'The narrative has an attribute that is not allowed';
  const isLink = LINKS.has(attribute);
  const value = decode(raw, isLink || attribute === 'style');
  if (value === undefined) return MALFORMED;
  if (isLink && !isHarmlessLink(value, element)) return 'The narrative has a link that could run something';
  if (attribute === 'style' && !isHarmlessStyle(value.toLowerCase())) {
    return 'The narrative has a style that loads or runs something';
  }
  return undefined;
}

/** A style may show a picture, as an image does. */
function isHarmlessStyle(style: string): boolean {
  if (ACTIVE_STYLE.test(style)) return false;
  for (const [, link = ''] of style.matchAll(STYLE_LINK)) {
    if (!isHarmlessLink(link.replace(/^[ '"]+|[ '"]+$/g, ''), 'img')) return false;
  }
  return true;
}

/** Browsers drop control characters and spaces in a scheme, so one that holds any is not trusted. */
function isHarmlessLink(value: string, element: string): boolean {
  if (NOT_IN_LINK.test(value)) return false;
  const link = value.trim().toLowerCase();
  const colon = /^[^/?#]*?:/.exec(link)?.[0].slice(0, -1);
  if (colon === undefined) return true;
  if (colon === 'data') return element === 'img' && PICTURE.test(link);
  return SCHEMES.has(colon);
}

/** Text with its entities resolved; undefined for one that is malformed or, where `strict`, not XML's own. */
function decode(text: string, strict: boolean): string | undefined {
  if (!text.includes('&')) return text;
  let isWrong = false;
  const decoded = text.replace(ENTITY, (_, entity: string, end: string) => {
    if (end === '' || !ENTITY_NAME.test(entity)) {
      isWrong = true;
      return '';
    }
    if (entity.startsWith('#')) {
      const point = entity[1] === 'x' ? Number.parseInt(entity.slice(2), 16) : Number(entity.slice(1));
      if (point === 0 || point > 0x10ffff) isWrong = true;
      return isWrong ? '' : String.fromCodePoint(point);
    }
    if (Object.hasOwn(NAMED, entity)) return NAMED[entity] as string;
    if (strict) isWrong = true;
    return ' ';
  });
  return isWrong ? undefined : decoded;
}
