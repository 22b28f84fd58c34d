/** Pieces between separators that no backslash precedes (R4 §3.1.1.4.0.1); the pieces keep their backslashes. */
export function splitUnescaped(text: string, separator: ',' | '|' | '$'): string[] {
  const pieces: string[] = [];
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === separator) {
      pieces.push(text.slice(start, at));
      start = at + 1;
    }
  }
  pieces.push(text.slice(start));
  return pieces;
}

/** `\,` `\|` `\$` and `\\` become what they stand for; any other backslash is one. */
export function unescaped(text: string): string {
  return text.includes('\\') ? text.replace(/\\([,|$\\])/g, '$1') : text;
}
