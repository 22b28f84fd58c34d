import { concatBytes, utf8 } from '../../std/bytes.ts';
import { blockIdToBytes } from './block-id.ts';
import { type Header, int64Of } from './light-block.ts';
import { merkleRoot } from './merkle-root.ts';
import { bytesField, varintField } from './protobuf.ts';
import { timestampToBytes } from './timestamp.ts';
import { upperHexToBytes } from './upper-hex.ts';

/**
 * Hash of a header, 32 bytes: the Merkle root of its fields in their order, each encoded by itself; numbers, texts and
 * hashes as google.protobuf's wrappers (types/block.go, Header.Hash). Throws Reject COMMIT_MALFORMED.
 */
export function headerHash(header: Header): Uint8Array {
  const { version } = header;
  const wrapped = [
    ...[header.last_commit_hash, header.data_hash, header.validators_hash, header.next_validators_hash],
    ...[header.consensus_hash, header.app_hash, header.last_results_hash, header.evidence_hash],
    header.proposer_address,
  ];
  return merkleRoot([
    concatBytes(varintField(1, int64Of(version.block)), varintField(2, int64Of(version.app))),
    bytesField(1, utf8(header.chain_id)),
    varintField(1, int64Of(header.height)),
    timestampToBytes(header.time),
    blockIdToBytes(header.last_block_id),
    ...wrapped.map((hash) => bytesField(1, upperHexToBytes(hash))),
  ]);
}
