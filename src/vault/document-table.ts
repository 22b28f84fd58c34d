import { openAes256Gcm, sealAes256Gcm } from '../crypto/node/aead.ts';
import { utf8 } from '../std/bytes.ts';
import { frame } from '../std/frame.ts';
import { reject } from './codes.ts';
import { columns } from './columns.ts';
import { type Connection, slot } from './database.ts';
import { vaultQueries } from './vault-schema.ts';

/** Small documents of the custodian's own, each sealed (AES-256-GCM) and bound to its name. */
export interface DocumentTable {
  /** The same bytes at each call until the next `put`: not to be written to. Throws Reject VAULT_DAMAGED when they are not those that were put. */
  get(kind: string, id: string): Uint8Array | undefined;
  put(kind: string, id: string, bytes: Uint8Array | null): void;
  /** In order of id. */
  list(kind: string): readonly { readonly id: string; readonly bytes: Uint8Array }[];
}

/** Documents kept open, and the largest of them: tokens are asked for at each request, and are small. */
const MAX_CACHED = 1024;
const MAX_CACHED_BYTES = 4096;

export function createDocumentTable(connection: Connection, key: Uint8Array): DocumentTable {
  const from = vaultQueries;
  const select = from.selectFrom('document').select(columns('id', 'sealed')).where('kind', '=', slot);
  const get = connection.prepare(select.where('id', '=', slot).compile());
  const list = connection.prepare(select.orderBy('document.id').compile());
  const put = connection.prepare(
    from
      .insertInto('document')
      .values({ kind: slot, id: slot, sealed: slot })
      .onConflict((conflict) =>
        conflict.columns(['kind', 'id']).doUpdateSet((row) => ({ sealed: row.ref('excluded.sealed') })),
      )
      .compile(),
  );
  const remove = connection.prepare(
    from.deleteFrom('document').where('kind', '=', slot).where('id', '=', slot).compile(),
  );
  const nameOf = (kind: string, id: string) => frame('aceso/vault/document/1', utf8(kind), utf8(id));

  // This process has the file to itself, so what `put` has not touched is what the file says.
  const cache = new Map<string, Uint8Array | undefined>();

  function remember(name: string, bytes: Uint8Array | undefined): void {
    // Inside a transaction a row may be one that is rolled back.
    if (connection.inTransaction || (bytes?.length ?? 0) > MAX_CACHED_BYTES) return;
    if (cache.size >= MAX_CACHED) cache.delete(cache.keys().next().value as string);
    cache.set(name, bytes);
  }

  function opened(kind: string, row: { id: string; sealed: Uint8Array }): Uint8Array {
    const bytes = openAes256Gcm(key, row.sealed, nameOf(kind, row.id));
    if (bytes === undefined) throw reject('VAULT_DAMAGED', { table: 'document' });
    return bytes;
  }

  return {
    get(kind, id) {
      const name = `${kind}\n${id}`;
      if (cache.has(name)) return cache.get(name);
      const row = get.get(kind, id);
      const bytes = row === undefined ? undefined : opened(kind, row);
      remember(name, bytes);
      return bytes;
    },
    put(kind, id, bytes) {
      cache.delete(`${kind}\n${id}`);
      if (bytes === null) remove.run(kind, id);
      else put.run(kind, id, sealAes256Gcm(key, bytes, nameOf(kind, id)));
    },
    list: (kind) => list.all(kind).map((row) => ({ id: row.id, bytes: opened(kind, row) })),
  };
}
