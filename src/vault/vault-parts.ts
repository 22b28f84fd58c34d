import { deriveKey } from '../crypto/node/derive-key.ts';
import { utf8 } from '../std/bytes.ts';
import type { Reject } from '../std/reject.ts';
import { extendsAnchor } from './anchor-check.ts';
import { reject } from './codes.ts';
import { createCommitQueue } from './commit-queue.ts';
import { createCurrentCache } from './current-cache.ts';
import { createDocumentTable } from './document-table.ts';
import { createErasure } from './erasure.ts';
import { createJournalLog } from './journal-log.ts';
import { createJournalTable } from './journal-table.ts';
import { createKeyStore } from './key-store.ts';
import type { Databases } from './open-databases.ts';
import { createOrphanKeys } from './orphan-keys.ts';
import { createRowMac } from './row-mac.ts';
import { SENSITIVE_LABELS } from './sensitivity.ts';
import { createTokenIndex } from './token-index.ts';
import type { LedgerAnchor, VaultStatus } from './vault.ts';
import { createVersionReader } from './version-reader.ts';
import { createVersionStore, type VersionStore } from './version-table.ts';

/** Where the vault says what an operator should know. Never patient data. */
export interface VaultLog {
  info(data: object, message: string): void;
  warn(data: object, message: string): void;
  error(data: object, message: string): void;
}

export interface VaultOptions {
  /** Holds vault.db, keys.db and key-check; made when it is not there. The root key is never in it. */
  readonly folder: string;
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
  /** Quota of vault.db; a write beyond it is refused with VAULT_FULL. */
  readonly maxBytes?: number;
}

/** All that the operations of an open vault work with. */
export type VaultParts = ReturnType<typeof assembleVault>;

/** Puts the tables of open databases together; does nothing to them but begin what is new. */
export function assembleVault({ vault, keys, close }: Databases, options: VaultOptions) {
  const { rootKey, custodian, log: output } = options;
  const derived = (label: string) => deriveKey(rootKey, label, utf8(custodian));
  const mac = createRowMac(derived('aceso/vault/row-mac/1'));
  const keyStore = createKeyStore(keys, rootKey);
  const currents = createCurrentCache();
  const stored = createVersionStore(vault, mac);
  const versions: VersionStore = {
    ...stored,
    putResource(resource) {
      currents.forget(resource.type, resource.id);
      stored.putResource(resource);
    },
  };
  const journal = createJournalTable(vault, mac);
  ensureGeneration();
  const log = createJournalLog(vault, journal, mac);
  const reader = createVersionReader(versions, keyStore);
  const tokens = createTokenIndex(vault);
  const orphans = createOrphanKeys(keys, keyStore, versions);
  let status: VaultStatus = 'serving';
  let failure: Reject | undefined;

  /** A new vault begins generation 0, and knows its custodian's own account, for records of no patient. */
  function ensureGeneration(): void {
    if (journal.openGeneration() === undefined) {
      if (journal.lastPosition() !== undefined) throw reject('VAULT_DAMAGED', { table: 'generation' });
      vault.begin();
      journal.setSize(0, 0, []);
      vault.commit();
    }
    if (keyStore.account(custodian)?.epoch === undefined) {
      keys.begin();
      keyStore.ensureAccount(custodian, true);
      keys.commit();
    }
  }

  const queue = createCommitQueue({
    ...{ keys, vault, keyStore, log },
    onFailure(reason) {
      if (status === 'failed' || status === 'closed') return;
      status = 'failed';
      failure = reason;
      output.error({ code: reason.code, ...reason.data }, 'the vault takes no more');
    },
  });

  return {
    ...{
      vault,
      keys,
      closeDatabases: close,
      custodian,
      output,
      keyStore,
      versions,
      currents,
      journal,
      log,
      reader,
      tokens,
      orphans,
      queue,
    },
    documents: createDocumentTable(vault, derived('aceso/vault/documents/1')),
    erasure: createErasure({ vault, keys, versions, tokens, keyStore, reader }),
    indexKey: derived('aceso/vault/index/1'),
    sensitiveLabels: options.sensitiveLabels ?? SENSITIVE_LABELS,
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
    compare(anchor: LedgerAnchor): boolean {
      if (extendsAnchor(log, journal, anchor)) return true;
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
