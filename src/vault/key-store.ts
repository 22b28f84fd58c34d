import { hmacFrame, randomBytes } from '#crypto/platform';
import { deriveKey } from '../crypto/node/derive-key.ts';
import { unwrapKey, wrapKey } from '../crypto/node/key-wrap.ts';
import { utf8 } from '../std/bytes.ts';
import { reject } from './codes.ts';
import type { Change, Connection } from './database/connection.ts';
import { prepareKeyRows } from './key-rows.ts';
import { SECRET_BYTES, type VersionKey, type WrappedKey } from './opening/open-sealed.ts';

/** Keys of one account, unwrapped. `epoch` is undefined for an account that only appears in interactions. */
export interface AccountKeys {
  readonly tag: Uint8Array;
  readonly index: Uint8Array;
  readonly salts: Uint8Array;
  readonly epoch?: { readonly number: number; readonly key: Uint8Array };
}

/** What one commit adds to the key store. Nothing is written before its changes are. */
export interface KeyDraft {
  readonly changes: readonly Change[];
  /** Keys of an account, made where there are none; `known` is what `KeyStore.account` said. */
  ensureAccount(account: string, known: AccountKeys | undefined, withEpoch: boolean): AccountKeys;
  /** A new version's key and salt under the account's current epoch. Returns the key's id, higher each time. */
  addVersionKey(epoch: { number: number; key: Uint8Array }, secret: VersionKey): number;
  /** To be called once the changes are on their way: later drafts count on them. */
  adopt(): void;
  /** To be called when they were refused; what is durable after all is read again. */
  takeBack(): void;
}

/**
 * The key store: the only place that version keys and salts are ever in. Its changes are made durable before the
 * vault's, so a version in the vault always has its key.
 */
export interface KeyStore {
  /** Undefined when the account is not known here. Rejects with VAULT_DAMAGED when its row does not unwrap. */
  account(account: string): Promise<AccountKeys | undefined>;
  /** The current epoch's key of an account whose keys are in memory; undefined when they are not. */
  accountInMemory(account: string): AccountKeys | undefined;
  draft(): KeyDraft;
  /** A version's key as it is stored; undefined when there is none (erased). */
  wrappedKey(account: string, keyId: number): Promise<WrappedKey | undefined>;
  deleteKeys(fromId: number, toId: number): Change;
  /** Highest id of a key that is stored; 0 when there is none. */
  highestKeyId(): Promise<number>;
  /** The id given out last. */
  readonly lastKeyId: number;
  /** Never give out ids up to this one: a tombstone names it, though its key is gone. */
  reserveKeyIds(upTo: number): void;
  countKeys(fromId?: number, toId?: number): Promise<number>;
  addUnswept(fromId: number, toId: number): Change;
  unswept(): Promise<readonly { from_id: number; to_id: number }[]>;
  clearUnswept(): Change;
}

/** About 400 bytes each. */
const MAX_CACHED_ACCOUNTS = 20_000;

