import { BlockList, isIP } from 'node:net';

/** Addresses with a common beginning, e.g. `10.0.0.0/8` (RFC 4632 §3.1, RFC 4291 §2.3). */
export interface AddressRange {
  readonly family: 4 | 6;
  readonly network: string;
  /** Bits that are common: at most 32 or 128. */
  readonly prefix: number;
}

/** A set of ranges. */
export interface RangeSet {
  /** Never for what is no IP address, nor for one with a zone. */
  has(address: string): boolean;
}

const RANGE = /^([0-9a-fA-F:.]{2,45})\/(0|[1-9][0-9]{0,2})$/;

/** 4 or 6; undefined for what is no plain IP address. A zone (RFC 4007 §11) says which of the machine's networks: none of ours. */
export function familyOf(address: string): 4 | 6 | undefined {
  const family = address.includes('%') ? 0 : isIP(address);
  return family === 4 || family === 6 ? family : undefined;
}

/** Range in CIDR notation; bits of `network` beyond the prefix do not count. Undefined for anything else. */
export function parseRange(text: string): AddressRange | undefined {
  const [, network = '', bits = ''] = RANGE.exec(text) ?? [];
  const family = familyOf(network);
  const prefix = Number(bits);
  if (family === undefined || prefix > (family === 4 ? 32 : 128)) return undefined;
  return { family, network, prefix };
}

/**
 * The families are kept apart: `BlockList` alone takes `::ffff:10.0.0.1` for 10.0.0.1 and the other way round, and so
 * would let through by an IPv6 range what only an IPv4 one names.
 */
export function rangeSet(ranges: readonly AddressRange[]): RangeSet {
  const lists = { 4: new BlockList(), 6: new BlockList() };
  for (const { family, network, prefix } of ranges) lists[family].addSubnet(network, prefix, `ipv${family}`);
  return {
    has(address) {
      const family = familyOf(address);
      return family !== undefined && lists[family].check(address, `ipv${family}`);
    },
  };
}
