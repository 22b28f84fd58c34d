import { deriveKey } from '../crypto/node/derive-key.ts';
import { utf8 } from '../std/bytes.ts';
import type { Reject } from '../std/reject.ts';
import { extendsAnchor } from './anchor-check.ts';
import { reject } from './codes.ts';
import { createCommitQueue } from './commit-queue.ts';
import { createDocumentTable } from './document-table.ts';
import { createErasure } from './erasure.ts';
import { addIndexChanges } from './index-changes.ts';
import { createJournalLog } from './journal-log.ts';
import { createJournalTable, type JournalTable } from './journal-table.ts';
import { createKeyStore, type KeyStore } from './key-store.ts';
import type { Databases, VaultDatabase } from './open-databases.ts';
import { createOrphanKeys } from './orphan-keys.ts';
import { createReadCache } from './read-cache.ts';
import { createRowMac } from './row-mac.ts';
import { SENSITIVE_LABELS } from './sensitivity.ts';
import type { AnchorRow, LedgerAnchor, VaultStatus, VersionRow } from './vault.ts';
import { createVaultIndex } from './vault-index.ts';
import { createVersionReader } from './version-reader.ts';
import { createVersionStore, type KeyedVersion } from './version-table.ts';

/** Where the vault says what an operator should know. Never patient data. */
export interface VaultLog {
  info(data: object, message: string): void;
  warn(data: object, message: string): void;
  error(data: object, message: string): void;
}

export interface VaultOptions {
  /** Holds key-check and, unless `database` says otherwise, vault.db and keys.db; made when it is not there. The root key is never in it. */
  readonly folder: string;
  /** Where versions, journal and index are; a SQLite file of the folder unless it is given. */
  readonly database?: VaultDatabase;
  /** Member account whose vault this is. */
  readonly custodian: string;
  /** 32 bytes. */
  readonly rootKey: Uint8Array;
  readonly log: VaultLog;
  /** What the ledger holds, when it can be asked. Without it no orphaned key is swept until `checkAgainst`. */
  readonly anchoredAt?: LedgerAnchor;
  /** The folder comes from a backup: its orphaned keys are kept for good. */
  readonly restored?: boolean;
  /** Labels `system|code` whose versions are indexed under a key of their patient alone. */
  readonly sensitiveLabels?: ReadonlySet<string>;
  /** Quota of vault.db, in bytes; a write beyond it is refused with VAULT_FULL. */
  readonly maxBytes?: number;
}

/** All that the operations of an open vault work with. */
export type VaultParts = Awaited<ReturnType<typeof assembleVault>>;

/** Current rows in memory, about a kilobyte each: a reference or a read asks for the same few again. */
const MAX_CURRENT_ROWS = 4096;

/** Puts the tables of open databases together; does nothing to them but begin what is new. */
export async function assembleVault({ vault, keys, close }: Databases, options: VaultOptions) {
  const { rootKey, custodian, log: output } = options;
  const derived = (label: string, ...context: readonly Uint8Array[]) =>
    deriveKey(rootKey, label, utf8(custodian), ...context);
  const mac = createRowMac(derived('aceso/vault/row-mac/1'));
  const keyStore = await createKeyStore(keys, rootKey);
  const versions = createVersionStore(vault, mac);
  const journal = createJournalTable(vault, mac);
  await beginVault({ vault, keys, journal, keyStore, custodian });
  const log = await createJournalLog(vault, journal, mac);
  const reader = createVersionReader(versions, keyStore);
  const orphans = await createOrphanKeys(keys, keyStore, versions);
  const currents = createReadCache<VersionRow>(MAX_CURRENT_ROWS);
  const index = await createVaultIndex({ vault, keys, keyStore, versions, reader, derived });
  const { hash, writer: indexWriter, finder } = index;
  let lastAnchor = await journal.lastAnchor();
  let lastRid = await versions.highestRid();
  let status: VaultStatus = 'serving';
  let failure: Reject | undefined;

  const queue = createCommitQueue({
    ...{ keys, vault, keyStore, log },
    complete: (draft) =>
      addIndexChanges(draft, { versions, writer: indexWriter, marks: index.marks(), forget: finder.scopes.forget }),
    onFailure(reason) {
      if (status === 'failed' || status === 'closed') return;
      status = 'failed';
      failure = reason;
      output.error({ code: reason.code, ...reason.data }, 'the vault takes no more');
    },
  });
  const forget = (type: string, id: string) => {
    currents.forget(`${type}/${id}`);
    finder.scopes.forget();
  };

  return {
    ...{ vault, keys, closeDatabases: close, custodian, output, keyStore, versions, currents, journal, log, reader },
    ...{ orphans, queue, hash, indexWriter, index },
    /** Key that entries go under which are no account's own. */
    get sharedScope() {
      return index.scope();
    },
    documents: createDocumentTable(vault, derived('aceso/vault/documents/1')),
    erasure: createErasure({ vault, keys, versions, indexWriter, keyStore, reader, forget }),
    sensitiveLabels: options.sensitiveLabels ?? SENSITIVE_LABELS,
    nextRid: () => ++lastRid,
    written: (version: KeyedVersion) => {
      const { row } = version;
      currents.set(`${row.type}/${row.id}`, reader.remember(version));
    },
    anchors: {
      last: (): AnchorRow | undefined => lastAnchor,
      /** Takes note of an anchor that is durable. */
      note(anchor: AnchorRow): void {
        const [generation, size] = [lastAnchor?.generation ?? -1, lastAnchor?.size ?? -1];
        const isLater = anchor.generation > generation || (anchor.generation === generation && anchor.size > size);
        if (isLater) lastAnchor = anchor;
      },
    },
    status: () => status,
    setStatus(next: VaultStatus): void {
      status = next;
    },
    /** Throws the Reject that the vault's status stands for. */
    requireServing(): void {
      if (status === 'serving') return;
      if (status === 'behind') throw reject('VAULT_BEHIND_ANCHOR', { generation: log.generation, size: log.size });
      throw failure ?? reject('VAULT_CLOSED');
    },
    /** Takes note of an anchor; false when the journal does not extend it. */
    async compare(anchor: LedgerAnchor): Promise<boolean> {
      if (await extendsAnchor(log, journal, anchor)) return true;
      if (status === 'serving') {
        status = 'behind';
        const [held, anchored] = [
          { generation: log.generation, size: log.size },
          { generation: anchor.generation, size: anchor.size },
        ];
        output.error({ held, anchored }, 'the journal is behind its last anchor; the vault serves nothing');
      }
      return false;
    },
  };
}

/** A new vault begins generation 0, and knows its custodian's own account, for records of no patient. */
async function beginVault(parts: {
  vault: Databases['vault'];
  keys: Databases['keys'];
  journal: JournalTable;
  keyStore: KeyStore;
  custodian: string;
}): Promise<void> {
  const { vault, keys, journal, keyStore, custodian } = parts;
  if ((await journal.openGeneration()) === undefined) {
    if ((await journal.lastPosition()) !== undefined) throw reject('VAULT_DAMAGED', { table: 'generation' });
    await vault.write([journal.setSize(0, 0, [])]);
  }
  const known = await keyStore.account(custodian);
  if (known?.epoch !== undefined) return;
  const draft = keyStore.draft();
  draft.ensureAccount(custodian, known, true);
  await keys.write(draft.changes);
  draft.adopt();
}
