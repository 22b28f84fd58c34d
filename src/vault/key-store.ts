import { hmacSha256, randomBytes } from '#crypto/platform';
import { deriveKey } from '../crypto/node/derive-key.ts';
import { unwrapKey, wrapKey } from '../crypto/node/key-wrap.ts';
import { utf8 } from '../std/bytes.ts';
import { frame } from '../std/frame.ts';
import { reject } from './codes.ts';
import { columns } from './columns.ts';
import { type Connection, ONE, slot } from './database.ts';
import { keyQueries } from './key-schema.ts';

/** Keys of one account, unwrapped. `epoch` is undefined for an account that only appears in interactions. */
export interface AccountKeys {
  readonly tag: Uint8Array;
  readonly index: Uint8Array;
  readonly salts: Uint8Array;
  readonly epoch?: { readonly number: number; readonly key: Uint8Array };
}

/** Key and salt of a version, each 32 bytes. */
export interface VersionKey {
  readonly key: Uint8Array;
  readonly salt: Uint8Array;
}

/**
 * The key store: the only place that version keys and salts are ever in. Its writes belong inside a transaction that
 * the caller makes durable before the vault's, so a version in the vault always has its key.
 */
export interface KeyStore {
  /** Undefined when the account is not known here. Throws Reject VAULT_DAMAGED when its row does not unwrap. */
  account(account: string): AccountKeys | undefined;
  /** Makes an account known; with an epoch key when versions are to be written under it. */
  ensureAccount(account: string, withEpoch: boolean): AccountKeys;
  /** Stores a new version's key and salt under the account's current epoch. Returns the key's id, higher each time. */
  addVersionKey(epoch: { number: number; key: Uint8Array }, secret: VersionKey): number;
  /** Undefined when there is none (erased). Throws Reject VAULT_DAMAGED when it does not unwrap. */
  versionKey(account: string, keyId: number): VersionKey | undefined;
  deleteKeys(fromId: number, toId: number): number;
  /** Highest id of a key that is stored; 0 when there is none. */
  highestKeyId(): number;
  /** The id given out last. */
  readonly lastKeyId: number;
  /** Never give out ids up to this one: a tombstone names it, though its key is gone. */
  reserveKeyIds(upTo: number): void;
  countKeys(): number;
  /** Forgets what was read or made: after a rollback nothing of it may be trusted. */
  forget(): void;
  addUnswept(fromId: number, toId: number): void;
  unswept(): readonly { from_id: number; to_id: number }[];
  clearUnswept(): void;
}

const SECRET_BYTES = 32;
/** About 400 bytes each. */
const MAX_CACHED_ACCOUNTS = 20_000;

