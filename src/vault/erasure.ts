import { hexToBytes } from '../std/bytes.ts';
import { columns } from './columns.ts';
import { type Connection, slot } from './database.ts';
import type { KeyStore } from './key-store.ts';
import type { TokenIndex } from './token-index.ts';
import type { VersionRow } from './vault.ts';
import { vaultQueries } from './vault-schema.ts';
import type { VersionReader } from './version-reader.ts';
import type { VersionStore } from './version-table.ts';

/**
 * Erasure (DESIGN §4) in three durable steps: the version is marked and its blob, labels, categories and tokens go;
 * then its key and salt go, and both write-ahead logs are truncated; then the note that it was under way goes. A crash
 * after the first step is finished at the next start, so a version that says "erased" has no key for long.
 * `secure_delete` zeroes what is freed in the files.
 */
export interface Erasure {
  erase(rows: readonly VersionRow[]): void;
  /** Ends what a crash left under way. */
  finish(): void;
}

const NO_TOKENS = new Uint8Array(0);

export function createErasure(parts: {
  vault: Connection;
  keys: Connection;
  versions: VersionStore;
  tokens: TokenIndex;
  keyStore: KeyStore;
  reader: VersionReader;
}): Erasure {
  const { vault, keys, versions, tokens, keyStore, reader } = parts;
  const note = vault.prepare(
    vaultQueries
      .insertInto('erasing')
      .values({ key_id: slot })
      .onConflict((conflict) => conflict.doNothing())
      .compile(),
  );
  const noted = vault.prepare(vaultQueries.selectFrom('erasing').select(columns('key_id')).compile());
  const clear = vault.prepare(vaultQueries.deleteFrom('erasing').compile());

  function mark(row: VersionRow): void {
    const version = reader.stored(row);
    if (version.row.erased) return;
    versions.markErased(version);
    versions.deleteBlob(hexToBytes(version.row.blob) as Uint8Array);
    const resource = versions.resource(row.type, row.id);
    if (resource?.position === version.position) {
      tokens.replace(row.id, resource.tokens, NO_TOKENS);
      versions.putResource({ ...resource, tokens: NO_TOKENS });
    }
    note.run(version.keyId);
  }

  function finish(): void {
    const ids = noted.all().map((row) => row.key_id);
    if (ids.length === 0) return;
    keys.begin();
    for (const id of ids) keyStore.deleteKeys(id, id);
    keys.commit();
    keys.truncateLog();
    vault.truncateLog();
    vault.begin();
    clear.run();
    vault.commit();
  }

  return {
    erase(rows) {
      vault.begin();
      for (const row of rows) mark(row);
      vault.commit();
      finish();
    },
    finish,
  };
}
