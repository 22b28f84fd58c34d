import { bytesToBase64url, hexToBytes } from '../std/bytes.ts';

/**
 * CometBFT's `chain_id` of a ledger: `aceso-` and the 32 bytes of its genesis hash in base64url, 49 characters, one
 * less than CometBFT takes (types/genesis.go, MaxChainIDLen). Every vote is over it, so a vote for one ledger counts
 * for no other. Throws RangeError for what is no genesis hash (64 digits of lower-case hexadecimal).
 */
export function chainIdOf(genesisHash: string): string {
  const bytes = hexToBytes(genesisHash);
  if (bytes?.length !== 32) throw new RangeError('a genesis hash has 64 hexadecimal digits');
  return `aceso-${bytesToBase64url(bytes)}`;
}
