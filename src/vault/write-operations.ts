import { hmacSha256, randomBytes, sha256 } from '#crypto/platform';
import {
  contentHash,
  type InteractionHeader,
  interactionLeaf,
  SALT_BYTES,
  versionLeaf,
} from '../chain/journal-leaf.ts';
import { sealAes256Gcm } from '../crypto/node/aead.ts';
import { bytesToHex } from '../std/bytes.ts';
import { reject } from './codes.ts';
import type { Draft } from './commit-draft.ts';
import type { Operation } from './commit-queue.ts';
import type { IndexEntries } from './index/index-entries.ts';
import type { Scope } from './index/index-hash.ts';
import type { IndexWriter } from './index/index-writer.ts';
import type { JournalTable } from './journal-table.ts';
import type { AccountKeys, KeyStore } from './key-store.ts';
import { blobAad } from './opening/open-sealed.ts';
import { positionOf } from './position.ts';
import type { IndexedState, ResourceState } from './resource-state.ts';
import { isSensitive } from './sensitivity.ts';
import type { NewVersion, VersionRow, WriteResult } from './vault.ts';
import type { KeyedVersion, VersionStore } from './version-table.ts';
import { packContext } from './write-context.ts';

/** Largest version that a vault keeps. */
export const MAX_VERSION_BYTES = 64 * 1024 * 1024;
const NONCE_BYTES = 16;

/** What writes stand on. */
export interface WriteParts {
  readonly keyStore: KeyStore;
  readonly versions: VersionStore;
  readonly journal: JournalTable;
  readonly indexWriter: IndexWriter;
  /** The custodian's index key, for versions without a sensitive label. */
  readonly sharedScope: Scope;
  readonly sensitiveLabels: ReadonlySet<string>;
  /** The next number of a resource; one that a refused call took is never given out again. */
  nextRid(): number;
  /** Told of each row that was made, with where its key is, once it is durable. */
  written(version: KeyedVersion): void;
}

/** A version that is checked and encrypted, but has no place yet. */
interface PreparedVersion {
  readonly row: Omit<VersionRow, 'generation' | 'journalIndex'>;
  readonly epoch: NonNullable<AccountKeys['epoch']>;
  readonly secret: { readonly key: Uint8Array; readonly salt: Uint8Array };
  readonly sealed: Uint8Array;
  readonly address: Uint8Array;
  readonly leaf: Uint8Array;
  /** What the journal's row holds beside the leaf. */
  readonly body: string | null;
  readonly rid: number;
  readonly found: IndexedState['found'];
}

interface PreparedInteraction {
  readonly header: InteractionHeader;
  readonly nonce: Uint8Array;
  readonly leaf: Uint8Array;
}

/** What a write reads before it is checked. */
interface WriteFacts {
  readonly resources: ReadonlyMap<string, ResourceState>;
  readonly accounts: ReadonlyMap<string, AccountKeys>;
  /** Numbers of the resources that entries link to. */
  readonly linked: ReadonlyMap<string, number>;
}

/** Salt of an interaction's leaf: a secret of the account in the key store, and a nonce in the entry's row. */
export function interactionSalt(keys: AccountKeys, nonce: Uint8Array): Uint8Array {
  return hmacSha256(keys.salts, nonce);
}

const nameOf = ({ type, id }: { type: string; id: string }): string => `${type}/${id}`;

/** All of `versions` and `interactions` or none; see `Vault.write`. */
export function writeOperation(
  parts: WriteParts,
  versions: readonly NewVersion[],
  interactions: readonly InteractionHeader[],
): Operation<WriteResult> {
  return async () => {
    const facts = await readFacts(parts, versions, interactions);
    return (draft) => {
      const latest = new Map<string, Latest>();
      const prepared = versions.map((version) => prepareVersion(parts, draft, facts, version, latest));
      const headers = interactions.map((header) => prepareInteraction(draft, facts, header));
      return () => ({
        versions: prepared.map((version) => putVersion(parts, draft, facts, version)),
        journalIndices: headers.map((interaction) => putInteraction(parts, draft, interaction)),
      });
    };
  };
}

