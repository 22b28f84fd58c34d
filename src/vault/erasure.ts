import { hexToBytes } from '../std/bytes.ts';
import { columns } from './columns.ts';
import type { Change, Connection } from './database/connection.ts';
import { slot } from './database/query-builder.ts';
import type { IndexWriter } from './index/index-writer.ts';
import type { KeyStore } from './key-store.ts';
import type { VersionRow } from './vault.ts';
import { vaultQueries } from './vault-schema.ts';
import type { VersionReader } from './version-reader.ts';
import type { VersionStore } from './version-table.ts';

/**
 * Erasure (DESIGN §4) in three durable steps: the version is marked and its blob, labels, categories and index rows go;
 * then its key and salt go, and both databases overwrite what was deleted; then the note that it was under way goes. A
 * crash after the first step is finished at the next start, so a version that says "erased" has no key for long. A read
 * that is under way meanwhile finds a part missing, and then that the version is erased.
 */
export interface Erasure {
  /** Runs between commits. */
  erase(rows: readonly VersionRow[]): Promise<void>;
  /** Ends what a crash left under way. */
  finish(): Promise<void>;
}

export function createErasure(parts: {
  vault: Connection;
  keys: Connection;
  versions: VersionStore;
  indexWriter: IndexWriter;
  keyStore: KeyStore;
  reader: VersionReader;
  /** Told of resources whose current version is another from now on. */
  forget(type: string, id: string): void;
}): Erasure {
  const { vault, keys, versions, indexWriter, keyStore, reader } = parts;
  const from = vaultQueries(vault.dialect);
  const note = vault.prepare(
    from
      .insertInto('erasing')
      .values({ key_id: slot })
      .onConflict((conflict) => conflict.doNothing())
      .compile(),
  );
  const noted = vault.prepare(from.selectFrom('erasing').select(columns(vault.dialect, 'key_id')).compile());
  const clear = vault.prepare(from.deleteFrom('erasing').compile());

  /** Rows that mark a version; none when it is marked. */
  async function mark(row: VersionRow): Promise<Change[]> {
    const version = await reader.stored(row);
    if (version.row.erased) return [];
    const address = hexToBytes(version.row.blob) as Uint8Array;
    const changes = [versions.markErased(version), versions.deleteBlob(address), note.change(version.keyId)];
    const resource = await versions.resource(row.type, row.id);
    if (resource?.position !== version.position) return changes;
    const plan = indexWriter.planRemoval(resource.rid, await indexWriter.packedOf(resource));
    const gone = { live: false, protected: false, indexKey: 0, indexFormat: 0, digest: plan.digest };
    return [...changes, ...plan.changes, versions.putResource({ ...resource, ...gone })];
  }

  async function finish(): Promise<void> {
    const ids = (await noted.all()).map((row) => row.key_id);
    if (ids.length === 0) return;
    await keys.write(ids.map((id) => keyStore.deleteKeys(id, id)));
    await keys.overwrite();
    await vault.overwrite();
    await vault.write([clear.change()]);
  }

  return {
    async erase(rows) {
      const once = [...new Map(rows.map((row) => [row.leaf, row])).values()];
      await vault.write((await Promise.all(once.map(mark))).flat());
      for (const row of once) {
        parts.forget(row.type, row.id);
        reader.forget(row);
      }
      await finish();
    },
    finish,
  };
}
