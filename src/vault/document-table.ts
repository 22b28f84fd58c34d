import { openAes256Gcm, sealAes256Gcm } from '../crypto/node/aead.ts';
import { utf8 } from '../std/bytes.ts';
import { frame } from '../std/frame.ts';
import { reject } from './codes.ts';
import { columns } from './columns.ts';
import type { Change, Connection } from './database/connection.ts';
import { slot } from './database/query-builder.ts';
import { createReadCache } from './read-cache.ts';
import { vaultQueries } from './vault-schema.ts';

/** Small documents of the custodian's own, each sealed (AES-256-GCM) and bound to its name. */
export interface DocumentTable {
  /** The same bytes at each call until the next `put`: not to be written to. Rejects with VAULT_DAMAGED when they are not those that were put. */
  get(kind: string, id: string): Promise<Uint8Array | undefined>;
  put(kind: string, id: string, bytes: Uint8Array | null): Change;
  /** To be called once what was put is durable. */
  forget(kind: string, id: string): void;
  /** In order of id; of a page, those after it. */
  list(
    kind: string,
    page?: { readonly after: string; readonly most: number },
  ): Promise<readonly { readonly id: string; readonly bytes: Uint8Array }[]>;
}

/** Documents kept open, and the largest of them: tokens are asked for at each request, and are small. */
const MAX_CACHED = 1024;
const MAX_CACHED_BYTES = 4096;

export function createDocumentTable(connection: Connection, key: Uint8Array): DocumentTable {
  const from = vaultQueries(connection.dialect);
  const select = from
    .selectFrom('document')
    .select(columns(connection.dialect, 'id', 'sealed'))
    .where('kind', '=', slot);
  const get = connection.prepare(select.where('id', '=', slot).compile());
  const list = connection.prepare(select.orderBy('document.id').compile());
  const listPage = connection.prepare(select.where('id', '>', slot).orderBy('document.id').limit(slot).compile());
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

  // This process has the database to itself, so what `put` has not touched is what it says, also that there is none.
  const cache = createReadCache<Uint8Array>(MAX_CACHED, (bytes) => (bytes?.length ?? 0) <= MAX_CACHED_BYTES);
  const nameIn = (kind: string, id: string) => `${kind}\n${id}`;

  function opened(kind: string, row: { id: string; sealed: Uint8Array }): Uint8Array {
    const bytes = openAes256Gcm(key, row.sealed, nameOf(kind, row.id));
    if (bytes === undefined) throw reject('VAULT_DAMAGED', { table: 'document' });
    return bytes;
  }

  return {
    get: (kind, id) =>
      cache.get(nameIn(kind, id), async () => {
        const row = await get.get(kind, id);
        return row === undefined ? undefined : opened(kind, row);
      }),
    put(kind, id, bytes) {
      if (bytes === null) return remove.change(kind, id);
      return put.change(kind, id, sealAes256Gcm(key, bytes, nameOf(kind, id)));
    },
    forget: (kind, id) => cache.forget(nameIn(kind, id)),
    async list(kind, page) {
      const rows = await (page === undefined ? list.all(kind) : listPage.all(kind, page.after, page.most));
      return rows.map((row) => ({ id: row.id, bytes: opened(kind, row) }));
    },
  };
}
