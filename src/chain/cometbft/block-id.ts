import { concatBytes } from '../../std/bytes.ts';
import type { Header } from './light-block.ts';
import { bytesField, messageField, varintField } from './protobuf.ts';
import { upperHexToBytes } from './upper-hex.ts';

/** BlockID and CanonicalBlockID: the block's hash, and how many parts it travels in and their hash (types.proto). */
export function blockIdToBytes({ hash, parts }: Header['last_block_id']): Uint8Array {
  const partSetHeader = concatBytes(varintField(1, parts.total), bytesField(2, upperHexToBytes(parts.hash)));
  return concatBytes(bytesField(1, upperHexToBytes(hash)), messageField(2, partSetHeader));
}
