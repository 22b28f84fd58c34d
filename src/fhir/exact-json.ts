import { rejectFhir } from './codes.ts';
import { LIMITS } from './limits.ts';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const HEX4 = /[0-9a-fA-F]{4}/y;

export interface ExactJsonLimits {
  readonly jsonDepth: number;
  readonly numberChars: number;
  readonly memberNameChars: number;
}

/**
 * Text of the JSON value in `bytes`, exactly as written but for whitespace between tokens, which is dropped: `1.10`
 * stays `1.10`, escapes stay escapes, members keep their order. What comes out is safe to cut by `json-spans.ts`:
 * member names hold no escapes, so `"name":` is found by text search.
 *
 * Throws Reject JSON_INVALID {reason, offset} for anything but strict JSON (RFC 8259) in UTF-8 without a byte order
 * mark, and for what I-JSON (RFC 7493) and FHIR (R4 §2.6.2, §2.24.0) exclude: duplicate names, lone surrogates, control
 * characters but tab, line feed and carriage return, numbers that a double cannot hold. `__proto__` is no name.
 */
export function exactJson(bytes: Uint8Array, limits: ExactJsonLimits = LIMITS): string {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    throw rejectFhir('JSON_INVALID', { reason: 'not UTF-8', offset: 0 });
  }
  return new Scanner(text, limits).scan();
}

class Scanner {
  private at = 0;
  private kept = 0;
  private readonly pieces: string[] = [];
  private readonly text: string;
  private readonly limits: ExactJsonLimits;

  constructor(text: string, limits: ExactJsonLimits) {
    this.text = text;
    this.limits = limits;
  }

  scan(): string {
    if (this.text.charCodeAt(0) === 0xfeff) throw this.fault('byte order mark');
    this.space();
    this.value(1);
    this.space();
    if (this.at < this.text.length) throw this.fault('text after the value');
    this.pieces.push(this.text.slice(this.kept));
    return this.pieces.length === 1 ? (this.pieces[0] as string) : this.pieces.join('');
  }

  private fault(reason: string): Error {
    return rejectFhir('JSON_INVALID', { reason, offset: this.at });
  }

  private space(): void {
    const start = this.at;
    let code = this.text.charCodeAt(this.at);
    while (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) code = this.text.charCodeAt(++this.at);
    if (this.at === start) return;
    if (start > this.kept) this.pieces.push(this.text.slice(this.kept, start));
    this.kept = this.at;
  }

  private value(depth: number): void {
    if (depth > this.limits.jsonDepth) throw this.fault('nested too deep');
    switch (this.text.charCodeAt(this.at)) {
      case 0x7b:
        this.object(depth);
        break;
      case 0x5b:
        this.array(depth);
        break;
      case 0x22:
        this.string();
        break;
      case 0x74:
        this.literal('true');
        break;
      case 0x66:
        this.literal('false');
        break;
      case 0x6e:
        this.literal('null');
        break;
      default:
        this.number();
    }
  }

  private object(depth: number): void {
    this.at++;
    this.space();
    if (this.text.charCodeAt(this.at) === 0x7d) {
      this.at++;
      return;
    }
    const names = new Names();
    for (;;) {
      const start = this.at;
      if (this.text.charCodeAt(start) !== 0x22) throw this.fault('member name expected');
      this.string(true);
      const name = this.text.slice(start + 1, this.at - 1);
      if (name.length > this.limits.memberNameChars) throw this.fault('member name too long');
      if (name === '__proto__') throw this.fault('member name not allowed');
      if (!names.add(name)) throw this.fault('duplicate member name');
      this.space();
      if (this.text.charCodeAt(this.at) !== 0x3a) throw this.fault('colon expected');
      this.at++;
      this.space();
      this.value(depth + 1);
      if (this.endsWith(0x7d)) return;
    }
  }

  private array(depth: number): void {
    this.at++;
    this.space();
    if (this.text.charCodeAt(this.at) === 0x5d) {
      this.at++;
      return;
    }
    for (;;) {
      this.value(depth + 1);
      if (this.endsWith(0x5d)) return;
    }
  }

  /** After a member or element: true at the closing bracket, false after a comma. */
  private endsWith(bracket: number): boolean {
    this.space();
    const code = this.text.charCodeAt(this.at);
    if (code !== bracket && code !== 0x2c) throw this.fault('comma or closing bracket expected');
    this.at++;
    if (code === bracket) return true;
    this.space();
    return false;
  }

  private string(isName = false): void {
    const { text } = this;
    for (let i = this.at + 1; ; i++) {
      const code = text.charCodeAt(i);
      if (code === 0x22) {
        this.at = i + 1;
        return;
      }
      if (code === 0x5c) {
        this.at = i;
        if (isName) throw this.fault('escape in a member name');
        i = this.escape(i);
      } else if (!(code >= 0x20)) {
        this.at = i;
        throw this.fault(Number.isNaN(code) ? 'string without end' : 'control character');
      }
    }
  }

  /** Checks the escape at `i`; returns where its last character is (of the pair, for a surrogate pair). */
  private escape(i: number): number {
    const letter = this.text.charAt(i + 1);
    if (letter !== 'u') {
      // \b and \f are JSON, but no FHIR string holds U+0008 or U+000C (R4 §2.24.0.1).
      if (letter === '' || !'"\\/nrt'.includes(letter)) throw this.fault('escape not allowed');
      return i + 1;
    }
    const code = this.codeUnit(i + 2);
    if (code < 0x20 && code !== 9 && code !== 10 && code !== 13) throw this.fault('control character');
    if (code >= 0xdc00 && code <= 0xdfff) throw this.fault('lone surrogate');
    if (code < 0xd800 || code > 0xdbff) return i + 5;
    const low = this.text.startsWith('\\u', i + 6) ? this.codeUnit(i + 8) : 0;
    if (low < 0xdc00 || low > 0xdfff) throw this.fault('lone surrogate');
    return i + 11;
  }

  private codeUnit(at: number): number {
    HEX4.lastIndex = at;
    if (!HEX4.test(this.text)) throw this.fault('escape not allowed');
    return Number.parseInt(this.text.slice(at, at + 4), 16);
  }

  private literal(word: string): void {
    if (!this.text.startsWith(word, this.at)) throw this.fault('value expected');
    this.at += word.length;
  }

  private number(): void {
    NUMBER.lastIndex = this.at;
    if (!NUMBER.test(this.text)) throw this.fault('value expected');
    const end = NUMBER.lastIndex;
    if (end - this.at > this.limits.numberChars) throw this.fault('number too long');
    if (!Number.isFinite(Number(this.text.slice(this.at, end)))) throw this.fault('number out of range');
    this.at = end;
  }
}

/** Names of one object. Few are compared one by one, many by a set. */
class Names {
  private readonly few: string[] = [];
  private many: Set<string> | undefined;

  add(name: string): boolean {
    if (this.many === undefined) {
      if (this.few.includes(name)) return false;
      this.few.push(name);
      if (this.few.length > 24) this.many = new Set(this.few);
      return true;
    }
    return this.many.size !== this.many.add(name).size;
  }
}
