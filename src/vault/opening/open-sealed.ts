import { sha256 } from '#crypto/platform';
import { contentHash, type VersionHeader, versionLeaf } from '../../chain/journal-leaf.ts';
import { openAes256Gcm } from '../../crypto/node/aead.ts';
import { unwrapKey } from '../../crypto/node/key-wrap.ts';
import { bytesToHex, utf8 } from '../../std/bytes.ts';
import { frame, u64 } from '../../std/frame.ts';

/** Key and salt of a version, each 32 bytes. */
export interface VersionKey {
  readonly key: Uint8Array;
  readonly salt: Uint8Array;
}

/** A version's key as it is stored, and its account's key of the epoch that it is wrapped under. */
export interface WrappedKey {
  readonly wrapped: Uint8Array;
  readonly epochKey: Uint8Array;
}

/** All that a version is opened with. */
export interface SealedVersion extends WrappedKey {
  readonly header: VersionHeader;
  /** What its row says of leaf and of the blob's address, hexadecimal. */
  readonly leaf: string;
  readonly address: string;
  readonly blob: Uint8Array;
}

/** Exact bytes of a version, with what its leaf commits to. */
export interface OpenedVersion {
  readonly bytes: Uint8Array;
  readonly hash: Uint8Array;
  readonly salt: Uint8Array;
}

/** What of a version does not open. */
export type Damage = 'key' | 'blob';

export const SECRET_BYTES = 32;

/** Binds a blob to the version it is of. */
export function blobAad(version: { account: string; type: string; id: string; version: number }): Uint8Array {
  const { account, type, id } = version;
  return frame('aceso/vault/blob/1', ...[account, type, id].map(utf8), u64(version.version));
}

/** Undefined under another key than it was wrapped under, and for altered bytes. */
export function openVersionKey({ wrapped, epochKey }: WrappedKey): VersionKey | undefined {
  const both = unwrapKey(epochKey, wrapped);
  return both && { key: both.subarray(0, SECRET_BYTES), salt: both.subarray(SECRET_BYTES) };
}

/** Serves nothing that the leaf does not commit to: address, key, tag and leaf are checked. */
export function openSealed(sealed: SealedVersion): OpenedVersion | Damage {
  const secret = openVersionKey(sealed);
  if (secret === undefined) return 'key';
  const { header, blob } = sealed;
  if (bytesToHex(sha256(blob)) !== sealed.address) return 'blob';
  const bytes = openAes256Gcm(secret.key, blob, blobAad(header));
  if (bytes === undefined) return 'blob';
  const hash = contentHash(bytes);
  if (bytesToHex(versionLeaf(secret.salt, header, hash)) !== sealed.leaf) return 'blob';
  return { bytes, hash, salt: secret.salt };
}

/** The same where the bytes alone are wanted. */
export function openBytes(sealed: SealedVersion): Uint8Array | Damage {
  const opened = openSealed(sealed);
  return typeof opened === 'string' ? opened : opened.bytes;
}
