import { setImmediate } from 'node:timers/promises';
import { sql } from 'kysely';
import { appendLog } from '../state/log.ts';
import { logLeafHash } from '../state/log-proof.ts';
import { createMemoryStore } from '../state/memory-store.ts';
import { equalBytes } from '../std/bytes.ts';
import { isReject } from '../std/reject.ts';
import type { Connection } from './database.ts';
import type { JournalLog } from './journal-log.ts';
import type { EntryRow, JournalTable } from './journal-table.ts';
import type { KeyStore } from './key-store.ts';
import { positionOf } from './position.ts';
import type { ScrubReport } from './vault.ts';
import { vaultQueries } from './vault-schema.ts';
import type { VersionReader } from './version-reader.ts';
import type { VersionStore } from './version-table.ts';

const PAGE_ENTRIES = 200;
const MAX_FAULTS = 100;

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

/** sqlite.org/pragma.html#pragma_integrity_check; stops at the first thing that is wrong. */
const integrityCheck = sql<{
  integrity_check: string;
}>`select cast(integrity_check as blob) as integrity_check from pragma_integrity_check(1)`.compile(vaultQueries);

type Fault = ScrubReport['faults'][number];

/** See `CustodianVault.scrub`. Covers the entries that were there when it began. */
export async function scrub(parts: ScrubParts): Promise<ScrubReport> {
  const faults: Fault[] = [];
  const note = (fault: Fault) => faults.length < MAX_FAULTS && faults.push(fault);
  for (const [what, connection] of [
    ['vault.db', parts.vault],
    ['keys.db', parts.keys],
  ] as const) {
    const fault = faultOf(() => {
      if (connection.prepare(integrityCheck).get()?.integrity_check !== 'ok') note({ code: 'VAULT_DAMAGED', what });
    });
    if (fault !== undefined) note({ code: fault, what });
  }
  const counts = { entries: 0, versions: 0, erased: 0 };
  const { generation: last, size: lastSize } = parts.log;
  for (let generation = 0; generation <= last; generation++) {
    const size = generation === last ? lastSize : parts.journal.generation(generation)?.size;
    if (size !== undefined) await scrubGeneration(parts, generation, size, counts, note);
  }
  return { ...counts, keys: parts.keyStore.countKeys(), faults };
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
    const leaves: Uint8Array[] = [];
    for (let at = index; at < until; at++) {
      const entry = parts.journal.entry(positionOf(generation, at));
      if (entry === undefined) {
        note({ code: 'VAULT_DAMAGED', generation, index: at });
        return;
      }
      leaves.push(logLeafHash(entry.leaf));
      counts.entries += 1;
      const fault = faultOf(() => scrubEntry(parts, entry, counts));
      if (fault !== undefined) note({ code: fault, generation, index: at });
    }
    const appended = appendLog(rebuilt, 'j/', index, leaves);
    rebuilt.apply(appended.writes);
    root = appended.root;
    await setImmediate();
  }
  // The stored tiles are what proofs are made of, so they are compared with the entries, not with themselves.
  const fault = faultOf(() => {
    if (root !== undefined && !equalBytes(root, parts.log.root(generation, size)))
      note({ code: 'VAULT_DAMAGED', generation, what: 'tile' });
  });
  if (fault !== undefined) note({ code: fault, generation, what: 'tile' });
}

function scrubEntry(
  { reader, versions }: ScrubParts,
  entry: EntryRow,
  counts: { versions: number; erased: number },
): void {
  const opened = reader.openEntry(entry).entry;
  if (opened.kind === 'interaction') return;
  counts.versions += 1;
  if (opened.kind === 'erased') counts.erased += 1;
  const { type, id, version } = opened.header;
  const resource = versions.resource(type, id);
  const isNewest = resource?.version === version;
  if (resource === undefined || resource.version < version || isNewest !== (resource.position === entry.position)) {
    throw new Error('resource row');
  }
}

/** The code of what `run` throws; a bug counts as damage too, since nothing but damage leads here. */
function faultOf(run: () => void): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return isReject(error) ? error.code : 'VAULT_DAMAGED';
  }
}
