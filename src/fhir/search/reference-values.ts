import { type LocalReference, localReference } from '../references.ts';
import type { Found } from './compile-expression.ts';
import type { TokenValue } from './token-values.ts';
import { tokenValues } from './token-values.ts';

/** What a reference parameter compares (R4 §3.1.1.4.12). */
export interface ReferenceValue {
  /** A resource of this server. */
  readonly local?: LocalReference;
  /** An address of others, or a canonical URL, as written. */
  readonly url?: string;
  /** A logical reference's identifier, for `:identifier`. */
  readonly identifier?: TokenValue;
}

/** Beyond this a reference is no address. */
const MAX_CHARS = 4096;
const NOTHING: readonly ReferenceValue[] = [];

/** Contained resources (`#x`) are part of the resource and found by nothing. `baseUrl` is this server's. */
export function referenceValues({ value, leaf }: Found, baseUrl: string): readonly ReferenceValue[] {
  if (leaf.type === 'Reference') {
    const { reference, identifier } = value as { reference?: unknown; identifier?: unknown };
    const address = typeof reference === 'string' ? addressOf(reference, baseUrl) : undefined;
    if (typeof identifier !== 'object' || identifier === null) return address === undefined ? NOTHING : [address];
    const [token] = tokenValues({ value: identifier, leaf: { type: 'Identifier' } });
    if (token === undefined) return address === undefined ? NOTHING : [address];
    return [{ ...address, identifier: token }];
  }
  // A message's or document's first entry stands in the Bundle itself.
  if (leaf.type === 'Resource') {
    const { resourceType: type, id } = value as { resourceType?: unknown; id?: unknown };
    return typeof type === 'string' && typeof id === 'string' ? [{ local: { type, id } }] : NOTHING;
  }
  if (typeof value !== 'string' || value === '' || value.length > MAX_CHARS) return NOTHING;
  return [addressOf(value, baseUrl) ?? NOTHING].flat();
}

function addressOf(text: string, baseUrl: string): ReferenceValue | undefined {
  if (text === '' || text.length > MAX_CHARS || text.startsWith('#')) return undefined;
  const local = localReference(text, baseUrl);
  return local === undefined ? { url: text } : { local };
}

/** A canonical URL without its version and fragment. */
export function withoutVersion(url: string): string {
  const end = url.search(/[|#]/);
  return end === -1 ? url : url.slice(0, end);
}
