import type { VersionHeader } from '../chain/journal-leaf.ts';
import { bytesToHex, hexToBytes } from '../std/bytes.ts';
import { reject } from './codes.ts';
import type { Change, Connection, SqlValue, Statement } from './database/connection.ts';
import type { FoundRow } from './index/find-statements.ts';
import type { ResourceTable } from './index/index-schema.ts';
import { placeOf } from './position.ts';
import type { RowMac } from './row-mac.ts';
import type { VersionRow } from './vault.ts';
import type { VersionTable as StoredVersion } from './vault-schema.ts';
import { prepareVersionRows } from './version-rows.ts';

/** A version's row, with its place, that of the version before (-1 for none), and where its key is. */
export interface KeyedVersion {
  readonly row: VersionRow;
  readonly position: number;
  readonly before: number;
  readonly keyId: number;
}

/** The current version of a resource, and what the index has of it (index/index-schema.ts). */
export interface ResourceRow {
  /** Its number in this vault, given in the order of first writing; never changes. */
  readonly rid: number;
  readonly type: string;
  readonly id: string;
  readonly account: string;
  readonly version: number;
  readonly position: number;
  /** The current version is neither deleted nor erased. */
  readonly live: boolean;
  /** It is live and indexed under its account's own key. */
  readonly protected: boolean;
  readonly indexKey: number;
  readonly indexFormat: number;
  readonly digest: Uint8Array;
}

/** Rows of versions, resources and blobs. Reads reject with VAULT_DAMAGED for a row that the vault did not write. */
export interface VersionStore {
  resource(type: string, id: string): Promise<ResourceRow | undefined>;
  /** A resource with its current version, by one query; undefined when there never was one. */
  current(type: string, id: string): Promise<(KeyedVersion & { readonly resource: ResourceRow }) | undefined>;
  putResource(row: ResourceRow): Change;
  /** A resource's number; undefined when there never was one. */
  ridOf(type: string, id: string): Promise<number | undefined>;
  /** Resources after a number, in order of number. */
  resourcesAfter(rid: number, limit: number): Promise<readonly ResourceRow[]>;
  /** The current version that a row of a query is. Throws Reject VAULT_DAMAGED. */
  foundVersion(row: FoundRow): KeyedVersion;
  /** Highest number that is given out; 0 when there is none. */
  highestRid(): Promise<number>;
  versionAt(position: number): Promise<KeyedVersion | undefined>;
  /** A resource's version at a position and those before it, newest first, by one query; at most `limit`. */
  chain(type: string, id: string, position: number, limit: number): Promise<readonly KeyedVersion[]>;
  /** Versions before a position, of a type or of all, newest first. */
  versionsBefore(type: string | undefined, position: number, limit: number): Promise<readonly KeyedVersion[]>;
  addVersion(version: KeyedVersion): Change;
  /** Leaves a tombstone: header, leaf and blob address stay; labels and categories go. */
  markErased(version: KeyedVersion): Change;
  /** Highest key id that a version names; 0 when there is none. */
  highestKeyId(): Promise<number>;
  addBlob(address: Uint8Array, bytes: Uint8Array): Change;
  blob(address: Uint8Array): Promise<Uint8Array | undefined>;
  deleteBlob(address: Uint8Array): Change;
}

/** Numbers of resources that are remembered; some 150 bytes each. */
const MAX_CACHED_RIDS = 50_000;

