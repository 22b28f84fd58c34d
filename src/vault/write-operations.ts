import { hmacSha256, randomBytes, sha256 } from '#crypto/platform';
import {
  contentHash,
  type InteractionHeader,
  interactionLeaf,
  SALT_BYTES,
  versionLeaf,
} from '../chain/journal-leaf.ts';
import { sealAes256Gcm } from '../crypto/node/aead.ts';
import { bytesToHex, utf8 } from '../std/bytes.ts';
import { frame, u64 } from '../std/frame.ts';
import { reject } from './codes.ts';
import type { JournalTail, Operation } from './commit-queue.ts';
import type { JournalTable } from './journal-table.ts';
import type { AccountKeys, KeyStore } from './key-store.ts';
import { positionOf } from './position.ts';
import { isSensitive } from './sensitivity.ts';
import { type TokenIndex, tokensOf } from './token-index.ts';
import type { NewVersion, VersionRow, WriteResult } from './vault.ts';
import type { KeyedVersion, ResourceRow, VersionStore } from './version-table.ts';

/** Largest version that a vault keeps. */
export const MAX_VERSION_BYTES = 64 * 1024 * 1024;
const NONCE_BYTES = 16;
const NO_TOKENS = new Uint8Array(0);

/** What writes stand on. */
export interface WriteParts {
  readonly keyStore: KeyStore;
  readonly versions: VersionStore;
  readonly journal: JournalTable;
  readonly tokens: TokenIndex;
  /** The custodian's index key, for versions without a sensitive label. */
  readonly indexKey: Uint8Array;
  readonly sensitiveLabels: ReadonlySet<string>;
  /** Told of each row that was made, with where its key is. */
  remember(version: KeyedVersion): void;
}

/** A version that is checked and encrypted, but has no place yet. */
interface PreparedVersion {
  readonly row: Omit<VersionRow, 'generation' | 'journalIndex'>;
  readonly epoch: NonNullable<AccountKeys['epoch']>;
  readonly secret: { readonly key: Uint8Array; readonly salt: Uint8Array };
  readonly sealed: Uint8Array;
  readonly address: Uint8Array;
  readonly leaf: Uint8Array;
  /** Tokens of the version before, and its own. */
  readonly before: Uint8Array;
  readonly after: Uint8Array;
}

interface PreparedInteraction {
  readonly header: InteractionHeader;
  readonly nonce: Uint8Array;
  readonly leaf: Uint8Array;
}

/** Binds a blob to the version it is of. */
export function blobAad(version: { account: string; type: string; id: string; version: number }): Uint8Array {
  return frame('aceso/vault/blob/1', utf8(version.account), utf8(version.type), utf8(version.id), u64(version.version));
}

/** Salt of an interaction's leaf: a secret of the account in the key store, and a nonce in the entry's row. */
export function interactionSalt(keys: AccountKeys, nonce: Uint8Array): Uint8Array {
  return hmacSha256(keys.salts, nonce);
}

/** All of `versions` and `interactions` or none; see `Vault.write`. */
export function writeOperation(
  parts: WriteParts,
  versions: readonly NewVersion[],
  interactions: readonly InteractionHeader[],
): Operation<WriteResult> {
  return () => {
    const latest = new Map<string, Latest>();
    const prepared = versions.map((version) => prepareVersion(parts, version, latest));
    const headers = interactions.map((header) => prepareInteraction(parts, header));
    return (tail) => ({
      versions: prepared.map((version) => putVersion(parts, tail, version)),
      journalIndices: headers.map((interaction) => putInteraction(parts, tail, interaction)),
    });
  };
}

/** One release, unless one that names the same permit is in the journal; see `Vault.journalOnce`. */
export function onceOperation(parts: WriteParts, header: InteractionHeader): Operation<number> {
  if (header.permit === '') throw new TypeError('journalOnce needs a permit');
  return () => {
    if (parts.journal.permitUsed(header.permit)) throw reject('PERMIT_USED', { permit: header.permit });
    const interaction = prepareInteraction(parts, header);
    return (tail) => putInteraction(parts, tail, interaction, true);
  };
}

