/**
 * Places in JSON text that `exactJson` has made: no whitespace between tokens, no escapes in member names. Nothing is
 * checked again here; offsets are of UTF-16 code units.
 */
export interface Member {
  readonly name: string;
  /** Where the name's quote stands, and where the value begins and ends (exclusive). */
  readonly at: number;
  readonly start: number;
  readonly end: number;
}

/** Members of the object that begins at `start`, in their order. */
export function membersOf(text: string, start = 0): Member[] {
  const members: Member[] = [];
  let at = start + 1;
  while (text.charCodeAt(at) === 0x22) {
    const nameEnd = text.indexOf('"', at + 1);
    const valueStart = nameEnd + 2;
    const end = valueEnd(text, valueStart);
    members.push({ name: text.slice(at + 1, nameEnd), at, start: valueStart, end });
    at = text.charCodeAt(end) === 0x2c ? end + 1 : end;
  }
  return members;
}

/** Starts and ends of the elements of the array that begins at `start`. */
export function elementsOf(text: string, start: number): { readonly start: number; readonly end: number }[] {
  const elements: { start: number; end: number }[] = [];
  let at = start + 1;
  while (text.charCodeAt(at) !== 0x5d) {
    const end = valueEnd(text, at);
    elements.push({ start: at, end });
    at = text.charCodeAt(end) === 0x2c ? end + 1 : end;
  }
  return elements;
}

/** Where the string whose opening quote is at `start` ends (after its closing quote). */
export function stringEnd(text: string, start: number): number {
  let at = start + 1;
  for (;;) {
    const quote = text.indexOf('"', at);
    let slashes = 0;
    while (text.charCodeAt(quote - 1 - slashes) === 0x5c) slashes++;
    if (slashes % 2 === 0) return quote + 1;
    at = quote + 1;
  }
}

/** Where the value that begins at `start` ends. */
function valueEnd(text: string, start: number): number {
  const first = text.charCodeAt(start);
  if (first === 0x22) return stringEnd(text, start);
  let at = start;
  if (first !== 0x7b && first !== 0x5b) {
    for (;;) {
      const code = text.charCodeAt(at);
      if (code === 0x2c || code === 0x7d || code === 0x5d || Number.isNaN(code)) return at;
      at++;
    }
  }
  for (let depth = 0; ; ) {
    const code = text.charCodeAt(at);
    if (code === 0x22) {
      at = stringEnd(text, at);
      continue;
    }
    at++;
    if (code === 0x7b || code === 0x5b) depth++;
    else if (code === 0x7d || code === 0x5d) {
      depth--;
      if (depth === 0) return at;
    }
  }
}

/** `text` with the replacements, given in ascending order and not overlapping. */
export function splice(text: string, edits: readonly { start: number; end: number; text: string }[]): string {
  if (edits.length === 0) return text;
  let out = '';
  let kept = 0;
  for (const edit of edits) {
    out += text.slice(kept, edit.start) + edit.text;
    kept = edit.end;
  }
  return out + text.slice(kept);
}
