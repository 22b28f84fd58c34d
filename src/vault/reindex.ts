import { setImmediate } from 'node:timers/promises';
import { sql } from 'kysely';
import { type Operation, VERSION_WEIGHT } from './commit-queue.ts';
import { type IndexEntries, NO_ENTRIES } from './index/index-entries.ts';
import { QUERIES, readAs, type Sql } from './index/sql-dialect.ts';
import { createMetaTable } from './meta-table.ts';
import type { IndexedState } from './resource-state.ts';
import { isSensitive } from './sensitivity.ts';
import type { ExtractEntries, IndexState, ReindexOptions, ReindexReport } from './vault.ts';
import { UNINDEXED_ROW } from './vault-index.ts';
import type { VaultParts } from './vault-parts.ts';
import type { ResourceRow } from './version-table.ts';

/** Resources of one commit: some milliseconds of work, between which others are served. */
const PAGE = 25;

type Name = { readonly rid: number; readonly type: string; readonly id: string };

/** Live resources whose entries are of an older format, or under an older key of the custodian's. */
function isOld({ format, generation }: { format: number; generation: number }): Sql {
  return sql`live = 1 and (index_format < ${format} or (protected = 0 and index_key < ${generation}))`;
}

/** See `CustodianVault.reindex`. */
export async function reindex(
  parts: VaultParts,
  extract: ExtractEntries,
  { format, onProgress, signal }: ReindexOptions,
): Promise<ReindexReport> {
  const { index, queue, vault } = parts;
  await queue.alone(() => index.raiseFormat(format));
  const total = await countOld(parts);
  let [done, failed, last] = [0, 0, 0];
  while (signal?.aborted !== true) {
    const page = await oldAfter(parts, last);
    if (page.length === 0) break;
    parts.requireServing();
    const renewed = page.map(async (one) => {
      const entries = await entriesOf(parts, extract, one);
      if (entries === undefined) failed += 1;
      await queue.submit(VERSION_WEIGHT, renewOperation(parts, one, entries));
    });
    await Promise.all(renewed);
    last = (page.at(-1) as Name).rid;
    done += page.length;
    if (index.building() !== undefined) index.setBuilding({ done: Math.min(done, total), total });
    onProgress?.({ done, total });
    await setImmediate();
  }
  if (signal?.aborted === true || (await countOld(parts)) > 0) return { done, total, failed };
  await queue.alone(async () => {
    await vault.write([createMetaTable(vault).set(UNINDEXED_ROW, '0')]);
    index.setBuilding(undefined);
    await index.ring.retire();
  });
  return { done, total, failed };
}

async function countOld({ vault, index }: VaultParts): Promise<number> {
  const { dialect } = vault;
  const query = sql<{ count: number }>`select count(*) as count from resource where ${isOld(index.marks())}`;
  return Number((await vault.all(query.compile(QUERIES[dialect])))[0]?.count);
}

async function oldAfter({ vault, index }: VaultParts, rid: number): Promise<readonly Name[]> {
  const { dialect } = vault;
  const columns = [
    readAs(dialect, sql`rid`, 'integer', 'rid'),
    readAs(dialect, sql`type`, 'text', 'type'),
    readAs(dialect, sql`id`, 'text', 'id'),
  ];
  const query = sql<Name>`select ${sql.join(columns)} from resource
    where resource.rid > ${rid} and ${isOld(index.marks())} order by resource.rid limit ${PAGE}`;
  return vault.all(query.compile(QUERIES[dialect]));
}

/** Undefined for a resource that cannot be opened, as it cannot be served either, or that makes no entries. */
async function entriesOf(
  { versions, reader, output }: VaultParts,
  extract: ExtractEntries,
  { type, id }: Name,
): Promise<(IndexEntries & { readonly position: number }) | undefined> {
  try {
    const resource = await versions.resource(type, id);
    const version = resource && (await versions.versionAt(resource.position));
    if (version === undefined || version.row.erased || version.row.deleted) return undefined;
    const bytes = await reader.open(reader.remember(version));
    return { ...extract(type, bytes, version.row.timeMs), position: version.position };
  } catch (error) {
    output.error({ type, code: (error as { code?: string }).code ?? 'INTERNAL' }, 'a resource could not be indexed');
    return undefined;
  }
}

/** Writes a resource's entries, unless it has been written meanwhile. */
function renewOperation(
  parts: VaultParts,
  { type, id }: Name,
  found: (IndexEntries & { readonly position: number }) | undefined,
): Operation<void> {
  return async () => {
    const name = `${type}/${id}`;
    const state = await stateOf(parts, type, id, found);
    return (draft) => () => {
      // What this commit writes already is of the format and under the key of today.
      if (state !== undefined && !draft.resources.has(name)) draft.resources.set(name, state);
    };
  };
}

async function stateOf(
  parts: VaultParts,
  type: string,
  id: string,
  entries: (IndexEntries & { readonly position: number }) | undefined,
): Promise<IndexedState | undefined> {
  const { versions, indexWriter, keyStore, sensitiveLabels } = parts;
  const resource = await versions.resource(type, id);
  if (resource === undefined || !isStill(parts, resource, entries?.position)) return undefined;
  const { rid, account, version, position } = resource;
  const [stored, packed, keys] = await Promise.all([
    versions.versionAt(position),
    indexWriter.packedOf({ type, id }),
    keyStore.account(account),
  ]);
  if (stored === undefined || keys === undefined) return undefined;
  const linked = new Map<string, number>();
  for (const link of entries?.links ?? []) {
    const target = await versions.ridOf(link.type, link.id);
    if (target !== undefined) linked.set(`${link.type}/${link.id}`, target);
  }
  const isProtected = isSensitive(stored.row.labels, sensitiveLabels);
  const scope = isProtected ? { id: account, key: keys.index } : parts.sharedScope;
  return {
    ...{ rid, type, id, account, version, position, packed, linked, leaf: stored.row.leaf },
    wasProtected: resource.protected,
    found: { scope, entries: entries ?? NO_ENTRIES, isProtected },
  };
}

function isStill({ index }: VaultParts, resource: ResourceRow, position: number | undefined): boolean {
  const { generation, format } = index.marks();
  const isOldKey = !resource.protected && resource.indexKey < generation;
  const isOlder = resource.live && (resource.indexFormat < format || isOldKey);
  return isOlder && (position === undefined || resource.position === position);
}

/** See `CustodianVault.indexState`. */
export function indexState({ index }: VaultParts): IndexState {
  const { generation, format } = index.marks();
  const building = index.building();
  const state = { format, generation, oldestGeneration: index.ring.oldest };
  return building === undefined ? state : { ...state, building };
}