/** Where a resource is at, as far as this call has come. */
type Latest = { readonly version: number; readonly leaf: string; readonly tokens: Uint8Array };

function latestOf(parts: WriteParts, resource: ResourceRow | undefined): Latest {
  if (resource === undefined) return { version: 0, leaf: '', tokens: NO_TOKENS };
  const stored = parts.versions.versionAt(resource.position);
  if (stored === undefined) throw reject('VAULT_DAMAGED', { table: 'version' });
  return { version: resource.version, leaf: stored.row.leaf, tokens: resource.tokens };
}

function prepareVersion(parts: WriteParts, version: NewVersion, latest: Map<string, Latest>): PreparedVersion {
  const { account, type, id, action, timeMs, author, bytes, labels, categories } = version;
  if (bytes.length > MAX_VERSION_BYTES)
    throw reject('VERSION_TOO_LARGE', { sizeBytes: bytes.length, maxBytes: MAX_VERSION_BYTES });
  const name = `${type}/${id}`;
  const current = latest.get(name) ?? latestOf(parts, parts.versions.resource(type, id));
  if (version.version !== current.version + 1) {
    throw reject('VERSION_CONFLICT', { type, id, expected: version.version, actual: current.version });
  }
  const keys = parts.keyStore.account(account);
  if (keys?.epoch === undefined) throw reject('ACCOUNT_UNKNOWN', { account });
  const header = { account, type, id, version: version.version, action, timeMs, author, previous: current.leaf };
  const secret = { key: randomBytes(32), salt: randomBytes(SALT_BYTES) };
  const leaf = versionLeaf(secret.salt, header, contentHash(bytes));
  const sealed = sealAes256Gcm(secret.key, bytes, blobAad(version));
  const address = sha256(sealed);
  const deleted = action === 'delete';
  const indexKey = isSensitive(labels, parts.sensitiveLabels) ? keys.index : parts.indexKey;
  const after = deleted ? NO_TOKENS : tokensOf(indexKey, type, account, version.tokens);
  const hex = bytesToHex(leaf);
  latest.set(name, { version: version.version, leaf: hex, tokens: after });
  const row = { ...header, deleted, leaf: hex, blob: bytesToHex(address), labels, categories, erased: false };
  return { row, epoch: keys.epoch, secret, sealed, address, leaf, before: current.tokens, after };
}

function putVersion(parts: WriteParts, tail: JournalTail, version: PreparedVersion): VersionRow {
  const journalIndex = tail.push(version.leaf);
  const position = positionOf(tail.generation, journalIndex);
  const keyId = parts.keyStore.addVersionKey(version.epoch, version.secret);
  const row: VersionRow = { ...version.row, generation: tail.generation, journalIndex };
  const { type, id, account } = row;
  const keyed = {
    row,
    position,
    before: row.version === 1 ? -1 : (parts.versions.resource(type, id)?.position ?? -1),
    keyId,
  };
  parts.versions.addBlob(version.address, version.sealed);
  parts.versions.addVersion(keyed);
  parts.versions.putResource({ type, id, account, version: row.version, position, tokens: version.after });
  parts.tokens.replace(id, version.before, version.after);
  parts.journal.addEntry({ position, account, leaf: version.leaf, nonce: null, body: null });
  parts.remember(keyed);
  return row;
}

function prepareInteraction(parts: WriteParts, header: InteractionHeader): PreparedInteraction {
  const keys = parts.keyStore.ensureAccount(header.account, false);
  const nonce = randomBytes(NONCE_BYTES);
  return { header, nonce, leaf: interactionLeaf(interactionSalt(keys, nonce), header) };
}

function putInteraction(
  parts: WriteParts,
  tail: JournalTail,
  { header, nonce, leaf }: PreparedInteraction,
  once = false,
): number {
  const index = tail.push(leaf);
  const position = positionOf(tail.generation, index);
  parts.journal.addEntry({ position, account: header.account, leaf, nonce, body: JSON.stringify(header) });
  // A release that was journalled otherwise uses its permit up as well.
  if (once || (header.kind === 'release' && header.permit !== '')) parts.journal.usePermit(header.permit, position);
  return index;
}
