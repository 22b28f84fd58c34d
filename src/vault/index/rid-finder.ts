import { sql } from 'kysely';
import type { Connection } from '../database/connection.ts';
import { slot } from '../database/query-builder.ts';
import { QUERIES, readAs } from './sql-dialect.ts';

/** Numbers of resources by their names. A number is given once and kept, also by a resource that was deleted. */
export interface RidFinder {
  /** Undefined when the vault has no such resource. */
  find(type: string, id: string): Promise<number | undefined>;
}

/** A patient and an encounter are referred to again and again. */
const MAX_REMEMBERED = 20_000;

export function createRidFinder(connection: Connection): RidFinder {
  const known = new Map<string, number>();
  const { dialect } = connection;
  const byName = connection.prepare<{ rid: number }>(
    sql<{ rid: number }>`select ${readAs(dialect, sql`rid`, 'integer', 'rid')} from resource
      where type = ${slot} and id = ${slot}`.compile(QUERIES[dialect]),
  );
  return {
    async find(type, id) {
      const name = `${type}/${id}`;
      const remembered = known.get(name);
      if (remembered !== undefined) return remembered;
      const rid = (await byName.get(type, id))?.rid;
      if (rid === undefined) return undefined;
      if (known.size >= MAX_REMEMBERED) known.delete(known.keys().next().value as string);
      known.set(name, rid);
      return rid;
    },
  };
}
