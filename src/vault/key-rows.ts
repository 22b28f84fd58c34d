import { type ColumnName, columns } from './columns.ts';
import type { Connection } from './database/connection.ts';
import { ONE, slot } from './database/query-builder.ts';
import { keyQueries } from './key-schema.ts';

/** The statements of the key store. */
export function prepareKeyRows(connection: Connection) {
  const { dialect } = connection;
  const from = keyQueries(dialect);
  const of = <Name extends ColumnName>(...names: Name[]) => columns(dialect, ...names);
  const epochs = from.selectFrom('epoch').where('account', '=', slot);
  const keys = from.selectFrom('version_key');
  return {
    account: connection.prepare(from.selectFrom('account').select(of('secret')).where('account', '=', slot).compile()),
    addAccount: connection.prepare(from.insertInto('account').values({ account: slot, secret: slot }).compile()),
    lastEpoch: connection.prepare(
      epochs.select(of('epoch', 'wrapped')).orderBy('epoch.epoch', 'desc').limit(ONE).compile(),
    ),
    epoch: connection.prepare(epochs.select(of('wrapped')).where('epoch', '=', slot).compile()),
    addEpoch: connection.prepare(
      from.insertInto('epoch').values({ account: slot, epoch: slot, wrapped: slot }).compile(),
    ),
    key: connection.prepare(keys.select(of('epoch', 'wrapped')).where('key_id', '=', slot).compile()),
    addKey: connection.prepare(
      from.insertInto('version_key').values({ key_id: slot, epoch: slot, wrapped: slot }).compile(),
    ),
    deleteKeys: connection.prepare(
      from.deleteFrom('version_key').where('key_id', '>=', slot).where('key_id', '<=', slot).compile(),
    ),
    highest: connection.prepare(keys.select(of('key_id')).orderBy('version_key.key_id', 'desc').limit(ONE).compile()),
    count: connection.prepare(
      keys
        .select((row) => row.fn.countAll<number>().as('count'))
        .where('key_id', '>=', slot)
        .where('key_id', '<=', slot)
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
    unswept: connection.prepare(from.selectFrom('unswept').select(of('from_id', 'to_id')).compile()),
    clearUnswept: connection.prepare(from.deleteFrom('unswept').compile()),
  };
}
