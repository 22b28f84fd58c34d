import { type AddressRange, familyOf, parseRange, rangeSet } from './address-range.ts';

/** IANA IPv4 Special-Purpose Address Registry (RFC 6890, RFC 8190), and multicast (RFC 5771). */
const SPECIAL_IPV4 = ranges([
  '0.0.0.0/8', // this network
  '10.0.0.0/8', // private use
  '100.64.0.0/10', // shared address space
  '127.0.0.0/8', // loopback
  '169.254.0.0/16', // link local, and metadata of clouds
  '172.16.0.0/12', // private use
  '192.0.0.0/24', // IETF protocol assignments
  '192.0.2.0/24', // documentation
  '192.31.196.0/24', // AS112
  '192.52.193.0/24', // automatic multicast tunneling
  '192.88.99.0/24', // 6to4 relays, deprecated
  '192.168.0.0/16', // private use
  '192.175.48.0/24', // AS112, direct delegation
  '198.18.0.0/15', // benchmarking
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, and limited broadcast
]);

/**
 * All that IANA gives out for common use (RFC 4291 §2.4). Everything outside is special: loopback, unique local, link and
 * site local, multicast, and addresses that carry an IPv4 one: mapped, compatible, NAT64 (RFC 6052, RFC 8215).
 */
const GLOBAL_IPV6 = ranges(['2000::/3']);

/** IANA IPv6 Special-Purpose Address Registry, what of it lies in 2000::/3. */
const SPECIAL_GLOBAL_IPV6 = ranges([
  '2001::/23', // IETF protocol assignments: Teredo, benchmarking, ORCHID and others
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4: carries an IPv4 address
  '2620:4f:8000::/48', // AS112, direct delegation
  '3fff::/20', // documentation
]);

const special = rangeSet([...SPECIAL_IPV4, ...SPECIAL_GLOBAL_IPV6]);
const global = rangeSet(GLOBAL_IPV6);

/** Whether an address has a purpose other than to be anybody's on the Internet. What is no address is special too. */
export function isSpecialPurpose(address: string): boolean {
  const family = familyOf(address);
  if (family === undefined || special.has(address)) return true;
  return family === 6 && !global.has(address);
}

/** Whether a range has special addresses only, so that to name it opens nothing else. */
export function isSpecialRange(range: AddressRange): boolean {
  const { family, network, prefix } = range;
  const isInside = (block: AddressRange) => prefix >= block.prefix && rangeSet([block]).has(network);
  if ([...SPECIAL_IPV4, ...SPECIAL_GLOBAL_IPV6].some(isInside)) return true;
  // With three bits and more it lies wholly in 2000::/3 or wholly outside.
  return family === 6 && prefix >= 3 && !global.has(network);
}

function ranges(texts: readonly string[]): AddressRange[] {
  return texts.map((text) => {
    const range = parseRange(text);
    if (range === undefined) throw new TypeError(`not a range: ${text}`);
    return range;
  });
}