export function createKeyStore(connection: Connection, rootKey: Uint8Array): KeyStore {
  const rows = prepareRows(connection);
  const accounts = new Map<string, AccountKeys>();
  const oldEpochs = new Map<string, Uint8Array>();
  // Never goes back while the process runs, so an id of a failed commit is not given out again.
  let lastId = rows.highest.get()?.key_id ?? 0;

  // A key of its own for each account, so that a row moved to another account does not unwrap.
  const kekOf = (account: string) => deriveKey(rootKey, 'aceso/vault/account-kek/1', utf8(account));

  function unwrapRow(kek: Uint8Array, wrapped: Uint8Array, table: string): Uint8Array {
    const key = unwrapKey(kek, wrapped);
    if (key === undefined) throw reject('VAULT_DAMAGED', { table });
    return key;
  }

  function remember(account: string, secret: Uint8Array, epoch: AccountKeys['epoch']): AccountKeys {
    const derived = (label: string) => hmacSha256(secret, frame(label));
    const keys: AccountKeys = {
      tag: derived('aceso/vault/tag-key/1'),
      index: derived('aceso/vault/index-key/1'),
      salts: derived('aceso/vault/salt-key/1'),
      ...(epoch === undefined ? {} : { epoch }),
    };
    if (accounts.size >= MAX_CACHED_ACCOUNTS) accounts.delete(accounts.keys().next().value as string);
    accounts.set(account, keys);
    return keys;
  }

  function load(account: string): AccountKeys | undefined {
    const known = accounts.get(account);
    if (known !== undefined) return known;
    const row = rows.account.get(account);
    if (row === undefined) return undefined;
    const kek = kekOf(account);
    const epoch = rows.lastEpoch.get(account);
    const secret = unwrapRow(kek, row.secret, 'account');
    if (epoch === undefined) return remember(account, secret, undefined);
    return remember(account, secret, { number: epoch.epoch, key: unwrapRow(kek, epoch.wrapped, 'epoch') });
  }

  function ensureAccount(account: string, withEpoch: boolean): AccountKeys {
    const known = load(account);
    if (known !== undefined && (!withEpoch || known.epoch !== undefined)) return known;
    const kek = kekOf(account);
    if (known === undefined) rows.addAccount.run(account, wrapKey(kek, randomBytes(SECRET_BYTES)));
    if (withEpoch) rows.addEpoch.run(account, 1, wrapKey(kek, randomBytes(SECRET_BYTES)));
    accounts.delete(account);
    return load(account) as AccountKeys;
  }

  function epochKey(account: string, number: number): Uint8Array {
    const current = load(account)?.epoch;
    if (current?.number === number) return current.key;
    const name = `${account}/${number}`;
    const known = oldEpochs.get(name);
    if (known !== undefined) return known;
    const row = rows.epoch.get(account, number);
    if (row === undefined) throw reject('VAULT_DAMAGED', { table: 'epoch' });
    const key = unwrapRow(kekOf(account), row.wrapped, 'epoch');
    if (oldEpochs.size >= MAX_CACHED_ACCOUNTS) oldEpochs.clear();
    oldEpochs.set(name, key);
    return key;
  }

  return {
    account: load,
    ensureAccount,
    addVersionKey(epoch, { key, salt }) {
      lastId += 1;
      const both = new Uint8Array(2 * SECRET_BYTES);
      both.set(key, 0);
      both.set(salt, SECRET_BYTES);
      rows.addKey.run(lastId, epoch.number, wrapKey(epoch.key, both));
      return lastId;
    },
    versionKey(account, keyId) {
      const row = rows.key.get(keyId);
      if (row === undefined) return undefined;
      const both = unwrapRow(epochKey(account, row.epoch), row.wrapped, 'version_key');
      return { key: both.subarray(0, SECRET_BYTES), salt: both.subarray(SECRET_BYTES) };
    },
    deleteKeys: (fromId, toId) => rows.deleteKeys.run(fromId, toId),
    highestKeyId: () => rows.highest.get()?.key_id ?? 0,
    get lastKeyId() {
      return lastId;
    },
    reserveKeyIds(upTo) {
      lastId = Math.max(lastId, upTo);
    },
    countKeys: () => rows.count.get()?.count ?? 0,
    forget() {
      accounts.clear();
      oldEpochs.clear();
    },
    addUnswept: (fromId, toId) => void rows.addUnswept.run(fromId, toId),
    unswept: () => rows.unswept.all(),
    clearUnswept: () => void rows.clearUnswept.run(),
  };
}

function prepareRows(connection: Connection) {
  const from = keyQueries;
  const epochs = from.selectFrom('epoch').where('account', '=', slot);
  return {
    account: connection.prepare(
      from.selectFrom('account').select(columns('secret')).where('account', '=', slot).compile(),
    ),
    addAccount: connection.prepare(from.insertInto('account').values({ account: slot, secret: slot }).compile()),
    lastEpoch: connection.prepare(
      epochs.select(columns('epoch', 'wrapped')).orderBy('epoch.epoch', 'desc').limit(ONE).compile(),
    ),
    epoch: connection.prepare(epochs.select(columns('wrapped')).where('epoch', '=', slot).compile()),
    addEpoch: connection.prepare(
      from.insertInto('epoch').values({ account: slot, epoch: slot, wrapped: slot }).compile(),
    ),
    key: connection.prepare(
      from.selectFrom('version_key').select(columns('epoch', 'wrapped')).where('key_id', '=', slot).compile(),
    ),
    addKey: connection.prepare(
      from.insertInto('version_key').values({ key_id: slot, epoch: slot, wrapped: slot }).compile(),
    ),
    deleteKeys: connection.prepare(
      from.deleteFrom('version_key').where('key_id', '>=', slot).where('key_id', '<=', slot).compile(),
    ),
    highest: connection.prepare(
      from
        .selectFrom('version_key')
        .select(columns('key_id'))
        .orderBy('version_key.key_id', 'desc')
        .limit(ONE)
        .compile(),
    ),
    count: connection.prepare(
      from
        .selectFrom('version_key')
        .select((row) => row.fn.countAll<number>().as('count'))
        .compile(),
    ),
    addUnswept: connection.prepare(
      from
        .insertInto('unswept')
        .values({ from_id: slot, to_id: slot })
        .onConflict((conflict) =>
          conflict.column('from_id').doUpdateSet((row) => ({ to_id: row.ref('excluded.to_id') })),
        )
        .compile(),
    ),
    unswept: connection.prepare(from.selectFrom('unswept').select(columns('from_id', 'to_id')).compile()),
    clearUnswept: connection.prepare(from.deleteFrom('unswept').compile()),
  };
}
