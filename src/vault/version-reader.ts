import { sha256 } from '#crypto/platform';
import { type InteractionHeader, interactionLeaf } from '../chain/journal-leaf.ts';
import { bytesToHex, equalBytes, hexToBytes } from '../std/bytes.ts';
import { isReject, type Reject } from '../std/reject.ts';
import { reject } from './codes.ts';
import type { EntryRow } from './journal-table.ts';
import type { KeyStore } from './key-store.ts';
import { createOpenedCache } from './opened-cache.ts';
import {
  type Damage,
  type OpenedVersion,
  openSealed,
  openVersionKey,
  type SealedVersion,
  type WrappedKey,
} from './opening/open-sealed.ts';
import { openingThread } from './opening/opening-thread.ts';
import { placeOf, positionOf } from './position.ts';
import type { JournalEntry, OpenedEntry, VersionRow, WriteContext } from './vault.ts';
import { type KeyedVersion, rowToHeader, type VersionStore } from './version-table.ts';
import { openContext } from './write-context.ts';
import { interactionSalt } from './write-operations.ts';

/** Opens what is stored, and serves nothing that its leaf does not commit to. */
export interface VersionReader {
  /** Keeps where a row's key is, so that opening it need not look the row up again. */
  remember(version: KeyedVersion): VersionRow;
  /** The stored version that a row stands for. Rejects with VERSION_UNKNOWN. */
  stored(row: VersionRow): Promise<KeyedVersion>;
  /** Exact bytes. Rejects with VERSION_ERASED, VERSION_UNKNOWN, BLOB_DAMAGED, VAULT_DAMAGED. */
  open(row: VersionRow): Promise<Uint8Array>;
  /** The same of many, beside the main thread; a refusal stands in the place of its version. Keeps nothing in memory. */
  openAll(rows: readonly VersionRow[]): Promise<readonly (Uint8Array | Reject)[]>;
  /** Drops what is kept in memory of a version that is being erased. */
  forget(row: VersionRow): void;
  salt(row: VersionRow): Promise<Uint8Array>;
  /** Encrypted blob of an address; undefined when there is none. Rejects with BLOB_DAMAGED. */
  blob(address: string): Promise<Uint8Array | undefined>;
  /** A journal entry with its salt, checked against its leaf. */
  openEntry(entry: EntryRow): Promise<OpenedEntry>;
  /** What a journal entry says, checked against its leaf or its row's MAC, without opening a version's content. */
  readEntry(entry: EntryRow): Promise<JournalEntry>;
}

/** Of opened versions that are kept in memory. */
const OPENED_BYTES = 16 * 1024 * 1024;
const ADDRESS = /^[0-9a-f]{64}$/;

