/**
 * A second, deliberately simple reader of JSON that keeps every token as it was written, to hold what the node stores
 * against what a file says. Input is JSON that others have parsed before.
 */
export type Written =
  | { readonly kind: 'object'; readonly members: readonly (readonly [name: string, value: Written])[] }
  | { readonly kind: 'array'; readonly elements: readonly Written[] }
  | { readonly kind: 'token'; readonly text: string };

const TOKEN = /"(?:[^"\\]|\\.)*"|[[\]{}:,]|[^\s"[\]{}:,]+/g;

export function readWritten(text: string): Written {
  const tokens = text.match(TOKEN) ?? [];
  let at = 0;
  const next = (): string => tokens[at++] as string;

  function value(): Written {
    const token = next();
    if (token === '[') return { kind: 'array', elements: list(']', value) };
    if (token === '{') return { kind: 'object', members: list('}', member) };
    return { kind: 'token', text: token };
  }

  function member(): readonly [string, Written] {
    const name = JSON.parse(next()) as string;
    next();
    return [name, value()];
  }

  function list<T>(end: string, one: () => T): T[] {
    const all: T[] = [];
    while (tokens[at] !== end) {
      all.push(one());
      if (tokens[at] === ',') at++;
    }
    at++;
    return all;
  }

  return value();
}

/** The tokens again, without whitespace between them. */
export function writtenText(written: Written): string {
  if (written.kind === 'token') return written.text;
  if (written.kind === 'array') return `[${written.elements.map(writtenText).join(',')}]`;
  return `{${written.members.map(([name, value]) => `${JSON.stringify(name)}:${writtenText(value)}`).join(',')}}`;
}

/** Member of an object. */
export function memberOf(written: Written | undefined, name: string): Written | undefined {
  return written?.kind === 'object' ? written.members.find(([key]) => key === name)?.[1] : undefined;
}

/** Text of a string member; undefined when there is none. */
export function textOf(written: Written | undefined, name: string): string | undefined {
  const member = memberOf(written, name);
  return member?.kind === 'token' ? (JSON.parse(member.text) as string) : undefined;
}

/** The same with every value of a member called `name` mapped, however deep it is nested. */
export function mapMembers(written: Written, name: string, map: (text: string) => string): Written {
  if (written.kind === 'token') return written;
  if (written.kind === 'array')
    return { kind: 'array', elements: written.elements.map((one) => mapMembers(one, name, map)) };
  const members = written.members.map(([key, value]) => {
    const isMapped = key === name && value.kind === 'token';
    return [key, isMapped ? { kind: 'token' as const, text: map(value.text) } : mapMembers(value, name, map)] as const;
  });
  return { kind: 'object', members };
}

/** Without members of these names at the top. */
export function without(written: Written, ...names: readonly string[]): Written {
  if (written.kind !== 'object') return written;
  return { kind: 'object', members: written.members.filter(([name]) => !names.includes(name)) };
}
