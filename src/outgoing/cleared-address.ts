import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { rejecter } from '../std/reject.ts';
import { type AddressRange, parseRange, rangeSet } from './address-range.ts';
import { CODES } from './codes.ts';
import type { Deadline } from './deadline.ts';
import type { OutgoingRule } from './rules.ts';
import { isSpecialPurpose } from './special-addresses.ts';
import type { Target } from './target.ts';

const reject = rejecter(CODES);

/** IP addresses of a name, the one to be asked first. */
export type ResolveName = (name: string) => Promise<readonly string[]>;

/** By the machine's own resolver, in the order that it gives (RFC 6724 §6). */
export const resolveName: ResolveName = async (name) =>
  (await lookup(name, { all: true, order: 'verbatim' })).map(({ address }) => address);

/**
 * The one address of `target` that may be connected to under `rule`. The name is resolved once, and whoever connects uses
 * what was checked: a name server that answers otherwise the next time is not asked. One special address among several
 * refuses all, since which of them is taken must not be the name server's choice. Throws Reject OUTGOING_NAME_UNKNOWN,
 * OUTGOING_ADDRESS_REFUSED, and the deadline's.
 */
export async function clearedAddress(
  { host, origin }: Target,
  { addresses = [] }: OutgoingRule,
  resolve: ResolveName,
  deadline: Deadline,
): Promise<string> {
  const resolved = isIP(host) === 0 ? await deadline.within(resolve(host).catch(() => [])) : [host];
  const [first] = resolved;
  if (first === undefined) throw reject('OUTGOING_NAME_UNKNOWN', { origin });
  const named = rangeSet(addresses.map(parseRange).filter((range): range is AddressRange => range !== undefined));
  const isOpen = (address: string) => !isSpecialPurpose(address) || named.has(address);
  if (!resolved.every(isOpen)) throw reject('OUTGOING_ADDRESS_REFUSED', { origin });
  return first;
}
