import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import type { Json } from '../std/canonical-json.ts';
import { rejecter } from '../std/reject.ts';
import { CODES } from './codes.ts';

const reject = rejecter(CODES);
const strict = { additionalProperties: false } as const;

export const NETWORK_FORMAT = 'aceso.network/1';

/** `HOST:PORT`, as in CometBFT's addresses of peers: a name, an IPv4 address, or an IPv6 address in brackets. */
export const HostPort = Type.String({ pattern: '^(?:[A-Za-z0-9.-]{1,253}|\\[[0-9A-Fa-f:.]{2,45}\\]):[0-9]{1,5}$' });

/** Where a member's node is. `node` is the id of its engine's own key. */
export const NetworkMember = Type.Object(
  {
    account: Type.String({ pattern: '^[0-9a-f]{32}$' }),
    slug: Type.String({ pattern: '^[a-z][a-z0-9-]{0,31}$' }),
    name: Type.String({ minLength: 1, maxLength: 120 }),
    node: Type.String({ pattern: '^[0-9a-f]{40}$' }),
    /** Where its engine listens for others. */
    p2p: HostPort,
    /** Address of its HTTP; absent where others have no need of it. */
    url: Type.Optional(Type.String({ pattern: '^https?://[^\\s]{1,248}$' })),
  },
  strict,
);
export type NetworkMember = Static<typeof NetworkMember>;

/** Addresses of a consortium's nodes: public to its members, and nothing in it decides anything. */
const NetworkFile = Type.Object(
  {
    format: Type.Literal(NETWORK_FORMAT),
    /** Genesis hash of the ledger. */
    chain: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    members: Type.Array(NetworkMember, { minItems: 1, maxItems: 128 }),
  },
  strict,
);
export type NetworkFile = Static<typeof NetworkFile>;

/** The network of a parsed file. Throws Reject INPUT_FILE_UNREADABLE; GENESIS_DIFFERS when it is another ledger's. */
export function parseNetwork(value: Json, chain: string): NetworkFile {
  if (!Value.Check(NetworkFile, value)) throw reject('INPUT_FILE_UNREADABLE', { file: 'network' });
  if (value.chain !== chain) throw reject('GENESIS_DIFFERS');
  return value;
}
