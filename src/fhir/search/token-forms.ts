import type { TokenValue } from './token-values.ts';

/** Entry that a resource has when a parameter finds anything in it, for `:missing`; see `Criterion` of kind `has`. */
export const HAS = ':has';

/**
 * How a token is written in the index: `system|code` (the system may be empty), `system|` for all codes of a system,
 * and the code alone, where a bar is quoted, so that it is never taken for one with a system.
 */
export function systemAndCode(system: string, code: string): string {
  return `${quoted(system)}|${code}`;
}

export function codeAlone(code: string): string {
  return quoted(code);
}

/** All forms of a value. A primitive's system is implied by its parameter, so it has the code alone. */
export function tokenForms({ system, code, isPrimitive }: TokenValue): readonly string[] {
  if (isPrimitive) return code === undefined ? [] : [quoted(code)];
  if (code === undefined) return system === undefined ? [] : [`${quoted(system)}|`];
  if (system === undefined) return [`|${code}`, quoted(code)];
  const start = `${quoted(system)}|`;
  return [start + code, quoted(code), start];
}

function quoted(text: string): string {
  return text.includes('|') || text.includes('\\') ? text.replace(/[\\|]/g, '\\$&') : text;
}