/** One release, unless one that names the same permit is in the journal; see `Vault.journalOnce`. */
export function onceOperation(parts: WriteParts, header: InteractionHeader): Operation<number> {
  const { permit } = header;
  if (permit === '') throw new TypeError('journalOnce needs a permit');
  return async () => {
    const [isUsed, facts] = await Promise.all([parts.journal.permitUsed(permit), readFacts(parts, [], [header])]);
    return (draft) => {
      // Also by a release of the same commit, which no query sees yet.
      if (isUsed || draft.permits.has(permit)) throw reject('PERMIT_USED', { permit });
      const interaction = prepareInteraction(draft, facts, header);
      return () => putInteraction(parts, draft, interaction, true);
    };
  };
}

async function readFacts(
  parts: WriteParts,
  versions: readonly NewVersion[],
  interactions: readonly InteractionHeader[],
): Promise<WriteFacts> {
  const resources = new Map<string, ResourceState>();
  const accounts = new Map<string, AccountKeys>();
  const linked = new Map<string, number>();
  const reads: Promise<void>[] = [];
  const once = (name: string, seen: Set<string>) => seen.size !== seen.add(name).size;
  const [seenResources, seenAccounts, seenLinks] = [new Set<string>(), new Set<string>(), new Set<string>()];
  for (const { account } of [...versions, ...interactions]) {
    const known = parts.keyStore.accountInMemory(account);
    if (known !== undefined) accounts.set(account, known);
    else if (once(account, seenAccounts)) reads.push(readAccount(parts, account, accounts));
  }
  // What is new has no row, and its number is known once it is given one.
  const fresh = new Set(versions.filter(({ isNew }) => isNew).map(nameOf));
  for (const version of versions) {
    if (once(nameOf(version), seenResources) && !fresh.has(nameOf(version)))
      reads.push(readResource(parts, version, resources));
    for (const link of version.entries.links) {
      const read = async () => {
        const rid = await parts.versions.ridOf(link.type, link.id);
        if (rid !== undefined) linked.set(nameOf(link), rid);
      };
      if (!fresh.has(nameOf(link)) && once(nameOf(link), seenLinks)) reads.push(read());
    }
  }
  await Promise.all(reads);
  return { resources, accounts, linked };
}

async function readAccount({ keyStore }: WriteParts, account: string, into: Map<string, AccountKeys>): Promise<void> {
  const keys = await keyStore.account(account);
  if (keys !== undefined) into.set(account, keys);
}

async function readResource(
  { versions, indexWriter }: WriteParts,
  of: { type: string; id: string },
  into: Map<string, ResourceState>,
): Promise<void> {
  const [current, packed] = await Promise.all([versions.current(of.type, of.id), indexWriter.packedOf(of)]);
  if (current === undefined) return;
  const { rid, version, position, protected: wasProtected } = current.resource;
  into.set(nameOf(of), { rid, version, position, leaf: current.row.leaf, packed, wasProtected });
}

/** Where a resource is at, as far as this call has come. */
type Latest = Pick<ResourceState, 'rid' | 'version' | 'leaf'>;

