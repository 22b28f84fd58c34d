import { sha256 } from '#crypto/platform';
import { contentHash, type InteractionHeader, interactionLeaf, versionLeaf } from '../chain/journal-leaf.ts';
import { openAes256Gcm } from '../crypto/node/aead.ts';
import { bytesToHex, equalBytes, hexToBytes } from '../std/bytes.ts';
import type { Reject } from '../std/reject.ts';
import { reject } from './codes.ts';
import type { EntryRow } from './journal-table.ts';
import type { KeyStore, VersionKey } from './key-store.ts';
import { placeOf, positionOf } from './position.ts';
import type { OpenedEntry, VersionRow } from './vault.ts';
import { type KeyedVersion, rowToHeader, type VersionStore } from './version-table.ts';
import { blobAad, interactionSalt } from './write-operations.ts';

/** Opens what is stored, and serves nothing that its leaf does not commit to. */
export interface VersionReader {
  /** Keeps where a row's key is, so that opening it need not look the row up again. */
  remember(version: KeyedVersion): VersionRow;
  /** The stored version that a row stands for. Throws Reject VERSION_UNKNOWN. */
  stored(row: VersionRow): KeyedVersion;
  /** Exact bytes. Throws Reject VERSION_ERASED, VERSION_UNKNOWN, BLOB_DAMAGED, VAULT_DAMAGED. */
  open(row: VersionRow): Uint8Array;
  salt(row: VersionRow): Uint8Array;
  /** Encrypted blob of an address; undefined when there is none. Throws Reject BLOB_DAMAGED. */
  blob(address: string): Uint8Array | undefined;
  /** A journal entry with its salt, checked against its leaf. */
  openEntry(entry: EntryRow): OpenedEntry;
}

const ADDRESS = /^[0-9a-f]{64}$/;

export function createVersionReader(versions: VersionStore, keyStore: KeyStore): VersionReader {
  const known = new WeakMap<VersionRow, KeyedVersion>();

  function remember(version: KeyedVersion): VersionRow {
    known.set(version.row, version);
    return version.row;
  }

  function stored(row: VersionRow): KeyedVersion {
    const version = versions.versionAt(positionOf(row.generation, row.journalIndex));
    if (version === undefined || version.row.leaf !== row.leaf) throw reject('VERSION_UNKNOWN');
    return version;
  }

  function blob(address: string): Uint8Array | undefined {
    const hash = ADDRESS.test(address) ? hexToBytes(address) : undefined;
    const sealed = hash && versions.blob(hash);
    if (sealed !== undefined && !equalBytes(sha256(sealed), hash as Uint8Array)) throw reject('BLOB_DAMAGED');
    return sealed;
  }

  const placeData = ({ generation, journalIndex }: VersionRow) => ({ generation, index: journalIndex });

  /** Why a part of a version is missing: it was erased since the row was read, or it is damage. */
  function missing(row: VersionRow, damage: Reject): Reject {
    return stored(row).row.erased ? reject('VERSION_ERASED', placeData(row)) : damage;
  }

  function secretOf(row: VersionRow): VersionKey {
    if (row.erased) throw reject('VERSION_ERASED', placeData(row));
    const { keyId, row: own } = known.get(row) ?? stored(row);
    const secret = keyStore.versionKey(own.account, keyId);
    if (secret === undefined) throw missing(row, reject('VAULT_DAMAGED', { table: 'version_key' }));
    return secret;
  }

  function openWith(row: VersionRow, secret: VersionKey): { bytes: Uint8Array; hash: Uint8Array } {
    const damage = () => reject('BLOB_DAMAGED', placeData(row));
    const sealed = blob(row.blob);
    if (sealed === undefined) throw missing(row, damage());
    const bytes = openAes256Gcm(secret.key, sealed, blobAad(row));
    if (bytes === undefined) throw damage();
    const hash = contentHash(bytes);
    if (bytesToHex(versionLeaf(secret.salt, rowToHeader(row), hash)) !== row.leaf) throw damage();
    return { bytes, hash };
  }

  function openVersionEntry(entry: EntryRow): OpenedEntry {
    const { generation, index } = placeOf(entry.position);
    const version = versions.versionAt(entry.position);
    if (version === undefined || version.row.account !== entry.account || version.row.leaf !== bytesToHex(entry.leaf)) {
      throw reject('VAULT_DAMAGED', { table: 'entry', generation, index });
    }
    const { leaf } = entry;
    const row = remember(version);
    const header = rowToHeader(row);
    if (row.erased) return { generation, index, leaf, salt: new Uint8Array(0), entry: { kind: 'erased', header } };
    const secret = secretOf(row);
    const { hash } = openWith(row, secret);
    return { generation, index, leaf, salt: secret.salt, entry: { kind: 'version', header, contentHash: hash } };
  }

  function openInteraction(entry: EntryRow, nonce: Uint8Array, body: string): OpenedEntry {
    const { generation, index } = placeOf(entry.position);
    const damage = () => reject('VAULT_DAMAGED', { table: 'entry', generation, index });
    const keys = keyStore.account(entry.account);
    if (keys === undefined) throw damage();
    const salt = interactionSalt(keys, nonce);
    let header: InteractionHeader;
    let leaf: Uint8Array;
    try {
      header = JSON.parse(body);
      leaf = interactionLeaf(salt, header);
    } catch {
      throw damage();
    }
    if (header.account !== entry.account || !equalBytes(leaf, entry.leaf)) throw damage();
    return { generation, index, leaf, salt, entry: { kind: 'interaction', header } };
  }

  return {
    remember,
    stored,
    open: (row) => openWith(row, secretOf(row)).bytes,
    salt: (row) => secretOf(row).salt,
    blob,
    openEntry: (entry) =>
      entry.nonce === null || entry.body === null
        ? openVersionEntry(entry)
        : openInteraction(entry, entry.nonce, entry.body),
  };
}
