import { isIPv4, isIPv6 } from 'node:net';

/**
 * The network that a caller comes from, as far as failures are counted by it: an IPv4 address as it is, of an IPv6
 * address its first 64 bits, since whoever has one has all of them (RFC 6177). What is no address counts as one source.
 */
export function sourcePrefix(address: string): string {
  const plain = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
  if (isIPv4(plain)) return plain;
  const bare = plain.split('%')[0] as string;
  if (!isIPv6(bare)) return 'unknown';
  const [head = '', tail] = bare.split('::');
  const given = head === '' ? [] : head.split(':');
  const ending = tail === undefined || tail === '' ? [] : tail.split(':');
  // A dotted end stands for two groups, and lies within the last 64 bits unless it is all there is.
  const missing = tail === undefined ? 0 : 8 - given.length - ending.length - (bare.includes('.') ? 1 : 0);
  const groups = [...given, ...Array.from({ length: missing }, () => '0'), ...ending];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
