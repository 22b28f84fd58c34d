import { hmacFrame } from '#crypto/platform';
import { bytesToHex } from '../../../std/bytes.ts';
import { TAGS_PER_LIST } from './policy.ts';

/** What a tag blinds. The kind is part of the MAC, so that equal codes of two kinds give unrelated tags. */
export type TagKind = 'category' | 'label' | 'actor' | 'instance' | 'related' | 'author' | 'purpose' | 'scope';

/** Length of a tag in bytes; 32 hexadecimal digits on the ledger. */
export const TAG_BYTES = 16;

/**
 * A code as it stands on the ledger: the first 16 bytes of HMAC-SHA-256(tag key, frame('aceso/tag/1', kind, code)),
 * in hexadecimal. `tagKey` is the account's, 32 bytes, known to wallet and custodian. Codes are `system|code`,
 * references `Type/id`, accounts their id.
 */
export function tag(tagKey: Uint8Array, kind: TagKind, code: string): string {
  return bytesToHex(hmacFrame(tagKey, 'aceso/tag/1', kind, code).subarray(0, TAG_BYTES));
}

/**
 * `tags` filled up to the fixed count with dummies, in byte order, so that neither number nor place tells the real
 * ones. A dummy is 16 random bytes of the client's: nobody can tell it from a tag but who holds the tag key. What
 * recurs in a later policy is likely no fresh dummy, so a client that supersedes a policy passes the dummies of the
 * one before as `keep`: only those, for a real tag among them would go on being named.
 * Throws RangeError when there are more tags than the count.
 */
export function padTags(
  tags: readonly string[],
  randomBytes: (length: number) => Uint8Array,
  keep: readonly string[] = [],
): readonly string[] {
  const all = new Set(tags);
  if (all.size > TAGS_PER_LIST) throw new RangeError(`more than ${TAGS_PER_LIST} tags in one list`);
  for (const dummy of keep) if (all.size < TAGS_PER_LIST) all.add(dummy);
  while (all.size < TAGS_PER_LIST) all.add(bytesToHex(randomBytes(TAG_BYTES)));
  return [...all].sort();
}
