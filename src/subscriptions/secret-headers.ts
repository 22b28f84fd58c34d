import { randomBytes } from '#crypto/platform';
import { elementsOf, membersOf, splice } from '../fhir/json-spans.ts';
import { bytesToBase64url, utf8, utf8ToText } from '../std/bytes.ts';
import type { Vault } from '../vault/vault.ts';
import { reject } from './codes.ts';
import { headerOf, type Terms } from './read-subscription.ts';

/** Documents of header values, `<subscription>.<key>`. */
const HEADERS = 'subscription-headers';
/** What stands in the resource for a value: the document that has it, and its name within. */
const KEPT = /^kept-([A-Za-z0-9_-]{16})$/;

/** Values by their names in lower case, and the origin that they were given for: they go nowhere else. */
interface KeptValues {
  readonly origin: string;
  readonly values: Readonly<Record<string, string>>;
}

/**
 * R4 puts headers with secrets into the resource, which all may read who may read Subscriptions, and its history keeps for
 * ever. So values are taken out when it is written, kept as a document of the vault that no interaction shows, and
 * `Authorization: kept-<key>` is what the resource says. Who sends that back keeps the value, as long as the endpoint's
 * origin stays. Throws SUBSCRIPTION_HEADER_INVALID for what is not kept for it.
 * @returns the text to write; undefined when there is nothing to take out.
 */
export async function withoutSecrets(
  vault: Vault,
  id: string,
  text: string,
  endpoint: string,
): Promise<string | undefined> {
  const origin = originOf(endpoint);
  const lines = headerSpans(text);
  const key = bytesToBase64url(randomBytes(12));
  const values: Record<string, string> = {};
  const edits = [];
  for (const { start, end } of lines) {
    const { name, value } = headerOf(JSON.parse(text.slice(start, end)) as string);
    const kept = KEPT.exec(value)?.[1];
    if (kept !== undefined) {
      if ((await valueFor(vault, id, kept, name, origin)) === undefined) throw reject('SUBSCRIPTION_HEADER_INVALID');
      continue;
    }
    values[name.toLowerCase()] = value;
    edits.push({ start, end, text: JSON.stringify(`${name}: kept-${key}`) });
  }
  if (edits.length === 0) return undefined;
  await vault.putDocument(HEADERS, `${id}.${key}`, utf8(JSON.stringify({ origin, values } satisfies KeptValues)));
  return splice(text, edits);
}

/** Headers of a written subscription with their values. One whose value is gone, or is another origin's, is left out. */
export async function openHeaders(
  vault: Vault,
  id: string,
  { headers: lines, endpoint }: Pick<Terms, 'headers' | 'endpoint'>,
): Promise<Readonly<Record<string, string>>> {
  const headers: Record<string, string> = {};
  const origin = originOf(endpoint);
  for (const line of lines) {
    const { name, value } = headerOf(line);
    const key = KEPT.exec(value)?.[1];
    const known = key === undefined ? undefined : await valueFor(vault, id, key, name, origin);
    if (known !== undefined) headers[name] = known;
  }
  return headers;
}

/** Removes values that the resource no longer names; all of them without `lines`. */
export async function sweepHeaders(vault: Vault, id: string, lines: readonly string[] = []): Promise<void> {
  const named = new Set(lines.map((line) => KEPT.exec(headerOf(line).value)?.[1]));
  for (const document of await vault.listDocuments(HEADERS)) {
    const [of, key] = [document.id.slice(0, -17), document.id.slice(-16)];
    if (of === id && !named.has(key)) await vault.putDocument(HEADERS, document.id, null);
  }
}

/** A value that is kept for an origin; undefined for any other. */
async function valueFor(
  vault: Vault,
  id: string,
  key: string,
  name: string,
  origin: string,
): Promise<string | undefined> {
  const bytes = await vault.getDocument(HEADERS, `${id}.${key}`);
  const kept = bytes === undefined ? undefined : (JSON.parse(utf8ToText(bytes)) as KeptValues);
  const lower = name.toLowerCase();
  return kept?.origin === origin && Object.hasOwn(kept.values, lower) ? kept.values[lower] : undefined;
}

/** Empty for a websocket. */
function originOf(endpoint: string): string {
  return URL.parse(endpoint)?.origin ?? '';
}

/** Where the strings of `channel.header` stand in the resource's exact text. */
function headerSpans(text: string): readonly { readonly start: number; readonly end: number }[] {
  const channel = membersOf(text).find(({ name }) => name === 'channel');
  if (channel === undefined || text.charAt(channel.start) !== '{') return [];
  const header = membersOf(text, channel.start).find(({ name }) => name === 'header');
  if (header === undefined || text.charAt(header.start) !== '[') return [];
  return elementsOf(text, header.start).filter(({ start }) => text.charAt(start) === '"');
}
