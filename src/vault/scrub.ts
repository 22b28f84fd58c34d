import { setImmediate } from 'node:timers/promises';
import { appendLog } from '../state/log.ts';
import { logLeafHash } from '../state/log-proof.ts';
import { createMemoryStore } from '../state/memory-store.ts';
import { equalBytes } from '../std/bytes.ts';
import { isReject } from '../std/reject.ts';
import type { Connection } from './database/connection.ts';
import { createIndexScrub, type IndexScrub } from './index/scrub-index.ts';
import type { JournalLog } from './journal-log.ts';
import type { EntryRow, JournalTable } from './journal-table.ts';
import type { KeyStore } from './key-store.ts';
import { positionOf } from './position.ts';
import type { ScrubReport } from './vault.ts';
import type { VersionReader } from './version-reader.ts';
import type { VersionStore } from './version-table.ts';

const PAGE_ENTRIES = 200;
const MAX_FAULTS = 100;
const MAX_READS = 3;

/** What a scrub reads. */
export interface ScrubParts {
  readonly vault: Connection;
  readonly keys: Connection;
  readonly journal: JournalTable;
  readonly log: JournalLog;
  readonly versions: VersionStore;
  readonly keyStore: KeyStore;
  readonly reader: VersionReader;
}

type Fault = ScrubReport['faults'][number];

/** See `CustodianVault.scrub`. Covers the entries that were there when it began. */
export async function scrub(parts: ScrubParts): Promise<ScrubReport> {
  const faults: Fault[] = [];
  const note = (fault: Fault) => faults.length < MAX_FAULTS && faults.push(fault);
  for (const [what, connection] of [
    ['vault.db', parts.vault],
    ['keys.db', parts.keys],
  ] as const) {
    const fault = await faultOf(async () => {
      if ((await connection.integrityFault()) !== undefined) note({ code: 'VAULT_DAMAGED', what });
    });
    if (fault !== undefined) note({ code: fault, what });
  }
  const counts = { entries: 0, versions: 0, erased: 0 };
  const { generation: last, size: lastSize } = parts.log;
  for (let generation = 0; generation <= last; generation++) {
    const size = generation === last ? lastSize : (await parts.journal.generation(generation))?.size;
    if (size !== undefined) await scrubGeneration(parts, generation, size, counts, note);
  }
  await scrubIndex(parts, note);
  return { ...counts, keys: await parts.keyStore.countKeys(), faults };
}

async function scrubGeneration(
  parts: ScrubParts,
  generation: number,
  size: number,
  counts: { entries: number; versions: number; erased: number },
  note: (fault: Fault) => void,
): Promise<void> {
  const rebuilt = createMemoryStore();
  let root: Uint8Array | undefined;
  for (let index = 0; index < size; index += PAGE_ENTRIES) {
    const until = Math.min(size, index + PAGE_ENTRIES);
    const [from, to] = [positionOf(generation, index), positionOf(generation, until - 1) + 1];
    const entries = await parts.journal.entriesBetween(from, to);
    const gap = entries.findIndex((entry, at) => entry.position !== from + at);
    const whole = gap === -1 ? entries : entries.slice(0, gap);
    counts.entries += whole.length;
    const found = await Promise.all(whole.map((entry) => faultOf(() => scrubEntry(parts, entry, counts))));
    for (const [at, code] of found.entries()) if (code !== undefined) note({ code, generation, index: index + at });
    if (whole.length < until - index) {
      note({ code: 'VAULT_DAMAGED', generation, index: index + whole.length });
      return;
    }
    const leaves = whole.map((entry) => logLeafHash(entry.leaf));
    const appended = appendLog(rebuilt, 'j/', index, leaves);
    rebuilt.apply(appended.writes);
    root = appended.root;
    await setImmediate();
  }
  // The stored tiles are what proofs are made of, so they are compared with the entries, not with themselves.
  const fault = await faultOf(async () => {
    if (root !== undefined && !equalBytes(root, await parts.log.root(generation, size)))
      note({ code: 'VAULT_DAMAGED', generation, what: 'tile' });
  });
  if (fault !== undefined) note({ code: fault, generation, what: 'tile' });
}

/** Resources against the index, and the tables of the index against all of them. */
async function scrubIndex({ vault, versions }: ScrubParts, note: (fault: Fault) => void): Promise<void> {
  const index = createIndexScrub(vault);
  for (let last = 0; ; ) {
    const page: { rows: Awaited<ReturnType<VersionStore['resourcesAfter']>> } = { rows: [] };
    const fault = await faultOf(async () => {
      page.rows = await versions.resourcesAfter(last, PAGE_ENTRIES);
    });
    if (fault !== undefined) note({ code: fault, what: 'resource' });
    for (const { type, id } of page.rows) {
      const what = await indexFault(versions, index, type, id);
      if (what !== undefined) note({ code: 'VAULT_DAMAGED', what });
    }
    const end = page.rows.at(-1);
    if (end === undefined) break;
    last = end.rid;
    await setImmediate();
  }
  const fault = await faultOf(async () => {
    for (const what of await index.strayTables()) note({ code: 'VAULT_DAMAGED', what });
  });
  if (fault !== undefined) note({ code: fault, what: 'indexed' });
}

/** Read again before it is called a fault: a commit may have come between a resource's row and those of its index. */
async function indexFault(
  versions: VersionStore,
  index: IndexScrub,
  type: string,
  id: string,
): Promise<string | undefined> {
  let what: string | undefined;
  for (let attempt = 0; attempt < MAX_READS; attempt++) {
    const code = await faultOf(async () => {
      const resource = await versions.resource(type, id);
      what = resource === undefined ? 'resource' : await index.faultOf(resource);
    });
    if (code !== undefined) what = 'indexed';
    if (what === undefined) return undefined;
  }
  return what;
}

async function scrubEntry(
  { reader, versions }: ScrubParts,
  entry: EntryRow,
  counts: { versions: number; erased: number },
): Promise<void> {
  const opened = (await reader.openEntry(entry)).entry;
  if (opened.kind === 'interaction') return;
  counts.versions += 1;
  if (opened.kind === 'erased') counts.erased += 1;
  const { type, id, version } = opened.header;
  const resource = await versions.resource(type, id);
  const isNewest = resource?.version === version;
  if (resource === undefined || resource.version < version || isNewest !== (resource.position === entry.position)) {
    throw new Error('resource row');
  }
}

/** The code of what `run` throws; a bug counts as damage too, since nothing but damage leads here. */
async function faultOf(run: () => Promise<void>): Promise<string | undefined> {
  try {
    await run();
    return undefined;
  } catch (error) {
    return isReject(error) ? error.code : 'VAULT_DAMAGED';
  }
}
