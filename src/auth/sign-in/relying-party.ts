import { isIP } from 'node:net';

/** For whom passkeys are made: the node at its public address. */
export interface RelyingParty {
  /** Host name (WebAuthn L3 §5.1.2: no address in numbers). */
  readonly id: string;
  readonly origin: string;
}

/** The relying party of a node's public address; undefined where browsers offer no passkeys: by number, or without TLS. */
export function relyingPartyOf(baseUrl: string): RelyingParty | undefined {
  const { protocol, hostname, origin } = new URL(baseUrl);
  const isLocal = hostname === 'localhost' || hostname.endsWith('.localhost');
  if (isIP(hostname) !== 0 || hostname.startsWith('[')) return undefined;
  return protocol === 'https:' || isLocal ? { id: hostname, origin } : undefined;
}