export async function createKeyStore(connection: Connection, rootKey: Uint8Array): Promise<KeyStore> {
  const rows = prepareKeyRows(connection);
  const accounts = new Map<string, AccountKeys>();
  const oldEpochs = new Map<string, Uint8Array>();
  // Never goes back while the process runs, so an id of a failed commit is not given out again.
  let lastId = (await rows.highest.get())?.key_id ?? 0;

  // A key of its own for each account, so that a row moved to another account does not unwrap.
  const kekOf = (account: string) => deriveKey(rootKey, 'aceso/vault/account-kek/1', utf8(account));

  function unwrapRow(kek: Uint8Array, wrapped: Uint8Array, table: string): Uint8Array {
    const key = unwrapKey(kek, wrapped);
    if (key === undefined) throw reject('VAULT_DAMAGED', { table });
    return key;
  }

  function remember(account: string, keys: AccountKeys): AccountKeys {
    if (accounts.size >= MAX_CACHED_ACCOUNTS) accounts.delete(accounts.keys().next().value as string);
    accounts.set(account, keys);
    return keys;
  }

  async function load(account: string): Promise<AccountKeys | undefined> {
    const [row, epoch] = await Promise.all([rows.account.get(account), rows.lastEpoch.get(account)]);
    if (row === undefined) return undefined;
    // What a commit made meanwhile is newer than what was read.
    const known = accounts.get(account);
    if (known !== undefined) return known;
    const kek = kekOf(account);
    const keys = keysOf(unwrapRow(kek, row.secret, 'account'));
    if (epoch === undefined) return remember(account, keys);
    const key = unwrapRow(kek, epoch.wrapped, 'epoch');
    return remember(account, { ...keys, epoch: { number: epoch.epoch, key } });
  }

  async function epochKey(account: string, number: number): Promise<Uint8Array> {
    const current = (accounts.get(account) ?? (await load(account)))?.epoch;
    if (current?.number === number) return current.key;
    const name = `${account}/${number}`;
    const known = oldEpochs.get(name);
    if (known !== undefined) return known;
    const row = await rows.epoch.get(account, number);
    if (row === undefined) throw reject('VAULT_DAMAGED', { table: 'epoch' });
    const key = unwrapRow(kekOf(account), row.wrapped, 'epoch');
    if (oldEpochs.size >= MAX_CACHED_ACCOUNTS) oldEpochs.clear();
    oldEpochs.set(name, key);
    return key;
  }

  function draft(): KeyDraft {
    const changes: Change[] = [];
    const made = new Map<string, AccountKeys>();
    return {
      changes,
      ensureAccount(account, stored, withEpoch) {
        const known = made.get(account) ?? stored;
        if (known !== undefined && (!withEpoch || known.epoch !== undefined)) return known;
        const kek = kekOf(account);
        let keys = known;
        if (keys === undefined) {
          const secret = randomBytes(SECRET_BYTES);
          changes.push(rows.addAccount.change(account, wrapKey(kek, secret)));
          keys = keysOf(secret);
        }
        if (withEpoch) {
          const key = randomBytes(SECRET_BYTES);
          changes.push(rows.addEpoch.change(account, 1, wrapKey(kek, key)));
          keys = { ...keys, epoch: { number: 1, key } };
        }
        made.set(account, keys);
        return keys;
      },
      addVersionKey(epoch, { key, salt }) {
        lastId += 1;
        const both = new Uint8Array(2 * SECRET_BYTES);
        both.set(key, 0);
        both.set(salt, SECRET_BYTES);
        changes.push(rows.addKey.change(lastId, epoch.number, wrapKey(epoch.key, both)));
        return lastId;
      },
      adopt() {
        for (const [account, keys] of made) remember(account, keys);
      },
      takeBack() {
        for (const account of made.keys()) accounts.delete(account);
      },
    };
  }

  return {
    account: async (account) => accounts.get(account) ?? load(account),
    accountInMemory: (account) => accounts.get(account),
    draft,
    async wrappedKey(account, keyId) {
      const row = await rows.key.get(keyId);
      return row && { wrapped: row.wrapped, epochKey: await epochKey(account, row.epoch) };
    },
    deleteKeys: (fromId, toId) => rows.deleteKeys.change(fromId, toId),
    highestKeyId: async () => (await rows.highest.get())?.key_id ?? 0,
    get lastKeyId() {
      return lastId;
    },
    reserveKeyIds(upTo) {
      lastId = Math.max(lastId, upTo);
    },
    countKeys: async (fromId = 0, toId = Number.MAX_SAFE_INTEGER) => (await rows.count.get(fromId, toId))?.count ?? 0,
    addUnswept: (fromId, toId) => rows.addUnswept.change(fromId, toId),
    unswept: () => rows.unswept.all(),
    clearUnswept: () => rows.clearUnswept.change(),
  };
}

/** What derives from an account's secret. */
function keysOf(secret: Uint8Array): AccountKeys {
  const derived = (label: string) => hmacFrame(secret, label);
  return {
    tag: derived('aceso/vault/tag-key/1'),
    index: derived('aceso/vault/index-key/1'),
    salts: derived('aceso/vault/salt-key/1'),
  };
}
