import { membersOf, splice } from './json-spans.ts';

/** What the server sets in a resource; all else stays as the client wrote it. */
export interface Identity {
  readonly id: string;
  readonly version: number;
  readonly timeMs: number;
}

/** `instant` of FHIR: UTC, milliseconds. */
export function instant(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

const SERVER_META = new Set(['versionId', 'lastUpdated', '_versionId', '_lastUpdated']);

/**
 * Exact text of the version: `text` (of `exactJson`) with `id`, `meta.versionId` and `meta.lastUpdated` set where they
 * stand, or put after `resourceType` when they are absent. The other members of `meta` keep text and order. Doing it
 * twice with the same identity changes nothing.
 */
export function withIdentity(text: string, identity: Identity): string {
  const members = membersOf(text);
  const find = (name: string) => members.find((member) => member.name === name);
  const type = find('resourceType');
  const id = find('id');
  const meta = find('meta');
  if (type === undefined) throw new TypeError('no resource');
  const metaText = metaWith(meta === undefined ? '{}' : text.slice(meta.start, meta.end), identity);
  const edits = [];
  let absent = '';
  if (id === undefined) absent += `,"id":"${identity.id}"`;
  else edits.push({ start: id.start, end: id.end, text: `"${identity.id}"` });
  if (meta === undefined) absent += `,"meta":${metaText}`;
  else edits.push({ start: meta.start, end: meta.end, text: metaText });
  if (absent !== '') edits.push({ start: type.end, end: type.end, text: absent });
  return splice(
    text,
    edits.sort((a, b) => a.start - b.start),
  );
}

function metaWith(meta: string, { version, timeMs }: Identity): string {
  const rest = membersOf(meta)
    .filter(({ name }) => !SERVER_META.has(name))
    .map(({ at, end }) => `,${meta.slice(at, end)}`);
  return `{"versionId":"${version}","lastUpdated":"${instant(timeMs)}"${rest.join('')}}`;
}

/**
 * What of a version is its author's: the text without `id` and without what the server sets in `meta`. Two versions
 * with the same are the same content, whichever of them the server has stored.
 */
export function authoredText(text: string): string {
  const kept: string[] = [];
  for (const { name, at, start, end } of membersOf(text)) {
    if (name === 'id') continue;
    if (name !== 'meta') {
      kept.push(text.slice(at, end));
      continue;
    }
    const rest = membersOf(text, start)
      .filter((member) => !SERVER_META.has(member.name))
      .map((member) => text.slice(member.at, member.end));
    if (rest.length > 0) kept.push(`"meta":{${rest.join(',')}}`);
  }
  return `{${kept.join(',')}}`;
}

/** The tombstone kept as bytes of a version that deletes. */
export function tombstoneText(type: string, identity: Identity): string {
  return withIdentity(`{"resourceType":"${type}"}`, identity);
}
