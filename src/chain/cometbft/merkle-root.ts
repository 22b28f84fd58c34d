import { EMPTY_LOG_ROOT, logLeafHash, logNodeHash } from '../../state/log-proof.ts';

/** RFC 6962 tree hash over byte strings, as CometBFT's crypto/merkle computes it; 32 bytes. */
export function merkleRoot(leaves: readonly Uint8Array[]): Uint8Array {
  const [first] = leaves;
  if (first === undefined) return EMPTY_LOG_ROOT;
  if (leaves.length === 1) return logLeafHash(first);
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return logNodeHash(merkleRoot(leaves.slice(0, split)), merkleRoot(leaves.slice(split)));
}
