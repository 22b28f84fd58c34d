import { stringEnd } from './json-spans.ts';

/**
 * JSON text without whitespace between tokens, set in lines with two spaces for each level (`_pretty`, R4 §3.1.0.1.11).
 * Numbers and strings stay as they are written, which parsing and writing again would not keep.
 */
export function prettyJson(text: string): string {
  const parts: string[] = [];
  let depth = 0;
  let kept = 0;
  for (let at = 0; at < text.length; ) {
    const character = text.charAt(at);
    if (character === '"') {
      at = stringEnd(text, at);
      continue;
    }
    at++;
    const next = text.charAt(at);
    if (character === ':') parts.push(text.slice(kept, at), ' ');
    else if (character === ',') parts.push(text.slice(kept, at), lineBreak(depth));
    else if (character === '{' || character === '[') {
      if (next === '}' || next === ']') {
        at++;
        continue;
      }
      depth++;
      parts.push(text.slice(kept, at), lineBreak(depth));
    } else if (character === '}' || character === ']') {
      depth--;
      parts.push(text.slice(kept, at - 1), lineBreak(depth), character);
    } else continue;
    kept = at;
  }
  parts.push(text.slice(kept));
  return parts.join('');
}

function lineBreak(depth: number): string {
  return `\n${'  '.repeat(depth)}`;
}
