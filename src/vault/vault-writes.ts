import { type Operation, VERSION_WEIGHT } from './commit-queue.ts';
import type { Vault } from './vault.ts';
import type { VaultParts } from './vault-parts.ts';
import { onceOperation, type WriteParts, writeOperation } from './write-operations.ts';

type Writes = Pick<Vault, 'write' | 'journal' | 'journalOnce' | 'anchored' | 'openAccount' | 'putDocument' | 'erase'>;

/** What an open vault takes in; each call resolves when it is durable, and shares its commit with others. */
export function writeOperations(parts: VaultParts): Writes {
  const { queue, keyStore, journal, documents, erasure } = parts;
  const writeParts: WriteParts = { ...parts, remember: parts.reader.remember };

  async function submit<R>(weight: number, operation: Operation<R>): Promise<R> {
    parts.requireServing();
    return queue.submit(weight, operation);
  }

  return {
    write: (versions, interactions) =>
      submit(
        versions.length * VERSION_WEIGHT + interactions.length,
        writeOperation(writeParts, versions, interactions),
      ),
    journal: async (interactions) =>
      (await submit(interactions.length, writeOperation(writeParts, [], interactions))).journalIndices,
    journalOnce: async (interaction) => submit(1, onceOperation(writeParts, interaction)),
    anchored: (anchor) => submit(1, () => () => journal.addAnchor(anchor)),
    async openAccount(account) {
      parts.requireServing();
      // Known ones are durable already: what a commit made is forgotten when it fails.
      if (keyStore.account(account)?.epoch !== undefined) return;
      await queue.submit(1, () => () => void keyStore.ensureAccount(account, true));
    },
    putDocument: (kind, id, bytes) => submit(1, () => () => documents.put(kind, id, bytes)),
    async erase(rows) {
      parts.requireServing();
      await queue.alone(() => erasure.erase(rows));
    },
  };
}
