import type { VersionHeader } from '../chain/journal-leaf.ts';
import { bytesToHex, hexToBytes } from '../std/bytes.ts';
import { reject } from './codes.ts';
import { columns } from './columns.ts';
import { type Connection, ONE, slot } from './database.ts';
import { placeOf } from './position.ts';
import type { RowMac } from './row-mac.ts';
import type { VersionRow } from './vault.ts';
import { type VersionTable as StoredVersion, vaultQueries } from './vault-schema.ts';

/** A version's row, with its place, that of the version before (-1 for none), and where its key is. */
export interface KeyedVersion {
  readonly row: VersionRow;
  readonly position: number;
  readonly before: number;
  readonly keyId: number;
}

/** The current version of a resource and its search tokens, 16 bytes each. */
export interface ResourceRow {
  readonly type: string;
  readonly id: string;
  readonly account: string;
  readonly version: number;
  readonly position: number;
  readonly tokens: Uint8Array;
}

/** Rows of versions, resources and blobs. Reads throw Reject VAULT_DAMAGED for a row that the vault did not write. */
export interface VersionStore {
  resource(type: string, id: string): ResourceRow | undefined;
  putResource(row: ResourceRow): void;
  /** Ids of resources of a type after an id, in order. */
  resourcesAfter(type: string, after: string, limit: number): readonly ResourceRow[];
  versionAt(position: number): KeyedVersion | undefined;
  /** Version at a position and those before it, newest first; nothing from -1. */
  chain(type: string, id: string, position: number): Iterable<KeyedVersion>;
  addVersion(version: KeyedVersion): void;
  /** Leaves a tombstone: header, leaf and blob address stay; labels and categories go. */
  markErased(version: KeyedVersion): void;
  /** Highest key id that a version names; 0 when there is none. */
  highestKeyId(): number;
  addBlob(address: Uint8Array, bytes: Uint8Array): void;
  blob(address: Uint8Array): Uint8Array | undefined;
  deleteBlob(address: Uint8Array): void;
}

export function createVersionStore(connection: Connection, mac: RowMac): VersionStore {
  const rows = prepareRows(connection);

  function checkedResource(row: (ResourceRow & { mac: Uint8Array }) | undefined): ResourceRow | undefined {
    if (row !== undefined) mac.check(row.mac, 'resource', resourceValues(row), row.tokens);
    return row;
  }

  function checkedVersion(row: StoredVersion | undefined): KeyedVersion | undefined {
    if (row === undefined) return undefined;
    mac.check(row.mac, 'version', versionValues(row), row.previous, row.leaf, row.blob);
    return { row: storedToRow(row), position: row.position, before: row.before, keyId: row.key_id };
  }

  function* chain(type: string, id: string, from: number): Generator<KeyedVersion> {
    for (let position = from; position >= 0; ) {
      const version = checkedVersion(rows.versionAt.get(position));
      if (version?.row.type !== type || version.row.id !== id || version.before >= position) {
        throw reject('VAULT_DAMAGED', { table: 'version' });
      }
      yield version;
      position = version.before;
    }
  }

  const write = (
    statement: { run(...values: (string | number | Uint8Array)[]): number },
    row: Omit<StoredVersion, 'mac'>,
  ) =>
    statement.run(
      ...[row.position, row.before, row.type, row.id, row.version, row.account, row.action, row.time_ms, row.author],
      ...[row.previous, row.leaf, row.blob, row.key_id, row.labels, row.categories, row.erased],
      mac.of('version', versionValues(row), row.previous, row.leaf, row.blob),
    );

  return {
    resource: (type, id) => checkedResource(rows.resource.get(type, id)),
    putResource(row) {
      const sum = mac.of('resource', resourceValues(row), row.tokens);
      rows.putResource.run(row.type, row.id, row.account, row.version, row.position, row.tokens, sum);
    },
    resourcesAfter: (type, after, limit) =>
      rows.resourcesAfter.all(type, after, limit).map((row) => checkedResource(row) as ResourceRow),
    versionAt: (position) => checkedVersion(rows.versionAt.get(position)),
    chain,
    addVersion: (version) => void write(rows.addVersion, rowToStored(version)),
    markErased(version) {
      const row: VersionRow = { ...version.row, labels: [], categories: [], erased: true };
      write(rows.replaceVersion, rowToStored({ ...version, row }));
    },
    highestKeyId: () => rows.highestKeyId.get()?.key_id ?? 0,
    addBlob: (address, bytes) => void rows.addBlob.run(address, bytes),
    blob: (address) => rows.blob.get(address)?.bytes,
    deleteBlob: (address) => void rows.deleteBlob.run(address),
  };
}