export function createVersionReader(versions: VersionStore, keyStore: KeyStore): VersionReader {
  const known = new WeakMap<VersionRow, KeyedVersion>();
  const opened = createOpenedCache(OPENED_BYTES);

  function remember(version: KeyedVersion): VersionRow {
    known.set(version.row, version);
    return version.row;
  }

  async function stored(row: VersionRow): Promise<KeyedVersion> {
    const version = await versions.versionAt(positionOf(row.generation, row.journalIndex));
    if (version === undefined || version.row.leaf !== row.leaf) throw reject('VERSION_UNKNOWN');
    return version;
  }

  async function blob(address: string): Promise<Uint8Array | undefined> {
    const hash = ADDRESS.test(address) ? hexToBytes(address) : undefined;
    const sealed = hash && (await versions.blob(hash));
    if (sealed !== undefined && !equalBytes(sha256(sealed), hash as Uint8Array)) throw reject('BLOB_DAMAGED');
    return sealed;
  }

  const placeData = ({ generation, journalIndex }: VersionRow) => ({ generation, index: journalIndex });

  /** Why a part of a version is missing: it was erased since the row was read, or it is damage. */
  async function missing(row: VersionRow, damage: Reject): Promise<Reject> {
    return (await stored(row)).row.erased ? reject('VERSION_ERASED', placeData(row)) : damage;
  }

  function damageOf(row: VersionRow, damage: Damage): Reject {
    return damage === 'key'
      ? reject('VAULT_DAMAGED', { table: 'version_key' })
      : reject('BLOB_DAMAGED', placeData(row));
  }

  async function keyOf(row: VersionRow): Promise<WrappedKey> {
    if (row.erased) throw reject('VERSION_ERASED', placeData(row));
    const { keyId, row: own } = known.get(row) ?? (await stored(row));
    const key = await keyStore.wrappedKey(own.account, keyId);
    if (key === undefined) throw await missing(row, damageOf(row, 'key'));
    return key;
  }

  /** Key and blob of a version, read side by side. */
  async function sealedOf(row: VersionRow): Promise<SealedVersion> {
    const address = hexToBytes(row.blob);
    const [key, found] = await bothOf(keyOf(row), address === undefined ? address : versions.blob(address));
    if (found === undefined) throw await missing(row, damageOf(row, 'blob'));
    return { ...key, header: rowToHeader(row), leaf: row.leaf, address: row.blob, blob: found };
  }

  async function openWhole(row: VersionRow): Promise<OpenedVersion> {
    const opened = openSealed(await sealedOf(row));
    if (typeof opened === 'string') throw damageOf(row, opened);
    return opened;
  }

  async function openAll(rows: readonly VersionRow[]): Promise<readonly (Uint8Array | Reject)[]> {
    const gathered = await Promise.all(rows.map((row) => sealedOf(row).catch(refusalOf)));
    const opened = await openingThread.open(gathered.filter((one): one is SealedVersion => !isReject(one)));
    let at = 0;
    return gathered.map((one, index) => {
      if (isReject(one)) return one;
      const bytes = opened[at++] as Uint8Array | Damage;
      return typeof bytes === 'string' ? damageOf(rows[index] as VersionRow, bytes) : bytes;
    });
  }

  async function rowOfEntry(entry: EntryRow): Promise<VersionRow> {
    const version = await versions.versionAt(entry.position);
    if (version === undefined || version.row.account !== entry.account || version.row.leaf !== bytesToHex(entry.leaf)) {
      throw reject('VAULT_DAMAGED', { table: 'entry', ...placeOf(entry.position) });
    }
    return remember(version);
  }

  async function contextOf(entry: EntryRow, body: string): Promise<WriteContext> {
    const keys = await keyStore.account(entry.account);
    const context = keys && openContext(keys, entry.leaf, body);
    if (context === undefined) throw reject('VAULT_DAMAGED', { table: 'entry', ...placeOf(entry.position) });
    return context;
  }

  async function openVersionEntry(entry: EntryRow): Promise<OpenedEntry> {
    const { generation, index } = placeOf(entry.position);
    const { leaf } = entry;
    const row = await rowOfEntry(entry);
    if (entry.body !== null) await contextOf(entry, entry.body);
    const header = rowToHeader(row);
    if (row.erased) return { generation, index, leaf, salt: new Uint8Array(0), entry: { kind: 'erased', header } };
    const { salt, hash } = await openWhole(row);
    return { generation, index, leaf, salt, entry: { kind: 'version', header, contentHash: hash } };
  }

  async function openInteraction(entry: EntryRow, nonce: Uint8Array, body: string): Promise<OpenedEntry> {
    const { generation, index } = placeOf(entry.position);
    const damage = () => reject('VAULT_DAMAGED', { table: 'entry', generation, index });
    const keys = await keyStore.account(entry.account);
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

  async function readEntry(entry: EntryRow): Promise<JournalEntry> {
    const place = placeOf(entry.position);
    const { nonce, body } = entry;
    if (nonce === null || body === null) {
      const row = await rowOfEntry(entry);
      return { ...place, kind: 'version', row, ...(body === null ? {} : { by: await contextOf(entry, body) }) };
    }
    const opened = (await openInteraction(entry, nonce, body)).entry;
    if (opened.kind !== 'interaction') throw new Error('an interaction opens to nothing else');
    return { ...place, kind: 'interaction', header: opened.header };
  }

  return {
    remember,
    stored,
    async open(row) {
      const known = row.erased ? undefined : opened.get(row.leaf);
      if (known !== undefined) return known;
      const at = opened.now();
      const { bytes } = await openWhole(row);
      opened.put(row.leaf, bytes, at);
      return bytes;
    },
    openAll,
    forget: (row) => opened.forget(row.leaf),
    async salt(row) {
      const secret = openVersionKey(await keyOf(row));
      if (secret === undefined) throw damageOf(row, 'key');
      return secret.salt;
    },
    blob,
    openEntry: async (entry) =>
      entry.nonce === null || entry.body === null
        ? openVersionEntry(entry)
        : openInteraction(entry, entry.nonce, entry.body),
    readEntry,
  };
}

function refusalOf(thrown: unknown): Reject {
  if (!isReject(thrown)) throw thrown;
  return thrown;
}

/** Both, read side by side; what the first is refused with goes before what the second is. */
async function bothOf<A, B>(first: Promise<A>, second: Promise<B> | B): Promise<[A, B]> {
  const [one, other] = await Promise.allSettled([first, second]);
  if (one.status === 'rejected') throw one.reason;
  if (other.status === 'rejected') throw other.reason;
  return [one.value, other.value];
}
