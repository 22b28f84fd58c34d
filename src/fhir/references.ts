import { pathBelow } from '../std/loopback-address.ts';
import { splice, stringEnd } from './json-spans.ts';

/** A reference as written: where its string token stands in the text, and its value. */
export interface ReferenceSpan {
  readonly start: number;
  readonly end: number;
  readonly value: string;
}

const NAME = '"reference":"';

/** Every `reference` member with a text value, wherever it is nested, in `exactJson` text. */
export function referencesIn(text: string): ReferenceSpan[] {
  const spans: ReferenceSpan[] = [];
  for (let at = text.indexOf(NAME); at !== -1; at = text.indexOf(NAME, at + NAME.length)) {
    // A name follows { or a comma; an escaped quote inside a string follows a backslash.
    const before = text.charCodeAt(at - 1);
    if (before !== 0x7b && before !== 0x2c) continue;
    spans.push(stringSpan(text, at + NAME.length - 1));
  }
  return spans;
}

function stringSpan(text: string, start: number): ReferenceSpan {
  const end = stringEnd(text, start);
  const raw = text.slice(start + 1, end - 1);
  return { start, end, value: raw.includes('\\') ? (JSON.parse(text.slice(start, end)) as string) : raw };
}

/** A literal reference to a resource of this server. */
export interface LocalReference {
  readonly type: string;
  readonly id: string;
  readonly version?: number;
}

const LOCAL = /^([A-Z][A-Za-z]{1,63})\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/([1-9][0-9]{0,9}))?(?:#.*)?$/;

/**
 * The resource of this server that `value` names, relative or below `baseUrl`; undefined for fragments (`#x`),
 * conditional references and addresses of others.
 */
export function localReference(value: string, baseUrl: string): LocalReference | undefined {
  const match = LOCAL.exec(pathBelow(value, baseUrl) ?? value);
  if (match === null) return undefined;
  const [, type, id, version] = match as unknown as [string, string, string, string | undefined];
  return version === undefined ? { type, id } : { type, id, version: Number(version) };
}

/** True for `Type?…`, a conditional reference (R4 §3.1.0.11.2). */
export function isConditionalReference(value: string): boolean {
  return /^[A-Z][A-Za-z]{1,63}\?/.test(value);
}

const LINK = /"(?:urn:(?:uuid|oid):|https?:\/\/)/g;
const DIV = '"div":"';
const NARRATIVE_LINK = /((?:href|src)=(?:\\"|'))([^\\"'<>\s]+)(?=\\"|')/g;

/**
 * `text` with links replaced as `target` says (undefined keeps one): in every `reference`, in elements of type uri,
 * url, oid and uuid (`linkElements`), and in the narrative's `href` and `src` (R4 §3.1.0.11.2).
 */
export function rewriteLinks(
  text: string,
  linkElements: ReadonlySet<string>,
  target: (value: string) => string | undefined,
): string {
  const edits: { start: number; end: number; text: string }[] = [];
  for (const { start, end, value } of referencesIn(text)) {
    const replacement = target(value);
    if (replacement !== undefined) edits.push({ start, end, text: JSON.stringify(replacement) });
  }
  for (const match of text.matchAll(LINK)) {
    const name = memberNameBefore(text, match.index);
    if (name === undefined || !linkElements.has(name)) continue;
    const { start, end, value } = stringSpan(text, match.index);
    const replacement = target(value);
    if (replacement !== undefined) edits.push({ start, end, text: JSON.stringify(replacement) });
  }
  for (let div = text.indexOf(DIV); div !== -1; div = text.indexOf(DIV, div + DIV.length)) {
    const start = div + DIV.length - 1;
    const end = stringEnd(text, start);
    const before = text.slice(start, end);
    const after = before.replace(NARRATIVE_LINK, (all, lead: string, value: string) => {
      const replacement = target(value);
      return replacement === undefined ? all : lead + replacement;
    });
    if (after !== before && text.charCodeAt(div - 1) !== 0x5c) edits.push({ start, end, text: after });
  }
  return splice(
    text,
    edits.sort((a, b) => a.start - b.start),
  );
}

/** Name of the member whose value begins at `at`; undefined for an element of an array. */
function memberNameBefore(text: string, at: number): string | undefined {
  if (text.charCodeAt(at - 1) !== 0x3a || text.charCodeAt(at - 2) !== 0x22) return undefined;
  return text.slice(text.lastIndexOf('"', at - 3) + 1, at - 2);
}
