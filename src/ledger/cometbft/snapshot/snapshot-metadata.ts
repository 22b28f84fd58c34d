import { sha256 } from '#crypto/platform';
import { canonicalBytes, type Json, parseCanonical } from '../../../std/canonical-json.ts';

/** Chunks of store/state-chunks.ts: all rows, then the entries of the last ten minutes. */
export const SNAPSHOT_FORMAT = 1;

/** CometBFT takes no message about a snapshot beyond 4 MB (statesync/messages.go, snapshotMsgSize). */
const MAX_METADATA_BYTES = 3_900_000;

/** What a snapshot is, before any of it was fetched. */
export interface SnapshotMetadata {
  readonly height: number;
  /** SHA-256 of each chunk, hexadecimal. */
  readonly chunks: readonly string[];
}

/** Canonical JSON. Throws RangeError when there are more chunks than fit in one message: more than 200 GB. */
export function metadataToBytes({ height, chunks }: SnapshotMetadata): Uint8Array {
  const bytes = canonicalBytes({ format: SNAPSHOT_FORMAT, height, chunks });
  if (bytes.length > MAX_METADATA_BYTES) throw new RangeError(`a snapshot of ${chunks.length} chunks`);
  return bytes;
}

/** The metadata of exact bytes; undefined for any other. */
export function parseMetadata(bytes: Uint8Array): SnapshotMetadata | undefined {
  const value = bytes.length > MAX_METADATA_BYTES ? undefined : parseCanonical(bytes);
  if (typeof value !== 'object' || Array.isArray(value)) return undefined;
  const { format, height, chunks, ...rest } = value as { readonly [name: string]: Json };
  const isSound =
    Object.keys(rest).length === 0 &&
    format === SNAPSHOT_FORMAT &&
    typeof height === 'number' &&
    height > 0 &&
    Array.isArray(chunks) &&
    chunks.length > 0 &&
    chunks.every((hash) => typeof hash === 'string' && /^[0-9a-f]{64}$/.test(hash));
  return isSound ? { height, chunks } : undefined;
}

/** What names a snapshot among members: SHA-256 of its metadata. */
export function snapshotHash(metadata: Uint8Array): Uint8Array {
  return sha256(metadata);
}