export function createVersionStore(connection: Connection, mac: RowMac): VersionStore {
  const rows = prepareVersionRows(connection);
  const rids = new Map<string, number>();

  function remember({ type, id, rid }: { type: string; id: string; rid: number }): number {
    if (rids.size >= MAX_CACHED_RIDS) rids.clear();
    rids.set(`${type}/${id}`, rid);
    return rid;
  }

  async function resource(type: string, id: string): Promise<ResourceRow | undefined> {
    const stored = await rows.resource.get(type, id);
    if (stored === undefined) return undefined;
    const row = checkedResource(stored);
    remember(row);
    return row;
  }

  function checkedResource(stored: ResourceTable): ResourceRow {
    const row = storedToResource(stored);
    mac.check(stored.mac, 'resource', resourceValues(row), row.digest);
    return row;
  }

  function checkedVersion(row: StoredVersion | undefined): KeyedVersion | undefined {
    if (row === undefined) return undefined;
    mac.check(row.mac, 'version', versionValues(row), row.previous, row.leaf, row.blob);
    return { row: storedToRow(row), position: row.position, before: row.before, keyId: row.key_id };
  }

  async function chain(type: string, id: string, from: number, limit: number): Promise<readonly KeyedVersion[]> {
    const found = (await rows.chain.all(from, limit)).map((row) => checkedVersion(row) as KeyedVersion);
    let next = from;
    for (const { row, position, before } of found) {
      if (position !== next || row.type !== type || row.id !== id) throw reject('VAULT_DAMAGED', { table: 'version' });
      next = before;
    }
    // It ends early where a row is missing, or leads on to what came after.
    if (found.length < limit && next !== -1) throw reject('VAULT_DAMAGED', { table: 'version' });
    return found;
  }

  function foundWhole(found: FoundRow): KeyedVersion & { readonly resource: ResourceRow } {
    const stored = found as unknown as StoredVersion;
    // The resource's row has the same type, id, account, version and position as its version's, or its MAC fails.
    const resource = checkedResource({ ...stored, ...found, mac: found.resource_mac } as unknown as ResourceTable);
    return { ...(checkedVersion(stored) as KeyedVersion), resource };
  }

  const put = (statement: Statement<unknown>, row: Omit<StoredVersion, 'mac'>): Change =>
    statement.change(
      ...[row.position, row.before, row.type, row.id, row.version, row.account, row.action, row.time_ms, row.author],
      ...([row.previous, row.leaf, row.blob, row.key_id, row.labels, row.categories, row.erased] as SqlValue[]),
      mac.of('version', versionValues(row), row.previous, row.leaf, row.blob),
    );

  return {
    resource,
    resourcesAfter: async (rid, limit) => (await rows.resourcesAfter.all(rid, limit)).map(checkedResource),
    async current(type, id) {
      const found = await rows.current.get(type, id);
      return found === undefined ? undefined : foundWhole(found);
    },
    foundVersion: foundWhole,
    async versionsBefore(type, position, limit) {
      const found =
        type === undefined ? rows.versionsBefore.all(position, limit) : rows.versionsOf.all(type, position, limit);
      return (await found).map((row) => checkedVersion(row) as KeyedVersion);
    },
    putResource(row) {
      const values = resourceValues(row);
      return rows.putResource.change(...values, row.digest, mac.of('resource', values, row.digest));
    },
    ridOf: async (type, id) => rids.get(`${type}/${id}`) ?? (await resource(type, id))?.rid,
    highestRid: async () => (await rows.highestRid.get())?.rid ?? 0,
    versionAt: async (position) => checkedVersion(await rows.versionAt.get(position)),
    chain,
    addVersion: (version) => put(rows.addVersion, rowToStored(version)),
    markErased(version) {
      const row: VersionRow = { ...version.row, labels: [], categories: [], erased: true };
      return put(rows.replaceVersion, rowToStored({ ...version, row }));
    },
    highestKeyId: async () => (await rows.highestKeyId.get())?.key_id ?? 0,
    addBlob: (address, bytes) => rows.addBlob.change(address, bytes),
    blob: async (address) => (await rows.blob.get(address))?.bytes,
    deleteBlob: (address) => rows.deleteBlob.change(address),
  };
}

function resourceValues(row: ResourceRow): (string | number)[] {
  return [
    ...[row.rid, row.type, row.id, row.account, row.version, row.position],
    ...[row.live ? 1 : 0, row.protected ? 1 : 0, row.indexKey, row.indexFormat],
  ];
}

function storedToResource(stored: ResourceTable): ResourceRow {
  const { rid, type, id, account, version, position, digest } = stored;
  const [indexKey, indexFormat] = [stored.index_key, stored.index_format];
  const [live, isProtected] = [stored.live === 1, stored.protected === 1];
  return { rid, type, id, account, version, position, live, protected: isProtected, indexKey, indexFormat, digest };
}

function versionValues(row: Omit<StoredVersion, 'mac'>): (string | number)[] {
  return [
    ...[row.position, row.before, row.type, row.id, row.version, row.account, row.action, row.time_ms, row.author],
    ...[row.key_id, row.labels, row.categories, row.erased],
  ];
}

function storedToRow(row: StoredVersion): VersionRow {
  const { generation, index } = placeOf(row.position);
  return {
    account: row.account,
    type: row.type,
    id: row.id,
    version: row.version,
    action: row.action as VersionHeader['action'],
    timeMs: row.time_ms,
    author: row.author,
    previous: bytesToHex(row.previous),
    deleted: row.action === 'delete',
    leaf: bytesToHex(row.leaf),
    generation,
    journalIndex: index,
    blob: bytesToHex(row.blob),
    labels: JSON.parse(row.labels),
    categories: JSON.parse(row.categories),
    erased: row.erased === 1,
  };
}

function rowToStored({ row, position, before, keyId }: KeyedVersion): Omit<StoredVersion, 'mac'> {
  return {
    position,
    before,
    type: row.type,
    id: row.id,
    version: row.version,
    account: row.account,
    action: row.action,
    time_ms: row.timeMs,
    author: row.author,
    previous: hexToBytes(row.previous) as Uint8Array,
    leaf: hexToBytes(row.leaf) as Uint8Array,
    blob: hexToBytes(row.blob) as Uint8Array,
    key_id: keyId,
    labels: JSON.stringify(row.labels),
    categories: JSON.stringify(row.categories),
    erased: row.erased ? 1 : 0,
  };
}

/** The header that a version's leaf commits to, of its row. */
export function rowToHeader(row: VersionRow): VersionHeader {
  const { account, type, id, version, action, timeMs, author, previous } = row;
  return { account, type, id, version, action, timeMs, author, previous };
}