function prepareVersion(
  parts: WriteParts,
  draft: Draft,
  facts: WriteFacts,
  version: NewVersion,
  latest: Map<string, Latest>,
): PreparedVersion {
  const { account, type, id, action, timeMs, author, bytes, labels, categories, entries } = version;
  if (bytes.length > MAX_VERSION_BYTES)
    throw reject('VERSION_TOO_LARGE', { sizeBytes: bytes.length, maxBytes: MAX_VERSION_BYTES });
  const name = nameOf(version);
  const current: Latest | undefined = latest.get(name) ?? draft.resources.get(name) ?? facts.resources.get(name);
  const actual = current?.version ?? 0;
  if (version.version !== actual + 1) {
    throw reject('VERSION_CONFLICT', { type, id, expected: version.version, actual });
  }
  const keys = facts.accounts.get(account);
  if (keys?.epoch === undefined) throw reject('ACCOUNT_UNKNOWN', { account });
  requireIntervals(entries);
  const previous = current?.leaf ?? '';
  const header = { account, type, id, version: version.version, action, timeMs, author, previous };
  const secret = { key: randomBytes(32), salt: randomBytes(SALT_BYTES) };
  const leaf = versionLeaf(secret.salt, header, contentHash(bytes));
  const sealed = sealAes256Gcm(secret.key, bytes, blobAad(version));
  const address = sha256(sealed);
  const deleted = action === 'delete';
  const isProtected = isSensitive(labels, parts.sensitiveLabels);
  const scope = isProtected ? { id: account, key: keys.index } : parts.sharedScope;
  const hex = bytesToHex(leaf);
  const rid = current?.rid ?? parts.nextRid();
  latest.set(name, { rid, version: version.version, leaf: hex });
  const row = { ...header, deleted, leaf: hex, blob: bytesToHex(address), labels, categories, erased: false };
  const found = deleted ? undefined : { scope, entries, isProtected };
  const body = version.by === undefined ? null : packContext(keys, leaf, version.by);
  return { row, epoch: keys.epoch, secret, sealed, address, leaf, body, rid, found };
}

/** Here, where it refuses this call alone: what the index is made of later fails the whole commit. */
function requireIntervals({ ordinals }: IndexEntries): void {
  if (ordinals.some(({ low, high }) => !(low <= high))) throw new TypeError('an interval has a low end and a high end');
}

function putVersion(parts: WriteParts, draft: Draft, facts: WriteFacts, version: PreparedVersion): VersionRow {
  const { generation } = draft.journal;
  const journalIndex = draft.journal.push(version.leaf);
  const position = positionOf(generation, journalIndex);
  const keyId = draft.keys.addVersionKey(version.epoch, version.secret);
  const row: VersionRow = { ...version.row, generation, journalIndex };
  const { type, id, account } = row;
  const name = nameOf(row);
  const before = draft.resources.get(name) ?? facts.resources.get(name);
  const keyed = { row, position, before: before?.position ?? -1, keyId };
  draft.add(
    parts.versions.addBlob(version.address, version.sealed),
    parts.versions.addVersion(keyed),
    parts.journal.addEntry({ position, account, leaf: version.leaf, nonce: null, body: version.body }),
  );
  const { rid, found } = version;
  const state = { rid, type, id, account, version: row.version, position, leaf: row.leaf, found };
  // What the index has is still what the commit found, whatever earlier calls of it have put here.
  const kept = { packed: before?.packed, wasProtected: before?.wasProtected === true };
  draft.resources.set(name, { ...state, ...kept, linked: facts.linked });
  draft.afterwards(() => parts.written(keyed));
  return row;
}

function prepareInteraction(draft: Draft, { accounts }: WriteFacts, header: InteractionHeader): PreparedInteraction {
  // An account that is made known for a call that is then refused harms nobody.
  const keys = draft.keys.ensureAccount(header.account, accounts.get(header.account), false);
  const nonce = randomBytes(NONCE_BYTES);
  return { header, nonce, leaf: interactionLeaf(interactionSalt(keys, nonce), header) };
}

function putInteraction(
  parts: WriteParts,
  draft: Draft,
  { header, nonce, leaf }: PreparedInteraction,
  once = false,
): number {
  const { account, permit } = header;
  const index = draft.journal.push(leaf);
  const position = positionOf(draft.journal.generation, index);
  draft.add(parts.journal.addEntry({ position, account, leaf, nonce, body: JSON.stringify(header) }));
  // A release that was journalled otherwise uses its permit up as well.
  if (once || (header.kind === 'release' && permit !== '')) {
    draft.permits.add(permit);
    draft.set(`permit ${permit}`, parts.journal.usePermit(permit, position));
  }
  return index;
}
