import { sql } from 'kysely';
import { type ColumnName, columns, columnsOf } from './columns.ts';
import type { Connection } from './database/connection.ts';
import { ONE, slot } from './database/query-builder.ts';
import type { FoundRow } from './index/find-statements.ts';
import { readAs } from './index/sql-dialect.ts';
import { type VersionTable, vaultQueries } from './vault-schema.ts';

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

const RESOURCE_COLUMNS = [
  ...(['rid', 'type', 'id', 'account', 'version', 'position', 'live', 'protected'] as const),
  ...(['index_key', 'index_format', 'digest', 'mac'] as const),
] as const;

/** A slot for each column. */
function slots<Name extends string>(names: readonly Name[]): { [N in Name]: never } {
  return Object.fromEntries(names.map((name) => [name, slot])) as { [N in Name]: never };
}

/** The statements of versions, resources and blobs. */
export function prepareVersionRows(connection: Connection) {
  const { dialect } = connection;
  const from = vaultQueries(dialect);
  const of = <Name extends ColumnName>(...names: readonly Name[]) => columns(dialect, ...names);
  const versions = from.selectFrom('version').select(of(...VERSION_COLUMNS));
  const insertVersion = from.insertInto('version').values(slots(VERSION_COLUMNS));
  return {
    resource: connection.prepare(
      from
        .selectFrom('resource')
        .select(of(...RESOURCE_COLUMNS))
        .where('type', '=', slot)
        .where('id', '=', slot)
        .compile(),
    ),
    resourcesAfter: connection.prepare(
      from
        .selectFrom('resource')
        .select(of(...RESOURCE_COLUMNS))
        .where('rid', '>', slot)
        .orderBy('resource.rid')
        .limit(slot)
        .compile(),
    ),
    highestRid: connection.prepare(
      from.selectFrom('resource').select(of('rid')).orderBy('resource.rid', 'desc').limit(ONE).compile(),
    ),
    putResource: connection.prepare(
      from
        .insertInto('resource')
        .values(slots(RESOURCE_COLUMNS))
        .onConflict((conflict) =>
          conflict.column('rid').doUpdateSet((row) => ({
            account: row.ref('excluded.account'),
            version: row.ref('excluded.version'),
            position: row.ref('excluded.position'),
            live: row.ref('excluded.live'),
            protected: row.ref('excluded.protected'),
            index_key: row.ref('excluded.index_key'),
            index_format: row.ref('excluded.index_format'),
            digest: row.ref('excluded.digest'),
            mac: row.ref('excluded.mac'),
          })),
        )
        .compile(),
    ),
    versionsBefore: connection.prepare(
      versions.where('position', '<', slot).orderBy('version.position', 'desc').limit(slot).compile(),
    ),
    versionsOf: connection.prepare(
      versions
        .where('type', '=', slot)
        .where('position', '<', slot)
        .orderBy('version.position', 'desc')
        .limit(slot)
        .compile(),
    ),
    // Left, so that a resource whose version is missing is damage and not a resource that never was.
    current: connection.prepare(
      sql<FoundRow>`select ${sql.join(columnsOf(dialect, 'v', ...VERSION_COLUMNS))},
        ${sql.join(of('rid', 'live', 'protected', 'index_key', 'index_format', 'digest'))},
        ${readAs(dialect, sql`r.mac`, 'bytes', 'resource_mac')}
        from resource r left join version v on v.position = r.position
        where r.type = ${slot} and r.id = ${slot}`.compile(from),
    ),
    // Positions go down only, so that a damaged chain ends.
    chain: connection.prepare(
      sql<VersionTable>`with recursive chain (place, link, depth) as (
          select position, before, 1 from version where position = ${slot}
          union all
          select v.position, v.before, c.depth + 1 from chain c join version v on v.position = c.link
          where c.depth < ${slot} and v.position < c.place)
        select ${sql.join(of(...VERSION_COLUMNS))} from chain join version on version.position = chain.place
        order by chain.depth`.compile(from),
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
      from.selectFrom('version').select(of('key_id')).orderBy('version.position', 'desc').limit(ONE).compile(),
    ),
    addBlob: connection.prepare(from.insertInto('blob').values({ address: slot, bytes: slot }).compile()),
    blob: connection.prepare(from.selectFrom('blob').select(of('bytes')).where('address', '=', slot).compile()),
    deleteBlob: connection.prepare(from.deleteFrom('blob').where('address', '=', slot).compile()),
  };
}