function resourceValues(row: ResourceRow): (string | number)[] {
  return [row.type, row.id, row.account, row.version, row.position];
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

const VERSION_COLUMNS = [
  ...([
    'position',
    'before',
    'type',
    'id',
    'version',
    'account',
    'action',
    'time_ms',
    'author',
    'previous',
    'leaf',
  ] as const),
  ...(['blob', 'key_id', 'labels', 'categories', 'erased', 'mac'] as const),
] as const;

function prepareRows(connection: Connection) {
  const from = vaultQueries;
  const versions = from.selectFrom('version').select(columns(...VERSION_COLUMNS));
  const resources = from
    .selectFrom('resource')
    .select(columns('type', 'id', 'account', 'version', 'position', 'tokens', 'mac'))
    .where('type', '=', slot);
  const insertVersion = from.insertInto('version').values({
    ...{
      position: slot,
      before: slot,
      type: slot,
      id: slot,
      version: slot,
      account: slot,
      action: slot,
      time_ms: slot,
      author: slot,
    },
    ...{
      previous: slot,
      leaf: slot,
      blob: slot,
      key_id: slot,
      labels: slot,
      categories: slot,
      erased: slot,
      mac: slot,
    },
  });
  return {
    resource: connection.prepare(resources.where('id', '=', slot).compile()),
    resourcesAfter: connection.prepare(resources.where('id', '>', slot).orderBy('resource.id').limit(slot).compile()),
    putResource: connection.prepare(
      from
        .insertInto('resource')
        .values({ type: slot, id: slot, account: slot, version: slot, position: slot, tokens: slot, mac: slot })
        .onConflict((conflict) =>
          conflict.columns(['type', 'id']).doUpdateSet((row) => ({
            account: row.ref('excluded.account'),
            version: row.ref('excluded.version'),
            position: row.ref('excluded.position'),
            tokens: row.ref('excluded.tokens'),
            mac: row.ref('excluded.mac'),
          })),
        )
        .compile(),
    ),
    versionAt: connection.prepare(versions.where('position', '=', slot).compile()),
    addVersion: connection.prepare(insertVersion.compile()),
    replaceVersion: connection.prepare(
      insertVersion
        .onConflict((conflict) =>
          conflict.column('position').doUpdateSet((row) => ({
            labels: row.ref('excluded.labels'),
            categories: row.ref('excluded.categories'),
            erased: row.ref('excluded.erased'),
            mac: row.ref('excluded.mac'),
          })),
        )
        .compile(),
    ),
    // Key ids and positions rise together, so the last version names the highest.
    highestKeyId: connection.prepare(
      from.selectFrom('version').select(columns('key_id')).orderBy('version.position', 'desc').limit(ONE).compile(),
    ),
    addBlob: connection.prepare(from.insertInto('blob').values({ address: slot, bytes: slot }).compile()),
    blob: connection.prepare(from.selectFrom('blob').select(columns('bytes')).where('address', '=', slot).compile()),
    deleteBlob: connection.prepare(from.deleteFrom('blob').where('address', '=', slot).compile()),
  };
}
