import { randomBytes } from '#crypto/platform';
import { unwrapKey, wrapKey } from '../crypto/node/key-wrap.ts';
import { reject } from './codes.ts';
import { columns } from './columns.ts';
import type { Connection } from './database/connection.ts';
import { slot } from './database/query-builder.ts';
import type { Scope } from './index/index-hash.ts';
import type { IndexKeys } from './index/index-scopes.ts';
import { keyQueries } from './key-schema.ts';
import type { KeyStore } from './key-store.ts';
import { createMetaTable } from './meta-table.ts';

/**
 * The custodian's index keys. The first generation is derived from the root key; later ones are random and wrapped
 * (AES-KW) in the key store, each under a key of its own, so that none is taken for another. Those before `oldest` are gone: no entry is under them.
 */
export interface IndexKeyRing extends IndexKeys {
  /** Generation that entries are written under. */
  readonly current: number;
  readonly oldest: number;
  /** Makes a generation, written under from now on. Runs between commits. */
  rotate(): Promise<number>;
  /** Deletes the generations before the current one. Runs between commits. */
  retire(): Promise<void>;
}

/** Oldest generation in use, in the key store. */
const OLDEST = 'oldestIndexKey';
const FIRST = 1;

export async function createIndexKeyRing(
  keys: Connection,
  keyStore: KeyStore,
  stands: { readonly first: Uint8Array; readonly kekOf: (generation: number) => Uint8Array },
): Promise<IndexKeyRing> {
  const { dialect } = keys;
  const from = keyQueries(dialect);
  const meta = createMetaTable(keys);
  const stored = keys.prepare(
    from
      .selectFrom('index_key')
      .select(columns(dialect, 'generation', 'wrapped'))
      .orderBy('index_key.generation')
      .compile(),
  );
  const add = keys.prepare(from.insertInto('index_key').values({ generation: slot, wrapped: slot }).compile());
  const remove = keys.prepare(from.deleteFrom('index_key').where('generation', '<', slot).compile());
  const scopeOf = (generation: number, key: Uint8Array): Scope => ({ id: `custodian/${generation}`, key });

  let oldest = Number((await meta.get(OLDEST)) ?? FIRST);
  const generations = oldest === FIRST ? [{ generation: FIRST, scope: scopeOf(FIRST, stands.first) }] : [];
  for (const { generation, wrapped } of await stored.all()) {
    const key = unwrapKey(stands.kekOf(generation), wrapped);
    if (key === undefined) throw reject('VAULT_DAMAGED', { table: 'index_key' });
    if (generation >= oldest) generations.push({ generation, scope: scopeOf(generation, key) });
  }
  if (generations[0]?.generation !== oldest) throw reject('VAULT_DAMAGED', { table: 'index_key' });
  const current = () => (generations.at(-1) as (typeof generations)[number]).generation;

  return {
    get current() {
      return current();
    },
    get oldest() {
      return oldest;
    },
    custodian: () => generations.map(({ scope }) => scope).reverse(),
    async account(account) {
      const known = await keyStore.account(account);
      return known === undefined ? undefined : { id: account, key: known.index };
    },
    async rotate() {
      const [generation, key] = [current() + 1, randomBytes(32)];
      await keys.write([add.change(generation, wrapKey(stands.kekOf(generation), key))]);
      generations.push({ generation, scope: scopeOf(generation, key) });
      return generation;
    },
    async retire() {
      const kept = current();
      if (oldest === kept) return;
      await keys.write([remove.change(kept), meta.set(OLDEST, String(kept))]);
      generations.splice(0, generations.length - 1);
      oldest = kept;
    },
  };
}
